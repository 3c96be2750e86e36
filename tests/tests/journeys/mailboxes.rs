//! Where the mailbox is: looked for with the token at hand, told on the flow and in the settings, and no reason to take a
//! consent back.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    ADATUM, ANA, BEN, CONTOSO, DANA, ERIK, HostUser, Landing, Person, Reaction,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{
    PATIENCE, admin_consent, authorize_url, ended, eventually, selection, start, start_with,
};

const HOST_CLIENT: &str = assent_dev_stack::SIMULATOR_HOST_CLIENT_ID;

async fn control(stack: &Stack, method: Method, path: &str, body: &Value) -> anyhow::Result<()> {
    stack.microsoft().control(method, path, Some(body)).await?;
    Ok(())
}

async fn has_a_mailbox(stack: &Stack, person: Person, mailbox: &str) -> anyhow::Result<()> {
    let path = format!("tenants/{}/users/{}", person.tenant, person.object_id);
    control(stack, Method::PATCH, &path, &json!({"mailbox": mailbox})).await
}

async fn grants(
    stack: &Stack,
    user: &HostUser,
    person: Person,
    permissions: &[&str],
) -> anyhow::Result<Landing> {
    let started = user.start_grant(permissions, Some(person)).await?.ok()?;
    let microsoft = stack.microsoft();
    let url = authorize_url(&started)?;
    Ok(microsoft.walk(url, person, Reaction::Accept).await?)
}

async fn mailbox_of(user: &HostUser) -> anyhow::Result<Option<String>> {
    let seen = user.see(user.user_id()).await?.ok()?;
    Ok(seen.word("/mailbox/state").map(str::to_owned))
}

#[tokio::test]
async fn after_a_users_own_consent() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    ensure!(
        mailbox_of(&ana).await?.is_none(),
        "seen before it was looked for"
    );
    for (mailbox, state, code) in [
        (
            "unlicensed",
            "mailbox_unavailable",
            Some("mailbox_unavailable"),
        ),
        (
            "on_premises",
            "on_premises_exchange",
            Some("on_premises_exchange"),
        ),
        ("gone", "mailbox_unavailable", Some("mailbox_unavailable")),
        ("ok", "available", None),
    ] {
        has_a_mailbox(&stack, ANA, mailbox).await?;
        let landing = grants(&stack, &ana, ANA, &["calendar"]).await?;
        ended(&ana, &landing, "completed", code).await?;
        ensure!(
            mailbox_of(&ana).await?.as_deref() == Some(state),
            "{mailbox}"
        );
        let seen = ana.see("ana").await?.ok()?;
        ensure!(
            seen.effective() == "calendar",
            "a consent is a consent: {}",
            seen.text
        );
    }

    // A refusal or an outage of Graph says nothing about where a mailbox is.
    for status in [403, 429, 503] {
        let fault = json!({"endpoint": "graph", "count": 3, "status": status, "body": {"error": {"code": "x"}}, "headers": {"Retry-After": "60"}});
        let fault = if status == 403 {
            json!({"endpoint": "graph", "status": 403, "body": {"error": {"code": "ErrorAccessDenied"}}})
        } else {
            fault
        };
        control(&stack, Method::POST, "faults", &fault).await?;
        let landing = grants(&stack, &ana, ANA, &["calendar"]).await?;
        ended(&ana, &landing, "completed", None).await?;
        ensure!(
            mailbox_of(&ana).await?.as_deref() == Some("available"),
            "{status}"
        );
        stack
            .microsoft()
            .control(Method::DELETE, "faults", None)
            .await?;
    }

    // With permission to send alone nothing can be looked at.
    let ben = stack.user("acme", "ben");
    let sam = stack.super_admin("acme", "sam");
    sam.set_method("user_individual", "limited").await?.ok()?;
    has_a_mailbox(&stack, BEN, "gone").await?;
    let landing = grants(&stack, &ben, BEN, &["email"]).await?;
    ended(&ben, &landing, "completed", None).await?;
    ensure!(
        mailbox_of(&ben).await?.as_deref() == Some("unknown"),
        "{landing:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_slow_graph_holds_nobody_up() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    let fault = json!({"endpoint": "graph", "delay_ms": 30_000});
    control(&stack, Method::POST, "faults", &fault).await?;
    let begun = std::time::Instant::now();
    let landing = grants(&stack, &ana, ANA, &["calendar"]).await?;
    ended(&ana, &landing, "completed", None).await?;
    ensure!(begun.elapsed() < PATIENCE / 3, "{:?}", begun.elapsed());
    ensure!(
        mailbox_of(&ana).await?.as_deref() == Some("unknown"),
        "{landing:?}"
    );
    Ok(())
}

