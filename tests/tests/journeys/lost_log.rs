//! The log is gone, cut short, or from an older copy. Nothing is made good in silence: whoever knows of more says so, an
//! operator decides, and what is back is used again.

use anyhow::{bail, ensure};
use assent_dev_stack::actors::ANA;
use assent_dev_stack::{ProgramError, Stack};
use serde_json::Value;

use crate::fixture::{eventually, grant, last_sequence, log, readiness, start};

const STREAM: &str = "CONSENT_EVENTS";

/// `/readyz` says this of something that the gateway needs.
async fn is_not_ready(stack: &Stack, name: &str, reason: &str) -> anyhow::Result<()> {
    eventually(&format!("{name} is not ready: {reason}"), async || {
        let (status, said) = readiness(&stack.gateway).await?;
        let said = said.pointer(&format!("/dependencies/{name}/reason"));
        let said = said.and_then(Value::as_str);
        Ok(status == 503 && said.is_some_and(|said| said.contains(reason)))
    })
    .await
}

/// The gateway does not start, exits with this code and says so.
async fn does_not_start(
    stack: &mut Stack,
    arguments: &[&str],
    code: i32,
    said: &[&str],
) -> anyhow::Result<()> {
    match stack.gateway.restart_with(arguments).await {
        Err(ProgramError::Ended { status, log, .. }) => {
            ensure!(status.code() == Some(code), "{status}: {log}");
            for said in said {
                ensure!(log.contains(said), "{said}: {log}");
            }
            Ok(())
        }
        other => bail!("{other:?}"),
    }
}

#[tokio::test]
async fn a_log_that_is_gone_is_not_begun_anew_in_silence() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    let last = last_sequence(&log(&stack).await?).await?;

    stack.nats_mut().stop().await;
    stack.nats().back_up(STREAM)?;
    stack.nats().remove_stream(STREAM)?;
    stack.restart_nats().await?;

    is_not_ready(&stack, STREAM, "stream CONSENT_EVENTS is not there").await?;
    ana.see("ana")
        .await?
        .refused(503, "event_log_unavailable")?;
    does_not_start(
        &mut stack,
        &[],
        69,
        &[
            "the event log CONSENT_EVENTS is not there, but there was one",
            "restore it from a backup",
            "--begin-new-event-log",
        ],
    )
    .await?;
    ensure!(log(&stack).await.is_err(), "it was created");
    does_not_start(
        &mut stack,
        &["--accept-event-log-end", "1"],
        64,
        &["leave it out"],
    )
    .await?;

    // One way on: a backup.
    stack.nats_mut().stop().await;
    stack.nats().restore(STREAM)?;
    stack.restart_nats().await?;
    stack.gateway.restart().await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar");
    ensure!(last_sequence(&log(&stack).await?).await? == last);
    does_not_start(
        &mut stack,
        &["--begin-new-event-log"],
        64,
        &["leave it out"],
    )
    .await?;

    // The other one: nothing is left, and an operator says so.
    stack.nats_mut().stop().await;
    stack.nats().remove_stream(STREAM)?;
    stack.restart_nats().await?;
    stack
        .gateway
        .restart_with(&["--begin-new-event-log"])
        .await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "nothing");
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    stack.gateway.restart().await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "contacts");
    Ok(())
}

#[tokio::test]
async fn a_log_that_was_cut_short_is_not_gone_on_with_in_silence() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, sam) = (stack.user("acme", "ana"), stack.super_admin("acme", "sam"));
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    grant(&stack, &ana, ANA, &["contacts"]).await?;
    let last = last_sequence(&log(&stack).await?).await?;

    // The server cuts the log at the damage, as its index is gone, and says nothing.
    stack.nats_mut().stop().await;
    stack.nats().back_up(STREAM)?;
    stack.nats().flip_bit(STREAM, last)?;
    stack.nats().remove_index(STREAM)?;
    stack.restart_nats().await?;
    ensure!(last_sequence(&log(&stack).await?).await? == last - 1);

    // A gateway that runs decides nothing any more, but for a person's no.
    is_not_ready(&stack, STREAM, &format!("ends at event {}", last - 1)).await?;
    ensure!(
        stack
            .gateway
            .log_text()
            .contains(r#""operator_alarm":"event_log_cut_short""#)
    );
    for refused in [
        sam.set_method("user_individual", "limited").await?,
        ana.start_grant(&["email"], Some(ANA)).await?,
        ana.see("ana").await?,
    ] {
        refused.refused(503, "event_log_damaged")?;
    }
    ensure!(last_sequence(&log(&stack).await?).await? == last - 1);
    ana.revoke("contacts").await?.ok()?;
    ensure!(last_sequence(&log(&stack).await?).await? == last);

    // One that starts does not: now another event is where the lost one was.
    let accept = last.to_string();
    does_not_start(
        &mut stack,
        &[],
        69,
        &[
            "restore it from a backup",
            &format!("--accept-event-log-end {accept}"),
        ],
    )
    .await?;
    let wrong = (last - 1).to_string();
    does_not_start(&mut stack, &["--accept-event-log-end", &wrong], 69, &[]).await?;
    does_not_start(&mut stack, &["--accept-event-log-end", "some"], 64, &[]).await?;

    // A backup that is complete is as good as the log.
    stack.nats_mut().stop().await;
    stack.nats().restore(STREAM)?;
    stack.restart_nats().await?;
    stack.gateway.restart().await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar, contacts");
    does_not_start(
        &mut stack,
        &["--accept-event-log-end", &accept],
        64,
        &["lost nothing"],
    )
    .await?;

    // Without one, an operator names the end that is accepted, once.
    stack.nats_mut().stop().await;
    stack.nats().flip_bit(STREAM, last)?;
    stack.nats().remove_index(STREAM)?;
    stack.restart_nats().await?;
    stack
        .gateway
        .restart_with(&["--accept-event-log-end", &wrong])
        .await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar");
    sam.set_method("user_individual", "limited").await?.ok()?;
    stack.gateway.restart().await?;
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar");
    Ok(())
}
