//! Accounts are deleted and made anew, and tenants go and merge: nobody is led to a tenant that knows them no more, and
//! whoever has another mailbox by now can have it instead.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    ANA, BEN, FABRIKAM, FARID, GRACE, HostUser, OLGA, Person, Reaction, Reply, SettingsClient,
};
use reqwest::Method;
use serde_json::json;

use crate::fixture::{
    admin_consent, authorize_url, ended, fault, grant, last_sequence, log, query_value, selection,
    start,
};
use crate::session_client;

const FORM: &str = "/settings/account/another-microsoft-account";

async fn is_of(user: &HostUser, person: Person, effective: &str) -> anyhow::Result<Reply> {
    let seen = user
        .see(user.user_id())
        .await?
        .ok()?
        .with_text("/microsoft_identity/object_id", person.object_id)?
        .with_effective(effective)?;
    Ok(seen)
}

/// Nobody of the old identity is demanded: the flow is begun at no tenant, and Microsoft asks which account it is.
fn leads_anywhere(url: &str) -> anyhow::Result<()> {
    ensure!(url.contains("/organizations/oauth2/"), "{url}");
    ensure!(query_value(url, "prompt")? == "select_account", "{url}");
    Ok(())
}

async fn walk(stack: &Stack, url: &str, person: Person) -> anyhow::Result<String> {
    let mut browser = stack.microsoft().new_browser();
    let microsoft = stack.microsoft();
    let landed = microsoft.walk_up_to_us(&mut browser, url, person, Reaction::Accept);
    Ok(landed.await?)
}

/// Confirms in the settings what came back there.
async fn connects(visitor: &SettingsClient, landed: &str) -> anyhow::Result<Reply> {
    let page = visitor.get(landed).await?;
    ensure!(
        page.text.contains("Connect this Microsoft account"),
        "{}",
        page.text
    );
    let (flow, confirm) = (
        query_value(landed, "flow")?,
        query_value(landed, "confirm")?,
    );
    let fields = [("flow", flow.as_str()), ("confirm", confirm.as_str())];
    let sent = visitor
        .post(
            "/settings/account",
            "/settings/account/confirmation",
            &fields,
        )
        .await?;
    Ok(sent)
}

#[tokio::test]
async fn the_settings_name_the_account_and_lead_to_another_one() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    let visitor = session_client::user(&stack, "acme", "ana").await?;
    let page = visitor.get("/settings/account").await?;
    ensure!(!page.text.contains(FORM), "nothing is connected yet");
    grant(&stack, &ana, ANA, &["calendar", "email"]).await?;
    let page = visitor.get("/settings/account").await?;
    for named in [ANA.object_id, ANA.tenant, "Use another Microsoft account"] {
        ensure!(page.text.contains(named), "{named}: {}", page.text);
    }

    let sent = visitor.post("/settings/account", FORM, &[]).await?;
    let url = sent.header("location").context("not sent on")?.to_owned();
    leads_anywhere(&url)?;
    let landed = walk(&stack, &url, FARID).await?;
    is_of(&ana, ANA, "calendar, email (full)").await?;
    let page = visitor.get(&landed).await?;
    for named in [FARID.object_id, ANA.object_id] {
        ensure!(page.text.contains(named), "{named}: {}", page.text);
    }
    connects(&visitor, &landed).await?;
    is_of(&ana, FARID, "calendar, email (full)").await?;
    // At the new mailbox's login nothing is left to ask.
    let (login, wants) = (
        stack.login("acme"),
        json!({"calendar": true, "contacts": false, "email": "full"}),
    );
    login
        .wanting("ana", FARID, &wants)
        .await?
        .ok()?
        .with_text("/reason", "all_effective")?;

    // Where all was taken back, what was on is asked for. Who picks the same account again just has it.
    for permission in ["calendar", "email"] {
        ana.revoke(permission).await?.ok()?;
    }
    let sent = visitor.post("/settings/account", FORM, &[]).await?;
    let url = sent.header("location").context("not sent on")?.to_owned();
    leads_anywhere(&url)?;
    let landed = walk(&stack, &url, FARID).await?;
    connects(&visitor, &landed).await?;
    is_of(&ana, FARID, "calendar, email (full)").await?;

    // A page that stood open while the company moved on begins nothing.
    let sam = stack.super_admin("acme", "sam");
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    let late = visitor
        .post("/settings/account", FORM, &[("epoch", "0")])
        .await?;
    let to = late.header("location").context("not sent on")?;
    ensure!(to.contains("changed_meanwhile"), "{to}");
    let now = visitor
        .post("/settings/account", FORM, &[("epoch", "1")])
        .await?;
    ensure!(now.status == 409, "{}", now.text);
    Ok(())
}

