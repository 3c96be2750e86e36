//! A person's no is final until they say yes again: nothing that was begun before it brings anything back.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, HostUser, Reaction};

use crate::fixture::{authorize_url, ended, grant, last_sequence, log, start};
use crate::session_client;

async fn is_off(ana: &HostUser, permission: &str) -> anyhow::Result<()> {
    let seen = ana.see(ana.user_id()).await?.ok()?;
    let state = seen.word(&format!("/permissions/{permission}/state"));
    ensure!(state != Some("granted"), "{}", seen.text);
    Ok(())
}

/// The address of Microsoft's page, from each place where a flow begins.
async fn begin(stack: &Stack, ana: &HostUser, from: &str) -> anyhow::Result<String> {
    Ok(match from {
        "the API" => {
            let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
            authorize_url(&started)?.to_owned()
        }
        "the settings" => {
            let visitor = session_client::user(stack, "acme", ana.user_id()).await?;
            let fields = [("calendar", "true")];
            let path = "/settings/account/permissions";
            let sent = visitor.post("/settings/account", path, &fields).await?;
            sent.header("location")
                .context("not sent to Microsoft")?
                .to_owned()
        }
        _ => {
            let login = stack.login("acme");
            let decided = login.through_microsoft(ana.user_id(), ANA, 0).await?.ok()?;
            decided
                .word("/authorize_url")
                .context("no prompt")?
                .to_owned()
        }
    })
}

#[tokio::test]
async fn what_was_begun_before_a_revocation_does_not_undo_it() -> anyhow::Result<()> {
    let stack = start().await?;
    for (number, from) in ["the API", "the settings", "a login"]
        .into_iter()
        .enumerate()
    {
        let ana = stack.user("acme", &format!("ana-{number}"));
        let address = begin(&stack, &ana, from).await?;
        // Elsewhere she grants and takes back; Microsoft remembers, and asks nothing any more.
        grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;
        ana.revoke("calendar").await?.ok()?;
        let landing = stack
            .microsoft()
            .walk(&address, ANA, Reaction::Accept)
            .await?;
        let seen = ana.see(ana.user_id()).await?.ok()?;
        ensure!(
            landing.outcome != "completed" || from == "a login",
            "{from}: {landing:?}"
        );
        ensure!(
            seen.word("/permissions/calendar/state") == Some("revoked"),
            "{from}: {}",
            seen.text
        );
        // A yes after the no is one.
        grant(&stack, &ana, ANA, &["calendar"]).await?;
        let seen = ana.see(ana.user_id()).await?.ok()?;
        ensure!(
            seen.effective().starts_with("calendar, contacts"),
            "{from}: {}",
            seen.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_confirmation_that_waits_is_over_when_its_user_says_no() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    let waiting = async || {
        let started = ana.start_grant(&["contacts"], None).await?.ok()?;
        let url = authorize_url(&started)?;
        let landing = stack.microsoft().walk(url, ANA, Reaction::Accept).await?;
        ended(&ana, &landing, "awaiting_confirmation", None).await?;
        anyhow::Ok(landing)
    };
    let over = async |landing: &assent_dev_stack::actors::Landing| {
        let flow = ana.flow(&landing.flow).await?.ok()?;
        ensure!(
            (flow.word("/state"), flow.word("/code")) == (Some("expired"), Some("flow_expired")),
            "{}",
            flow.text
        );
        let confirm = landing.confirm.as_deref().context("no confirm value")?;
        let confirmed = ana.confirm(&landing.flow, confirm).await?;
        ensure!(
            confirmed.word("/code") == Some("flow_expired"),
            "{}",
            confirmed.text
        );
        is_off(&ana, "contacts").await
    };

    // Before anything was ever granted: the no itself is on the log.
    let landing = waiting().await?;
    ana.revoke("contacts").await?.ok()?;
    over(&landing).await?;

    // Granted and taken back elsewhere, while it waits.
    let landing = waiting().await?;
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    ana.revoke("contacts").await?.ok()?;
    over(&landing).await?;

    // Declined elsewhere.
    let landing = waiting().await?;
    let microsoft = stack.microsoft();
    let asked = ana
        .start_grant(&["contacts", "email"], Some(ANA))
        .await?
        .ok()?;
    let declined = microsoft
        .walk(authorize_url(&asked)?, ANA, Reaction::Decline)
        .await?;
    ended(&ana, &declined, "declined", Some("declined")).await?;
    over(&landing).await?;

    // Moved to another mailbox.
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let started = ana.start_grant_claiming(&["contacts"], ANA).await?.ok()?;
    let url = authorize_url(&started)?.to_owned();
    grant(&stack, &ana, BEN, &["email"]).await?;
    let landing = microsoft.walk(&url, ANA, Reaction::Accept).await?;
    ended(&ana, &landing, "expired", Some("flow_expired")).await?;
    ana.see("ana").await?.ok()?.with_effective("email (full)")?;
    Ok(())
}

#[tokio::test]
async fn a_no_to_nothing_is_none() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let ana = stack.user("acme", "ana");
    ana.revoke("calendar").await?.ok()?;
    ensure!(
        last_sequence(&log).await? == 0,
        "nothing was asked for, and a no was recorded"
    );
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    ana.revoke("contacts").await?.ok()?;
    ensure!(
        last_sequence(&log).await? == 1,
        "the flow is over, and a no to it was recorded"
    );
    Ok(())
}
