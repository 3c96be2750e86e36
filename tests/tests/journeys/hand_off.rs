//! The link that is forwarded to an administrator: by a Super Admin, and by a user whom Microsoft lets nothing do.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    BEN, CONTOSO, ERIK, GRACE, HostUser, OLGA, Person, Reaction, Reply, Visit, forms,
};
use serde_json::{Value, json};

use crate::fixture::{company_history, last_sequence, log, start};

fn asking(purpose: &str) -> Value {
    json!({
        "purpose": purpose,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
    })
}

/// A link, and its id.
async fn link(by: &HostUser, body: &Value) -> anyhow::Result<(String, String)> {
    let made = by.make_hand_off(body).await?.ok()?;
    ensure!(
        made.status == 201 && made.word("/state") == Some("waiting"),
        "{}",
        made.text
    );
    let word = |pointer| made.word(pointer).map(str::to_owned);
    word("/url").zip(word("/hand_off_id")).context("no link")
}

/// Whoever has the link goes on to Microsoft; where that is.
async fn follow(stack: &Stack, link: &str) -> anyhow::Result<String> {
    let reply = stack.microsoft().follow_hand_off(link).await?;
    let on = reply
        .header("location")
        .with_context(|| reply.text.clone())?;
    Ok(on.to_owned())
}

/// From Microsoft to our last page; what it says.
async fn walk(
    stack: &Stack,
    link: &str,
    person: Person,
    reaction: Reaction<'_>,
) -> anyhow::Result<String> {
    let landing = stack
        .microsoft()
        .walk(&follow(stack, link).await?, person, reaction)
        .await?;
    let page = stack.microsoft().open(&landing.address).await?;
    is_a_page(&page, 200)?;
    Ok(page.text)
}

fn is_a_page(reply: &Reply, status: u16) -> anyhow::Result<()> {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    ensure!(
        reply.status == status
            && reply.header("content-type") == Some("text/html; charset=utf-8")
            && reply.header("referrer-policy") == Some("no-referrer")
            && reply.header("cache-control") == Some("no-store")
            && policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'none'"),
        "{} {:?} {}",
        reply.status,
        reply.headers,
        reply.text
    );
    Ok(())
}

async fn stands(by: &HostUser, id: &str, state: &str) -> anyhow::Result<Reply> {
    let reply = by.hand_off(id).await?.ok()?;
    ensure!(
        reply.word("/state") == Some(state) && reply.word("/url").is_none(),
        "{}, expected {state}",
        reply.text
    );
    Ok(reply)
}

#[tokio::test]
async fn a_super_admin_has_an_administrator_decide_who_has_no_account_here() -> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());
    let sam = stack.super_admin("acme", "sam");
    let (link, id) = link(&sam, &asking("administrator_consent")).await?;

    // Looking does nothing, and says what is asked.
    let page = microsoft.open(&link).await?;
    is_a_page(&page, 200)?;
    for word in [
        "sam",
        "acme",
        "Calendars.ReadWrite",
        "Mail.Send",
        "decide for everyone",
    ] {
        ensure!(
            page.text.contains(word),
            "the page does not say {word}: {}",
            page.text
        );
    }
    ensure!(
        !page.text.contains("Mail.ReadWrite"),
        "more than was asked: {}",
        page.text
    );
    let stylesheet = format!("{}/assets/pages.css", stack.gateway.url());
    ensure!(
        microsoft.open(&stylesheet).await?.status == 200,
        "no stylesheet"
    );
    let opened = stands(&sam, &id, "opened").await?;
    ensure!(opened.word("/opened_at").is_some(), "{}", opened.text);
    let unticked = microsoft_form(&stack, &link).await?;
    is_a_page(&unticked, 422)?;
    ensure!(unticked.text.contains("Tick the box"), "{}", unticked.text);

    // Ben can't, Grace is of another tenant, Olga declines; and each time the link stays good.
    let visit = microsoft
        .visit(&follow(&stack, &link).await?, BEN, Reaction::Accept)
        .await?;
    ensure!(visit == Visit::Page("AADSTS90093".to_owned()), "{visit:?}");
    stands(&sam, &id, "started").await?;
    let said = walk(&stack, &link, OLGA, Reaction::Decline).await?;
    ensure!(said.contains("declined"), "{said}");
    let refused = stands(&sam, &id, "refused").await?;
    ensure!(
        refused.word("/code") == Some("declined"),
        "{}",
        refused.text
    );
    ensure!(last_sequence(&log).await? == 0, "something was recorded");

    let said = walk(&stack, &link, OLGA, Reaction::Accept).await?;
    ensure!(said.contains("Thank you"), "{said}");
    let completed = stands(&sam, &id, "completed").await?;
    ensure!(
        completed.word("/granted_by/object_id") == Some(OLGA.object_id),
        "{}",
        completed.text
    );
    let account = sam.account().await?.ok()?;
    ensure!(
        account.word("/method") == Some("admin_configured")
            && account.word("/consent/requested_by") == Some("sam")
            && account.word("/consent/granted_by/object_id") == Some(OLGA.object_id)
            && account.word("/consent/tenant_id") == Some(CONTOSO)
            && account.word("/consent/permissions/email") == Some("limited"),
        "{}",
        account.text
    );

    // Once is enough.
    let again = microsoft.follow_hand_off(&link).await?;
    is_a_page(&again, 200)?;
    ensure!(again.text.contains("Already approved"), "{}", again.text);
    sam.cancel_hand_off(&id)
        .await?
        .refused(409, "flow_already_used")?;
    ensure!(
        company_history(&log, "acme").await?.events().len() == 2,
        "recorded twice"
    );

    // A next one is for the tenant that has consented, whoever follows it.
    let (link, _) = self::link(&sam, &asking("administrator_consent")).await?;
    let visit = microsoft
        .visit(&follow(&stack, &link).await?, GRACE, Reaction::Accept)
        .await?;
    let Visit::Redirect(back) = visit else {
        anyhow::bail!("{visit:?}");
    };
    ensure!(back.contains("AADSTS50020"), "{back}");
    Ok(())
}