/// Microsoft says of the account, or of its tenant, that it is not there.
#[tokio::test]
async fn whose_account_microsoft_knows_no_more_is_not_sent_there_again() -> anyhow::Result<()> {
    let stack = start().await?;
    for (number, code) in [50020, 50034, 90002, 700_016].into_iter().enumerate() {
        let name = format!("user{number}");
        let user = stack.user("acme", &name);
        grant(&stack, &user, ANA, &["calendar"]).await?;
        let started = user.start_grant(&["contacts"], None).await?.ok()?;
        let url = authorize_url(&started)?;
        ensure!(url.contains(ANA.tenant), "{url}");
        fault(
            &stack,
            &json!({"endpoint": "authorize", "refuse": {"code": code}}),
        )
        .await?;
        let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
        ensure!(landing.outcome == "refused", "{code}: {landing:?}");

        // From the settings, with the same boxes as ever.
        let visitor = session_client::user(&stack, "acme", &name).await?;
        let boxes = [("calendar", "true"), ("contacts", "true")];
        let form = "/settings/account/permissions";
        let sent = visitor.post("/settings/account", form, &boxes).await?;
        let url = sent.header("location").context("not sent on")?.to_owned();
        leads_anywhere(&url)?;
        let landed = walk(&stack, &url, BEN).await?;
        connects(&visitor, &landed).await?;
        is_of(&user, BEN, "contacts").await?;
        // And there it is known again.
        let started = user.start_grant(&["email"], None).await?.ok()?;
        ensure!(authorize_url(&started)?.contains(BEN.tenant));
    }
    Ok(())
}

/// What Microsoft says of an account that was named for one flow only says nothing of the account of the grants. And whatever
/// a browser makes up, nothing is granted by it.
#[tokio::test]
async fn what_is_said_of_another_account_leaves_what_is_known_of_ones_own() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let makes_up = async |started: &Reply| -> anyhow::Result<()> {
        let state = query_value(authorize_url(started)?, "state")?;
        let back = format!(
            "{}/callbacks/microsoft/authorize?error=access_denied&error_description=AADSTS50020&state={state}",
            stack.gateway.url()
        );
        let landed = stack.microsoft().open(&back).await?;
        let to = landed.header("location").context("not sent on")?;
        ensure!(to.contains("identity_mismatch"), "{to}");
        Ok(())
    };
    let before = last_sequence(&log).await?;
    for claimed in [false, true] {
        let started = if claimed {
            ana.start_grant_claiming(&["contacts"], FARID).await?
        } else {
            ana.start_grant(&["contacts"], Some(FARID)).await?
        };
        makes_up(&started.ok()?).await?;
        let started = ana.start_grant(&["contacts"], None).await?.ok()?;
        ensure!(authorize_url(&started)?.contains(ANA.tenant));
    }
    // Her own: then whoever comes has to be confirmed, and what is said of others does not bring hers back.
    makes_up(&ana.start_grant(&["contacts"], None).await?.ok()?).await?;
    makes_up(&ana.start_grant_claiming(&["contacts"], FARID).await?.ok()?).await?;
    let started = ana.start_grant(&["contacts"], None).await?.ok()?;
    leads_anywhere(authorize_url(&started)?)?;
    let microsoft = stack.microsoft();
    let landing = microsoft
        .walk(authorize_url(&started)?, BEN, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "awaiting_confirmation", "{landing:?}");
    ensure!(last_sequence(&log).await? == before, "it counted unseen");
    is_of(&ana, ANA, "calendar").await?;
    Ok(())
}

