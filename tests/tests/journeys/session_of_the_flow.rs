//! What Microsoft sends back is bound to a user only in the session that asked for it, and once the user has said so.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    ANA, CONTOSO, Landing, OLGA, PlainBrowser, Reaction, SettingsClient,
};

use crate::administrator_page::{Waiting, sent_to};
use crate::fixture::{last_sequence, log, query_value, start};
use crate::session_client;

#[tokio::test]
async fn a_mailbox_that_nobody_expected_is_asked_about_by_both_names() -> anyhow::Result<()> {
    let stack = start().await?;
    let named = stack
        .host
        .token_for("ana", "acme")
        .claim("name", "Ana <b>Alvarez</b>");
    let named = named.claim("account_name", "Acme Staffing").sign();
    let (first, second) = (
        session_client::with(&stack, &named).await?,
        session_client::user(&stack, "acme", "ana").await?,
    );
    let ben = session_client::user(&stack, "acme", "ben").await?;
    let path = "/settings/account/permissions";

    let landing = grant_on_the_page(&stack, &first, path).await?;
    let elsewhere = ben.get(&landing.address).await?;
    ensure!(elsewhere.status == 404, "{}", elsewhere.status);
    for (visitor, name) in [(&first, Some("Acme Staffing")), (&second, None)] {
        let asked = visitor.get(&landing.address).await?;
        ensure!(asked.status == 200, "{}", asked.status);
        for text in [
            "Connect this Microsoft account",
            "<code>ana</code>",
            "<code>acme</code>",
        ]
        .into_iter()
        .chain([ANA.object_id, ANA.tenant, "Read the calendar"])
        .chain(name)
        {
            ensure!(asked.text.contains(text), "no {text}: {}", asked.text);
        }
        ensure!(!asked.text.contains("<b>Alvarez"), "{}", asked.text);
        ensure!(calendar_of(&stack).await? == "never_granted");
    }
    let confirm = landing.confirm.as_deref().context("no confirm value")?;
    let fields = [("flow", landing.flow.as_str()), ("confirm", confirm)];
    let to = "/settings/account/confirmation";
    let confirmed = second.post("/settings/account", to, &fields).await?;
    ensure!(confirmed.status == 303, "{}", confirmed.text);
    ensure!(calendar_of(&stack).await? == "granted");

    // It happens once, however often the page is opened or the form is sent.
    let again = second.post("/settings/account", to, &fields).await?;
    let landed = first.get(&landing.address).await?;
    for sent_on in [again, landed] {
        let to = sent_on.header("location").context("not sent on")?;
        ensure!(sent_on.status == 303 && !to.contains("confirm"), "{to}");
        let page = first.get(to).await?;
        ensure!(
            page.text.contains("What you granted is on."),
            "{}",
            page.text
        );
    }
    let user = stack.user("acme", "ana").see("ana").await?.ok()?;
    ensure!(user.number("/sequence") == Some(1), "{}", user.text);

    let revoked = first.post("/settings/account", path, &[]).await?;
    ensure!(revoked.status == 303, "{}", revoked.text);
    ensure!(calendar_of(&stack).await? == "revoked");

    // Taken back while it waits, it is no question any more.
    let landing = grant_on_the_page(&stack, &first, path).await?;
    stack.user("acme", "ana").revoke("calendar").await?.ok()?;
    let landed = first.get(&landing.address).await?;
    let to = landed
        .header("location")
        .context("asked for what was taken back")?;
    let page = first.get(to).await?;
    ensure!(
        page.text.contains("The request has expired"),
        "{}",
        page.text
    );
    Ok(())
}