/// The form, sent without its box.
async fn microsoft_form(stack: &Stack, link: &str) -> anyhow::Result<Reply> {
    let mut browser = stack.microsoft().new_browser();
    let page = browser.get(link).await?;
    let form = forms(&page.text).first().cloned().context("no form")?;
    Ok(browser.submit(link, &form, &[("x", "y")]).await?)
}

#[tokio::test]
async fn a_cancelled_link_records_nothing_however_far_it_got() -> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());
    let sam = stack.super_admin("acme", "sam");
    let (link, id) = link(&sam, &asking("administrator_consent")).await?;
    let on = follow(&stack, &link).await?;
    sam.cancel_hand_off(&id)
        .await?
        .ok()?
        .with_text("/state", "cancelled")?;
    sam.cancel_hand_off(&id).await?.ok()?;

    let landing = microsoft.walk(&on, OLGA, Reaction::Accept).await?;
    ensure!(
        landing.outcome == "refused" && landing.address.contains("reason=hand_off_closed"),
        "{landing:?}"
    );
    is_a_page(&microsoft.open(&link).await?, 410)?;
    is_a_page(&microsoft.follow_hand_off(&link).await?, 410)?;
    stands(&sam, &id, "cancelled").await?;
    ensure!(last_sequence(&log).await? == 0, "something was recorded");
    Ok(())
}