/// From a tenant that is gone nobody comes back to say so.
#[tokio::test]
async fn when_the_whole_tenant_is_gone_its_users_and_its_administrator_find_the_new_one()
-> anyhow::Result<()> {
    let stack = start().await?;
    let farid = stack.user("acme", "farid");
    grant(&stack, &farid, FARID, &["calendar"]).await?;
    let tess = stack.super_admin("fab", "tess");
    let landing = admin_consent(&stack, &tess, Some(FABRIKAM), GRACE, Reaction::Accept).await?;
    ended(&tess, &landing, "completed", None).await?;
    let path = format!("tenants/{FABRIKAM}");
    stack
        .microsoft()
        .control(Method::DELETE, &path, None)
        .await?;

    let visitor = session_client::user(&stack, "acme", "farid").await?;
    for (form, boxes) in [
        (FORM, Vec::new()),
        (
            "/settings/account/permissions",
            vec![("calendar", "true"), ("contacts", "true")],
        ),
    ] {
        let sent = visitor.post("/settings/account", form, &boxes).await?;
        leads_anywhere(sent.header("location").context("not sent on")?)?;
    }
    let started = farid.start_grant(&["contacts"], None).await?.ok()?;
    leads_anywhere(authorize_url(&started)?)?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&started)?, BEN, Reaction::Accept)
        .await?;
    let confirm = landing.confirm.as_deref().context("no confirm")?;
    farid.confirm(&landing.flow, confirm).await?.ok()?;
    is_of(&farid, BEN, "contacts").await?;

    // The company's consent is of the tenant that is gone, and so are its users' ids.
    let refused = tess.start_admin_consent(&selection(None)).await?;
    refused.refused(409, "tenant_absent")?;
    for (tenant, code) in [
        (Some("contoso.example"), "tenant_mismatch"),
        (None, "tenant_absent"),
    ] {
        let refused = tess.start_admin_consent(&selection(tenant)).await?;
        let refused = refused.refused(409, code)?;
        let detail = refused.word("/detail").context("no detail")?;
        ensure!(
            detail.contains("switch") && detail.contains("user_individual"),
            "{detail}"
        );
    }
    tess.set_method("user_individual", "full").await?.ok()?;
    let landing = admin_consent(
        &stack,
        &tess,
        Some("contoso.example"),
        OLGA,
        Reaction::Accept,
    )
    .await?;
    ended(&tess, &landing, "completed", None).await?;
    stack
        .login("fab")
        .through_microsoft("ana", ANA, 0)
        .await?
        .decided("auto_grant")?;
    Ok(())
}

/// How a login as this person is decided, with what is asked for if it is a prompt.
async fn login(
    stack: &Stack,
    user: &str,
    person: Person,
    (decision, reason): (&str, &str),
) -> anyhow::Result<Reply> {
    let at_least = last_sequence(&log(stack).await?).await?;
    let login = stack.login("acme");
    let decided = login
        .through_microsoft(user, person, at_least)
        .await?
        .ok()?;
    let found = (decided.word("/decision"), decided.word("/reason"));
    ensure!(
        found == (Some(decision), Some(reason)),
        "{} as {user}: {}",
        person.name,
        decided.text
    );
    Ok(decided)
}

