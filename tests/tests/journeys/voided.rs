//! One message that is no event blocks a company; an operator finds the way back without touching the log.

use std::time::Duration;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, CONTOSO, OLGA, Reaction};
use assent_dev_stack::{NatsUser, Stack};
use assent_messaging::RequestError;
use serde_json::{Value, json};

use crate::fixture::{
    PATIENCE, admin_consent, connect, effective_by_the_log, eventually, grant, last_sequence, log,
    start,
};

const A_MOMENT: Duration = Duration::from_secs(2);
pub(crate) const ANA_LINE: &str = "consent.events.v1.acme.user.ana";
const ACME_LINE: &str = "consent.events.v1.acme.company";

/// Stores what is no event, as nobody but the gateway could, and answers where.
pub(crate) async fn scribble(stack: &Stack, subject: &str) -> anyhow::Result<u64> {
    let log = log(stack).await?;
    let before = last_sequence(&log).await?;
    let gateway = connect(stack, NatsUser::Gateway).await?;
    gateway
        .publish(
            subject,
            &[],
            r#"{"type":"io.nats.jetstream.api.v1.stream_info_response"}"#,
        )
        .await?;
    eventually("it is stored", || async {
        Ok(last_sequence(&log).await? > before)
    })
    .await?;
    Ok(before + 1)
}

async fn void(stack: &Stack, sequence: u64) -> anyhow::Result<String> {
    let sequence = sequence.to_string();
    let arguments = [
        "blocked",
        "void",
        &sequence,
        "--reason",
        "an answer of the server's",
        "--operator",
        "kim",
        "--yes",
    ];
    let ran = stack.consentctl(&arguments).await?;
    ensure!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(String::from_utf8(ran.stdout)?)
}

async fn nobody_is_blocked(stack: &Stack) -> anyhow::Result<()> {
    eventually("nobody is blocked", || async {
        let ran = stack.consentctl(&["blocked", "list"]).await?;
        Ok(ran.status.success())
    })
    .await
}

#[tokio::test]
async fn a_user_and_a_company_come_back() -> anyhow::Result<()> {
    let stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar", "contacts"]).await?;

    let in_her_line = scribble(&stack, ANA_LINE).await?;
    ana.revoke("calendar")
        .await?
        .refused(500, "event_unreadable")?;
    let again = scribble(&stack, ANA_LINE).await?;
    let in_the_companys = scribble(&stack, ACME_LINE).await?;
    sam.account().await?.refused(500, "event_unreadable")?;
    eventually("the projection has blocked her", || async {
        let decided = stack
            .login("acme")
            .with_password("ana", in_the_companys)
            .await?;
        Ok(decided.status == 200 && decided.text.contains("blocked"))
    })
    .await?;
    let listed = stack.consentctl(&["blocked", "list"]).await?;
    let listed = String::from_utf8(listed.stdout)?;
    for part in ["acme/ana", "acme (the company", "blocked void"] {
        ensure!(listed.contains(part), "{listed}");
    }

    for sequence in [in_her_line, again, in_the_companys] {
        let said = void(&stack, sequence).await?;
        ensure!(said.contains("is void"), "{said}");
    }
    // The gateway at once, the projection in a moment.
    let seen = ana.see("ana").await?.ok()?;
    ensure!(seen.effective().contains("calendar"), "{}", seen.text);
    nobody_is_blocked(&stack).await?;
    let decided = stack
        .login("acme")
        .with_password("ana", in_the_companys)
        .await?
        .ok()?;
    ensure!(
        decided.text.contains(r#""calendar":true"#),
        "{}",
        decided.text
    );

    let revoked = ana.revoke("calendar").await?.ok()?;
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    let log = log(&stack).await?;
    ensure!(last_sequence(&log).await? > revoked.sequence());
    let by_the_log = effective_by_the_log(&log, "acme", "ana").await?;
    ensure!(by_the_log["calendar"] == false, "{by_the_log}");

    let explained = stack.consentctl(&["explain", "acme", "ana"]).await?;
    let explained = String::from_utf8(explained.stdout)?;
    ensure!(
        explained.contains("void, no event: an answer of the server's (declared by kim)"),
        "{explained}"
    );
    Ok(())
}

#[tokio::test]
async fn what_cant_be_void_is_refused_by_name_and_only_operators_may_ask() -> anyhow::Result<()> {
    let stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let junk = scribble(&stack, ANA_LINE).await?;
    let operator = connect(&stack, NatsUser::Operator).await?;
    let subject = "consent.command.v1.void-message";
    let ask = async |body: &Value| {
        let payload = body.to_string().into_bytes();
        operator.request(subject, payload, None, PATIENCE).await
    };
    let long = "x".repeat(501);
    for (body, status, code) in [
        (
            json!({"sequence": 1, "reason": "x"}),
            409,
            "message_is_an_event",
        ),
        (json!({"sequence": 99, "reason": "x"}), 404, "not_found"),
        (json!({"sequence": 0, "reason": "x"}), 404, "not_found"),
        (
            json!({"sequence": junk, "reason": ""}),
            400,
            "invalid_request",
        ),
        (
            json!({"sequence": junk, "reason": "  "}),
            400,
            "invalid_request",
        ),
        (
            json!({"sequence": junk, "reason": long}),
            400,
            "invalid_request",
        ),
        (
            json!({"sequence": junk, "reason": "a\u{1b}[2J"}),
            400,
            "invalid_request",
        ),
        (
            json!({"sequence": junk, "reason": "x", "operator": ""}),
            400,
            "invalid_request",
        ),
        (json!({"sequence": junk}), 400, "invalid_request"),
        (
            json!({"sequence": junk, "reason": "x", "more": 1}),
            400,
            "invalid_request",
        ),
    ] {
        match ask(&body).await {
            Err(RequestError::Service {
                status: found,
                description,
                ..
            }) => {
                ensure!(
                    (found, description.as_str()) == (status, code),
                    "{body}: {found} {description}"
                );
            }
            other => anyhow::bail!("{body}: {other:?}"),
        }
    }
    for user in [
        NatsUser::LoginHook,
        NatsUser::SyncWorker,
        NatsUser::Projection,
    ] {
        let other = connect(&stack, user).await?;
        let payload = json!({"sequence": junk, "reason": "x"})
            .to_string()
            .into_bytes();
        // A denied request is told so at its deadline.
        let refused = other.request(subject, payload, None, A_MOMENT).await;
        ensure!(
            matches!(refused, Err(RequestError::NotPermitted { .. })),
            "{user:?}: {refused:?}"
        );
    }
    ana.see("ana").await?.refused(500, "event_unreadable")?;
    let once = ask(&json!({"sequence": junk, "reason": "x"})).await?;
    let twice = ask(&json!({"sequence": junk, "reason": "y"})).await?;
    let (once, twice): (Value, Value) = (
        serde_json::from_slice(&once)?,
        serde_json::from_slice(&twice)?,
    );
    ensure!(
        once["already"] == false && twice["already"] == true,
        "{once} {twice}"
    );
    ensure!(once["record"] == twice["record"], "{once} {twice}");
    let reason = once["record"]["reason"].as_str().context("no reason")?;
    ensure!(reason == "x", "{reason}");
    Ok(())
}