#[tokio::test]
async fn who_may_make_see_and_cancel_links() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let sam = stack.super_admin("acme", "sam");
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    let eve = stack
        .super_admin("evil", "eve")
        .bearing(&stack.host.token_for("eve", "evil").super_admin().sign());

    ana.make_hand_off(&asking("administrator_consent"))
        .await?
        .refused(403, "forbidden")?;
    let (link, id) = self::link(&ana, &asking("approval")).await?;
    stands(&ana, &id, "waiting").await?;
    stands(&sam, &id, "waiting").await?;
    ben.hand_off(&id).await?.refused(404, "not_found")?;
    ben.cancel_hand_off(&id).await?.refused(404, "not_found")?;
    ensure!(
        ben.hand_offs().await?.ok()?.value("/hand_offs") == &json!([]),
        "ben sees it"
    );
    eve.hand_off(&id).await?.refused(404, "not_found")?;
    for by in [&sam, &ana] {
        let listed = by.hand_offs().await?.ok()?;
        ensure!(
            listed.word("/hand_offs/0/hand_off_id") == Some(id.as_str()),
            "{}",
            listed.text
        );
        ensure!(listed.word("/hand_offs/0/url").is_none(), "{}", listed.text);
    }
    // Half a manager is none: they see and cancel what they asked for themselves.
    for half in [
        stack.with_token("acme", "hal", |token| token.role("super_admin")),
        stack.with_token("acme", "hal", |token| {
            token.permission("company_settings:manage")
        }),
    ] {
        half.hand_off(&id).await?.refused(404, "not_found")?;
        half.cancel_hand_off(&id).await?.refused(404, "not_found")?;
        let listed = half.hand_offs().await?.ok()?;
        ensure!(listed.value("/hand_offs") == &json!([]), "{}", listed.text);
        half.make_hand_off(&asking("administrator_consent"))
            .await?
            .refused(403, "forbidden")?;
    }
    sam.cancel_hand_off(&id).await?.ok()?;

    // The link's secret is the link.
    for wrong in [
        format!("{link}x"),
        link.replace(&id.replace('-', ""), &"0".repeat(32)),
        format!("{}/hand-off/x", stack.gateway.url()),
    ] {
        is_a_page(&microsoft.open(&wrong).await?, 404)?;
        is_a_page(&microsoft.follow_hand_off(&wrong).await?, 404)?;
    }

    // The rules are those of any administrator consent.
    let nothing = json!({"purpose": "approval", "permissions": {"calendar": false, "contacts": false, "email": "none"}});
    ana.make_hand_off(&nothing)
        .await?
        .refused(422, "nothing_selected")?;
    sam.set_method("user_individual", "limited").await?.ok()?;
    sam.make_hand_off(&asking("administrator_consent"))
        .await?
        .refused(409, "full_sync_required")?;
    let (_, id) = self::link(&ana, &json!({"purpose": "approval", "permissions": {"calendar": false, "contacts": false, "email": "full"}})).await?;
    let capped = stands(&ana, &id, "waiting").await?;
    ensure!(
        capped.word("/permissions/email") == Some("limited"),
        "{}",
        capped.text
    );
    let mut elsewhere = asking("approval");
    if let Some(fields) = elsewhere.as_object_mut() {
        fields.insert("tenant".to_owned(), json!("northwind-gov.example"));
    }
    ana.make_hand_off(&elsewhere)
        .await?
        .refused(422, "unsupported_cloud")?;

    // Twenty are enough for one account.
    for _ in 0..19 {
        self::link(&ben, &asking("approval")).await?;
    }
    ana.make_hand_off(&asking("approval"))
        .await?
        .refused(429, "too_many_requests")?;
    Ok(())
}

#[tokio::test]
async fn an_administrator_ends_the_approval_loop_and_nobodys_permissions_change()
-> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());
    let (finn, login) = (stack.user("adatum", "finn"), stack.login("adatum"));
    let person = crate::known_before_asked::finn(&stack).await?;
    let calendar = json!({"calendar": true, "contacts": false, "email": "none"});

    // The first time nobody knows; Microsoft says that an administrator has to approve.
    let prompted = login.wanting("finn", person, &calendar).await?.ok()?;
    let url = prompted.word("/authorize_url").context("no prompt")?;
    microsoft.walk(url, person, Reaction::Return).await?;
    let again = login.wanting("finn", person, &calendar).await?.ok()?;
    ensure!(
        again.word("/decision") == Some("proceed")
            && again.word("/reason") == Some("administrator_approval_required"),
        "{}",
        again.text
    );

    let (link, id) = link(
        &finn,
        &json!({"purpose": "approval", "permissions": calendar}),
    )
    .await?;
    let made = stands(&finn, &id, "waiting").await?;
    ensure!(
        made.word("/tenant_id") == Some(person.tenant),
        "the link is for Finn's own tenant: {}",
        made.text
    );
    let page = microsoft.open(&link).await?;
    ensure!(
        page.text.contains("Nobody is connected by your acceptance"),
        "{}",
        page.text
    );
    let said = walk(&stack, &link, ERIK, Reaction::Accept).await?;
    ensure!(said.contains("Thank you"), "{said}");
    stands(&finn, &id, "completed").await?;
    ensure!(
        last_sequence(&log).await? == 0,
        "an approval changed somebody's permissions"
    );
    finn.account()
        .await?
        .ok()?
        .with_text("/method", "user_individual")?;

    // Now the login asks again, and Microsoft has nothing left to ask.
    let prompted = login
        .wanting("finn", person, &calendar)
        .await?
        .decided("prompt")?;
    let url = prompted.word("/authorize_url").context("no prompt")?;
    let landing = microsoft.walk(url, person, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    finn.see("finn").await?.ok()?.with_effective("calendar")?;
    Ok(())
}