#[tokio::test]
async fn where_the_grant_waits_for_its_confirmation() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    has_a_mailbox(&stack, ANA, "on_premises").await?;
    let started = ana.start_grant(&["calendar"], None).await?.ok()?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&started)?, ANA, Reaction::Accept)
        .await?;
    ensure!(
        mailbox_of(&ana).await?.is_none(),
        "whose mailbox it is was not confirmed yet"
    );
    let confirm = landing.confirm.as_deref().context("no confirm")?;
    let flow = ana.confirm(&landing.flow, confirm).await?.ok()?;
    ensure!(
        flow.word("/state") == Some("completed")
            && flow.word("/code") == Some("on_premises_exchange"),
        "{}",
        flow.text
    );
    ensure!(
        mailbox_of(&ana).await?.as_deref() == Some("on_premises_exchange"),
        "{}",
        flow.text
    );
    Ok(())
}

#[tokio::test]
async fn a_company_with_nothing_but_its_own_servers_is_told_before_it_starts() -> anyhow::Result<()>
{
    let stack = start().await?;
    let (ana, ben, sam) = (
        stack.user("acme", "ana"),
        stack.user("acme", "ben"),
        stack.super_admin("acme", "sam"),
    );
    has_a_mailbox(&stack, ANA, "on_premises").await?;
    grants(&stack, &ana, ANA, &["calendar"]).await?;
    let refused = sam.start_admin_consent(&selection(Some(CONTOSO))).await?;
    refused.refused(422, "on_premises_exchange")?;
    // One mailbox in Exchange Online speaks against it.
    grants(&stack, &ben, BEN, &["calendar"]).await?;
    sam.start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    Ok(())
}

#[tokio::test]
async fn after_an_automatic_grant_with_the_host_applications_own_token() -> anyhow::Result<()> {
    const RETURN: &str = "http://127.0.0.1:9/signed-in";
    let stack = start_with(|options| {
        let argument = |text: &str| text.to_owned();
        options.simulator_arguments = vec![argument("--redirect-uri"), argument(RETURN)];
        // What comes of a token that is none is told to whoever looks closely.
        options.variables = vec![(argument("RUST_LOG"), argument("debug"))];
    })
    .await?;
    let sam = stack.super_admin("adatum", "sam");
    let landing = admin_consent(&stack, &sam, Some(ADATUM), ERIK, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    let grant = json!({"tenant": ADATUM, "client_id": HOST_CLIENT, "scopes": ["User.Read", "Calendars.ReadWrite"]});
    control(&stack, Method::POST, "grants", &grant).await?;
    let scopes = "openid profile User.Read Calendars.ReadWrite";
    let of_dana = stack.microsoft().sign_in(DANA, scopes, RETURN).await?;
    let of_erik = stack.microsoft().sign_in(ERIK, scopes, RETURN).await?;

    let login = async |user: &str, id_token: &str, access_token: &str| {
        let body = json!({"account_id": "adatum", "user_id": user,
            "sign_in": {"provider": "microsoft", "id_token": id_token, "access_token": access_token}});
        stack.login("adatum").ask(&body).await?.ok()
    };
    let granted = login("dana", &of_dana.id_token, &of_dana.access_token).await?;
    ensure!(
        granted.word("/decision") == Some("auto_grant"),
        "{}",
        granted.text
    );
    let dana = stack.user("adatum", "dana");
    eventually(
        "Dana's mailbox is found on her company's own server",
        async || Ok(mailbox_of(&dana).await?.as_deref() == Some("on_premises_exchange")),
    )
    .await?;

    // Somebody else's token is not believed, a bad one is none, and neither is in anybody's way.
    let granted = login("other", &of_dana.id_token, &of_erik.access_token).await?;
    ensure!(
        granted.word("/decision") == Some("auto_grant"),
        "{}",
        granted.text
    );
    eventually("the foreign token is noticed", async || {
        Ok(stack
            .gateway
            .log_text()
            .contains("another person's access token"))
    })
    .await?;
    let granted = login("bad", &of_dana.id_token, "no token at all").await?;
    ensure!(
        granted.word("/decision") == Some("auto_grant"),
        "{}",
        granted.text
    );
    eventually("the bad token is noticed", async || {
        Ok(stack
            .gateway
            .log_text()
            .contains("a mailbox was not looked for"))
    })
    .await?;
    for user in ["other", "bad"] {
        ensure!(
            mailbox_of(&stack.user("adatum", user)).await?.is_none(),
            "{user}"
        );
    }
    let logs = stack.logs_text();
    for token in [of_dana.access_token, of_erik.access_token] {
        ensure!(!logs.contains(&token), "an access token is in a log");
    }
    Ok(())
}