async fn answers(
    stack: &Stack,
    decided: &Reply,
    person: Person,
    reaction: Reaction<'_>,
) -> anyhow::Result<()> {
    let url = authorize_url(decided)?;
    ensure!(
        url.contains(&format!("/{}/oauth2/", person.tenant)),
        "{url}"
    );
    let landing = stack.microsoft().walk(url, person, reaction).await?;
    let outcome = match reaction {
        Reaction::Decline => "declined",
        Reaction::Accept | Reaction::AcceptOnly(_) | Reaction::Cancel | Reaction::Return => {
            "completed"
        }
    };
    ensure!(landing.outcome == outcome, "{landing:?}");
    Ok(())
}

const ANOTHER: (&str, &str) = ("prompt", "another_mailbox");
const ANSWERED: (&str, &str) = ("proceed", "already_answered");

/// The log does not say who declined.
#[tokio::test]
async fn a_no_is_an_answer_of_that_account_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let decided = login(&stack, "ana", ANA, ("prompt", "consent_missing")).await?;
    answers(&stack, &decided, ANA, Reaction::Decline).await?;
    login(&stack, "ana", ANA, ANSWERED).await?;

    // She has another account by now, and nobody has asked that one.
    let decided = login(&stack, "ana", BEN, ANOTHER).await?;
    answers(&stack, &decided, BEN, Reaction::Decline).await?;
    for asked in [BEN, ANA] {
        login(&stack, "ana", asked, ANSWERED).await?;
    }
    // And another tenant.
    let decided = login(&stack, "ana", FARID, ANOTHER).await?;
    answers(&stack, &decided, FARID, Reaction::Accept).await?;
    login(&stack, "ana", FARID, ("proceed", "all_effective")).await?;
    for asked in [BEN, ANA] {
        let decided = login(&stack, "ana", asked, ANSWERED).await?;
        ensure!(decided.effective() == "nothing", "{}", decided.text);
    }
    let ana = stack.user("acme", "ana");
    ana.revoke("calendar").await?.ok()?;
    login(&stack, "ana", FARID, ANSWERED).await?;
    // A change of method starts everybody anew.
    let sam = stack.super_admin("acme", "sam");
    let landing = admin_consent(&stack, &sam, None, OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    sam.set_method("user_individual", "full").await?.ok()?;
    login(&stack, "ana", ANA, ("prompt", "consent_missing")).await?;
    Ok(())
}

/// A no to a part of it, as well: the other account is asked about all of it at once.
#[tokio::test]
async fn a_no_to_a_part_is_an_answer_of_that_account_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let calendar = json!({"calendar": true, "contacts": false, "email": "none"});
    for (user, person, is_asked) in [("ana", ANA, false), ("anna", BEN, true)] {
        let asked = stack.login("acme").wanting(user, ANA, &calendar).await?;
        answers(&stack, &asked.ok()?, ANA, Reaction::Decline).await?;
        let decided = login(&stack, user, person, ("prompt", "consent_missing")).await?;
        ensure!(
            decided.value("/missing")
                == &json!({"calendar": is_asked, "contacts": true, "email": "full"}),
            "{user}: {}",
            decided.text
        );
        let on = query_value(authorize_url(&decided)?, "scope")?;
        ensure!(on.contains("Calendars") == is_asked, "{on}");
    }
    Ok(())
}

#[tokio::test]
async fn somebody_elses_no_does_not_stand_in_for_whose_mailbox_it_is() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;
    ana.revoke("contacts").await?.ok()?;
    let decided = login(&stack, "ana", BEN, ANOTHER).await?;
    answers(&stack, &decided, BEN, Reaction::Decline).await?;
    // She took the contacts back herself; about e-mail nobody has asked her.
    let decided = login(&stack, "ana", ANA, ("prompt", "consent_missing")).await?;
    ensure!(
        decided.value("/missing")
            == &json!({"calendar": false, "contacts": false, "email": "full"}),
        "{}",
        decided.text
    );
    ensure!(decided.effective() == "calendar", "{}", decided.text);
    answers(&stack, &decided, ANA, Reaction::Accept).await?;
    login(&stack, "ana", ANA, ANSWERED).await?;
    Ok(())
}