/// Anybody who has a token of their own can have it posted by somebody else's browser.
#[tokio::test]
async fn no_mailbox_is_bound_in_a_session_that_another_site_opened() -> anyhow::Result<()> {
    let stack = start().await?;
    let own = stack.host.origin();
    let headers =
        |site: Option<&'static str>, origin: Option<&str>| (site, origin.map(str::to_owned));
    for (number, (said, binds)) in [
        (headers(None, None), true),
        (headers(None, Some("https://evil.example")), true),
        (headers(Some("same-origin"), Some("null")), true),
        (headers(Some("same-site"), Some("http://127.0.0.1:1")), true),
        (headers(Some("none"), None), true),
        (headers(Some("cross-site"), Some(&own)), true),
        (
            headers(Some("cross-site"), Some("https://evil.example")),
            false,
        ),
        (headers(Some("cross-site"), Some("null")), false),
        (headers(Some("cross-site"), None), false),
        (
            headers(Some("cross-site"), Some(&format!("{own}.evil.example"))),
            false,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("ana-{number}");
        let token = stack.host.token_for(&user, "acme").sign();
        let visitor = session_client::with_headers(&stack, &token, |request| {
            let request = said.0.into_iter().fold(request, |request, site| {
                request.header("sec-fetch-site", site)
            });
            said.1
                .iter()
                .fold(request, |request, origin| request.header("origin", origin))
        })
        .await?;
        let page = visitor.get("/settings/account").await?;
        ensure!(page.status == 200, "{said:?}: {}", page.status);
        let is_warned = page.text.contains("Opened from another site");
        ensure!(is_warned != binds, "{said:?}: {}", page.text);

        let landing = grant_on_the_page(&stack, &visitor, "/settings/account/permissions").await?;
        let landed = visitor.get(&landing.address).await?;
        let expected = if binds { 200 } else { 403 };
        ensure!(landed.status == expected, "{said:?}: {}", landed.status);
        let confirm = landing.confirm.as_deref().context("no confirm value")?;
        let fields = [("flow", landing.flow.as_str()), ("confirm", confirm)];
        let to = "/settings/account/confirmation";
        let sent = visitor.post("/settings/account", to, &fields).await?;
        let seen = stack.user("acme", &user).see(&user).await?.ok()?;
        let is_bound = seen.word("/permissions/calendar/state") == Some("granted");
        ensure!(is_bound == binds, "{said:?}: {} {}", sent.status, seen.text);
        if !binds {
            ensure!(sent.status == 403, "{said:?}: {}", sent.status);
            ensure!(
                landed
                    .text
                    .contains("open the settings from the application again"),
                "{}",
                landed.text
            );
        }
    }
    Ok(())
}

/// Nor is anything added to a mailbox that is bound already; to take it back is everybody's right.
#[tokio::test]
async fn a_session_that_another_site_opened_only_looks_and_revokes() -> anyhow::Result<()> {
    let stack = start().await?;
    crate::fixture::grant(&stack, &stack.user("acme", "ana"), ANA, &["contacts"]).await?;
    let token = stack.host.token_for("ana", "acme").sign();
    let visitor = session_client::with_headers(&stack, &token, |request| {
        request
            .header("sec-fetch-site", "cross-site")
            .header("origin", "null")
    })
    .await?;
    let path = "/settings/account/permissions";
    let fields = [("contacts", "true"), ("calendar", "true")];
    let sent = visitor.post("/settings/account", path, &fields).await?;
    let to = sent.header("location").context("not sent to Microsoft")?;
    let landing = stack.microsoft().walk(to, ANA, Reaction::Accept).await?;
    ensure!(landing.outcome == "awaiting_confirmation", "{landing:?}");
    ensure!(visitor.get(&landing.address).await?.status == 403);
    ensure!(calendar_of(&stack).await? == "never_granted");
    let revoked = visitor.post("/settings/account", path, &[]).await?;
    ensure!(revoked.status == 303, "{}", revoked.text);
    stack
        .user("acme", "ana")
        .see("ana")
        .await?
        .ok()?
        .with_effective("nothing")?;
    Ok(())
}

/// Ticks the calendar, and accepts at Microsoft as Ana; where the browser is sent then.
async fn grant_on_the_page(
    stack: &Stack,
    visitor: &SettingsClient,
    path: &str,
) -> anyhow::Result<Landing> {
    let sent = visitor
        .post("/settings/account", path, &[("calendar", "true")])
        .await?;
    let to = sent.header("location").context("not sent to Microsoft")?;
    let landing = stack.microsoft().walk(to, ANA, Reaction::Accept).await?;
    ensure!(landing.outcome == "awaiting_confirmation", "{landing:?}");
    Ok(landing)
}

async fn calendar_of(stack: &Stack) -> anyhow::Result<String> {
    let user = stack.user("acme", "ana").see("ana").await?.ok()?;
    let state = user.word("/permissions/calendar/state");
    Ok(state.context("no state")?.to_owned())
}

/// Goes off to Microsoft from the settings: where to, and the browser of that session.
async fn begin_on_the_page(
    stack: &Stack,
    visitor: &SettingsClient,
) -> anyhow::Result<(String, PlainBrowser)> {
    let fields = [
        ("administrator_confirmed", "true"),
        ("calendar", "true"),
        ("tenant", CONTOSO),
    ];
    let path = "/settings/company/administrator-consent";
    let sent = visitor.post("/settings/company", path, &fields).await?;
    let browser = stack.microsoft().new_browser();
    let browser = browser.with_cookie(&visitor.cookie);
    Ok((sent_to(&sent)?.to_owned(), browser))
}

/// Somebody signs an administrator in under a name of their own, from their own page, and leads them on.
#[tokio::test]
async fn a_session_that_another_site_opened_spares_no_administrator_the_page() -> anyhow::Result<()>
{
    let stack = start().await?;
    let token = stack.host.token_for("eve", "acme").super_admin();
    let token = token.permission("company_settings:manage").sign();
    let visitor = session_client::with_headers(&stack, &token, |request| {
        request
            .header("sec-fetch-site", "cross-site")
            .header("origin", "https://evil.example")
    })
    .await?;
    let (url, mut browser) = begin_on_the_page(&stack, &visitor).await?;
    let rest = stack
        .microsoft()
        .walk_up_to_us(&mut browser, &url, OLGA, Reaction::Accept)
        .await?;
    let mut waiting = Waiting::opened(browser, rest).await?;
    ensure!(last_sequence(&log(&stack).await?).await? == 0);
    let told = stack.gateway.log_text();
    ensure!(!told.contains("administrator_flow_changed_browser"));
    let sent = waiting.confirm().await?;
    ensure!(query_value(sent_to(&sent)?, "outcome")? == "completed");
    Ok(())
}

/// The one way in which nobody is asked again: begun on our page, and all the way back in the same session and browser.
#[tokio::test]
async fn only_the_session_that_began_it_is_not_asked_again() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let microsoft = stack.microsoft();
    let begun = async |account: &str| {
        let visitor = session_client::super_admin(&stack, account, "sam").await?;
        begin_on_the_page(&stack, &visitor).await
    };

    let (url, mut same) = begun("same").await?;
    let rest = microsoft
        .walk_up_to_us(&mut same, &url, OLGA, Reaction::Accept)
        .await?;
    ensure!(
        rest.contains("/settings/company") && query_value(&rest, "outcome")? == "completed",
        "{rest}"
    );
    let recorded = last_sequence(&log).await?;
    ensure!(recorded == 2, "{recorded} events");
    ensure!(
        !stack
            .gateway
            .log_text()
            .contains("administrator_flow_changed_browser"),
        "one browser is told to be two"
    );

    // Another session of the same Super Admin; a browser in none; and the first callback in another browser.
    let (url, _) = begun("another-session").await?;
    let (_, mut another) = begun("another-session").await?;
    let rest = microsoft
        .walk_up_to_us(&mut another, &url, OLGA, Reaction::Accept)
        .await?;
    let mut waiting = Waiting::opened(another, rest).await?;
    let (url, _) = begun("no-session").await?;
    Waiting::at(&stack, &url).await?;
    let (url, mut own) = begun("two-browsers").await?;
    let state = query_value(&url, "state")?;
    let forged = format!(
        "{}/callbacks/microsoft/admin-consent?admin_consent=True&tenant={CONTOSO}&state={state}",
        stack.gateway.url()
    );
    let taken = microsoft.new_browser().get(&forged).await?;
    let rest = microsoft
        .walk_up_to_us(&mut own, sent_to(&taken)?, OLGA, Reaction::Accept)
        .await?;
    Waiting::opened(own, rest).await?;
    ensure!(
        last_sequence(&log).await? == recorded,
        "something was recorded"
    );
    let told = stack.gateway.log_text();
    let told = told.matches("administrator_flow_changed_browser").count();
    ensure!(told == 3, "{told} of three were told");

    let sent = waiting.confirm().await?;
    ensure!(query_value(sent_to(&sent)?, "outcome")? == "completed");
    Ok(())
}
