//! The example application, in a browser: it signs people in, acts on login decisions, and its sync worker obeys.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, OLGA, Person, Reaction};

use crate::browser::{Browser, Page};
use crate::fixture::{admin_consent, eventually, start_with};

async fn start() -> anyhow::Result<Stack> {
    start_with(|options| options.example_host = true).await
}

/// A browser on the application's home page.
async fn visit(stack: &Stack) -> anyhow::Result<Browser> {
    let host = stack.example_host.as_ref().context("no example")?;
    Browser::open(&format!("{}/", host.url())).await
}

/// Signs in through Microsoft, for the first time, and consents to that.
async fn sign_in(browser: &mut Browser, person: Person) -> anyhow::Result<&Page> {
    browser.submit("/sign-in/microsoft", &[]).await?;
    let account = [("object_id", person.object_id)];
    let page = browser.submit("/account", &account).await?;
    page.must_have("Hirely sign-in")?;
    browser.submit("/answer", &[("answer", "accept")]).await
}

async fn sign_in_with_password<'a>(
    browser: &'a mut Browser,
    user: &str,
) -> anyhow::Result<&'a Page> {
    browser.submit("/sign-in/password", &[("user", user)]).await
}

/// Which jobs run, by the page; waits until these do.
async fn runs(browser: &mut Browser, expected: &[&str]) -> anyhow::Result<()> {
    let browser = tokio::sync::Mutex::new(browser);
    eventually(&format!("only {expected:?} runs"), async || {
        let mut browser = browser.lock().await;
        let page = browser.go("/").await?;
        let rows = page.html.split("<tr id=\"").skip(1);
        let running: Vec<&str> = rows
            .filter(|row| {
                row.split("</tr>")
                    .next()
                    .unwrap_or(row)
                    .contains(">Running<")
            })
            .filter_map(|row| row.split('"').next())
            .collect();
        Ok(running == expected)
    })
    .await
}

#[tokio::test]
async fn consent_starts_the_sync_and_revoking_stops_it() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    let mut browser = visit(&stack).await?;

    // The decision is to prompt: she is at once on the page that asks for the mailbox.
    let page = sign_in(&mut browser, ANA).await?;
    page.must_have("Calendars.ReadWrite")?;
    let page = browser.submit("/answer", &[("answer", "accept")]).await?;
    page.must_have("Hello, Ana")?;
    page.must_have("Your choice was recorded")?;
    runs(&mut browser, &["calendar", "contacts", "e-mail"]).await?;

    ana.revoke("email").await?.ok()?;
    runs(&mut browser, &["calendar", "contacts"]).await?;
    browser
        .page()
        .must_have("E-mail stopped: consent changed")?;

    // What is not known is not permitted; and nothing is forgotten.
    stack.nats_mut().kill();
    runs(&mut browser, &[]).await?;
    browser.page().must_have("cannot be asked just now")?;
    stack.restart_nats().await?;
    runs(&mut browser, &["calendar", "contacts"]).await?;

    let mut host = stack.example_host.take().context("no example")?;
    let ended = host.terminate().await.context("it had to be killed")?;
    ensure!(ended.success(), "{ended}\n{}", host.log_text());
    Ok(())
}

#[tokio::test]
async fn a_companys_change_stops_everybody_until_they_sign_in_again() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = visit(&stack).await?;

    // With a password nobody knows whose mailbox to expect: the application confirms it.
    sign_in_with_password(&mut browser, "ana").await?;
    let account = [("object_id", ANA.object_id)];
    browser.submit("/account", &account).await?;
    let page = browser.submit("/answer", &[("answer", "accept")]).await?;
    page.must_have("Your choice was recorded")?;
    runs(&mut browser, &["calendar", "contacts", "e-mail"]).await?;

    // A change of the company's that leaves the method: all stops, and what is still permitted comes back.
    let sam = stack.super_admin("acme", "sam");
    sam.set_method("user_individual", "limited").await?.ok()?;
    runs(&mut browser, &["calendar", "contacts"]).await?;
    let page = browser.page();
    page.must_have("Calendar stopped: the company&#39;s authorization changed")?;
    page.must_have("Calendar started: asked anew what is permitted")?;
    page.must_have("Sending only")?;
    sam.set_method("user_individual", "full").await?.ok()?;
    runs(&mut browser, &["calendar", "contacts", "e-mail"]).await?;

    let landing = admin_consent(
        &stack,
        &sam,
        Some("contoso.example"),
        OLGA,
        Reaction::Accept,
    )
    .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    runs(&mut browser, &[]).await?;
    let page = browser.page();
    page.must_have("administrator decides this for everyone")?;

    browser.submit("/sign-out", &[]).await?;
    let page = sign_in_with_password(&mut browser, "ana").await?;
    page.must_have("Sign in through Microsoft to sync")?;
    // Where the administrator consented, and nowhere else: elsewhere she might be somebody else's employee, too.
    let form = page.form("/sign-in/microsoft")?;
    let there = format!("/sign-in/microsoft?tenant={}", ANA.tenant);
    ensure!(form.action == there, "{form:?}");

    let page = sign_in(&mut browser, ANA).await?;
    page.must_have("From now on Hirely may use: calendar, e-mail (sending only).")?;
    page.must_have("Sending only")?;
    runs(&mut browser, &["calendar"]).await
}

#[tokio::test]
async fn who_wants_no_sync_is_asked_nothing_and_who_is_unknown_stays_out() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut sams = visit(&stack).await?;
    let page = sign_in_with_password(&mut sams, "sam").await?;
    page.must_have("You manage Acme")?;

    let mut olgas = visit(&stack).await?;
    let page = sign_in(&mut olgas, OLGA).await?;
    ensure!(page.status == 403, "{}", page.status);
    page.must_have("Hirely does not know you")?;
    let page = olgas.go("/settings/company").await?;
    page.must_have("Sign in with Microsoft")
}

#[tokio::test]
async fn people_are_handed_over_to_the_settings_with_a_token_that_assent_believes()
-> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = visit(&stack).await?;
    sign_in_with_password(&mut browser, "sam").await?;

    let page = browser.go("/settings/company").await?;
    let form = page.form("/session")?;
    ensure!(
        form.action == format!("{}/session", stack.gateway.url()),
        "{form:?}"
    );
    let value = |name: &str| {
        let found = form.hidden.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).context("no value")
    };
    ensure!(value("return_to")? == "/settings/company", "{form:?}");
    let sam = stack.user("acme", "sam").bearing(value("token")?);
    sam.set_method("user_individual", "limited").await?.ok()?;

    // Each is a new one.
    let first = value("token")?.to_owned();
    let again = browser.go("/settings/company").await?;
    ensure!(!again.has(&first), "the same token twice");
    // Who is no Super Admin is not shown the way.
    let mut bens = visit(&stack).await?;
    let company = bens.page().url.join("/settings/company")?;
    sign_in_with_password(&mut bens, "ben").await?;
    bens.go(company.as_str()).await?.must_have("Hello, Ben")
}

#[tokio::test]
async fn without_assent_people_are_in_all_the_same() -> anyhow::Result<()> {
    let mut stack = start().await?;
    stack.login_hook.kill();
    let mut browser = visit(&stack).await?;

    let page = sign_in(&mut browser, ANA).await?;
    page.must_have("Hello, Ana")?;
    page.must_have("Microsoft 365 could not be asked about just now")?;
    runs(&mut browser, &[]).await
}

#[tokio::test]
async fn whatever_stands_in_an_address_a_page_answers_in_plain_words() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut browser = visit(&stack).await?;
    sign_in_with_password(&mut browser, "sam").await?;
    let home = browser.page().url.join("/")?;
    let flow = "019ab000-0000-7000-8000-000000000000";
    let long = "x".repeat(20_000);
    let queries = [
        "flow=not-a-guid",
        &format!("flow={flow}&flow=019ab000-0000-7000-8000-000000000001"),
        &format!("flow={flow}&flow={flow}"),
        &format!("flow={flow}&confirm=a&confirm=b"),
        &format!("flow={flow}&outcome=completed&outcome=declined&reason=x&reason=y"),
        &format!("flow={long}"),
        &format!("flow={flow}&confirm={long}"),
        "flow=%ff%fe",
        "%ff=%ff",
        "flow",
        "state=a&state=b&code=c&code=d",
        "state=%ff&error=%00&error=x",
        "live=a&live=b",
        "&&==%",
        "",
    ];
    for path in [
        "/",
        "/signed-in",
        "/sign-in/microsoft/callback",
        "/sign-in/microsoft",
        "/sign-in/password",
        "/sign-out",
        "/settings/account",
        "/settings/company",
        "/nowhere",
        "/signed-in/",
        "/%ff",
        "/..%2f",
    ] {
        for query in queries {
            let address = home.join(&format!("{path}?{query}"))?;
            let page = browser.go(address.as_str()).await?;
            let what = format!("{path}?{query:.60}: {} {}", page.status, page.html);
            ensure!(page.status < 500 && page.html.contains("<h1>"), "{what}");
            ensure!(!page.html.contains("deserialize"), "{what}");
        }
    }
    let page = browser
        .go(home.join("/signed-in?flow=not-a-guid")?.as_str())
        .await?;
    page.must_have("This address does not say what happened")?;
    browser
        .go(home.as_str())
        .await?
        .must_have("You manage Acme")?;

    // Requests that no page sends.
    let http = reqwest::Client::new();
    let origin = home.origin().ascii_serialization();
    for (path, body) in [
        ("/sign-in/password", "user=sam&user=ben".to_owned()),
        ("/sign-in/password", "user=%ff".to_owned()),
        ("/sign-in/password", String::new()),
        ("/sign-in/password", format!("user={long}")),
        ("/signed-in", "x".to_owned()),
        ("/nowhere", "x".to_owned()),
    ] {
        for kind in ["application/x-www-form-urlencoded", "application/json"] {
            let request = http.post(home.join(path)?).header("origin", &origin);
            let answer = request
                .header("content-type", kind)
                .body(body.clone())
                .send();
            let answer = answer.await?;
            let status = answer.status();
            let html = answer.text().await?;
            ensure!(status.is_client_error(), "{path} {kind}: {status}");
            ensure!(html.contains("<h1>"), "{path} {kind}: {status} {html}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_others_make_up_is_refused() -> anyhow::Result<()> {
    let stack = start().await?;
    let host = stack.example_host.as_ref().context("no example")?.url();
    let http = reqwest::Client::new();
    for origin in [None, Some("null"), Some("http://evil.example")] {
        let form = [("user", "sam")];
        let mut request = http.post(format!("{host}/sign-in/password")).form(&form);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let answer = request.send().await?;
        ensure!(answer.status() == 403, "{origin:?}: {}", answer.status());
        ensure!(answer.headers().get("set-cookie").is_none(), "{origin:?}");
    }

    // A sign-in that this browser did not begin.
    let mut browser = visit(&stack).await?;
    let page = browser
        .go("/sign-in/microsoft/callback?state=forged&code=forged")
        .await?;
    ensure!(page.status == 400, "{}", page.status);

    // A flow that somebody else began, with words that say it went well.
    let ben = stack.user("acme", "ben");
    let started = ben.start_grant(&["calendar"], None).await?.ok()?;
    let flow = started.word("/flow_id").context("no flow")?;
    browser.go("/").await?;
    sign_in_with_password(&mut browser, "sam").await?;
    for more in ["", "&confirm=forged"] {
        let address = format!("/signed-in?flow={flow}&outcome=completed{more}");
        browser
            .go(&address)
            .await?
            .must_have("Nothing has changed")?;
    }
    Ok(())
}
