//! A broker that is killed between two of its steps: what was not written is as it was, nothing is lost, and what is gone at
//! Microsoft is on the log once.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, HostService, Reply};
use assent_dev_stack::{NatsUser, Program, ProgramPlan, SIMULATOR_CLIENT_ID, Stack};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::custody::{Custody, connected, stored};
use crate::fixture::{calls, eventually, fault, log, readiness, start, start_with, user_history};
use crate::tokens::withdraw;

async fn ask(workers: &HostService, user: &str, permission: &str) -> anyhow::Result<Reply> {
    Ok(workers.token("acme", user, permission, &json!({})).await?)
}

/// A worker asks; once that has come as far as Microsoft, which takes its time.
async fn asks_until_at_microsoft(
    stack: &Stack,
    permission: &'static str,
    delay_ms: u64,
) -> anyhow::Result<JoinHandle<anyhow::Result<Reply>>> {
    let slow = json!({"endpoint": "token", "delay_ms": delay_ms});
    fault(stack, &slow).await?;
    let before = calls(stack, "token").await?;
    let workers = stack.token_service(0);
    let asking = tokio::spawn(async move { ask(&workers, "ana", permission).await });
    eventually("Microsoft is asked", async || {
        Ok(before < calls(stack, "token").await?)
    })
    .await?;
    Ok(asking)
}

async fn restart_broker(stack: &mut Stack) -> anyhow::Result<()> {
    let broker = stack.token_brokers.first_mut().context("no broker")?;
    broker.kill();
    Ok(broker.restart().await?)
}

#[tokio::test]
async fn no_refresh_token_is_lost_wherever_a_broker_is_killed() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let custody = Custody::of(&stack).await?;
    let workers = stack.token_service(0);
    let ana = stack.user("acme", "ana");
    connected(
        &stack,
        &custody,
        &ana,
        ANA,
        &["calendar", "contacts", "email"],
    )
    .await?;
    let at_first = stored(&stack, "ana").await?.context("no record")?;

    // Before Microsoft answers.
    let asking = asks_until_at_microsoft(&stack, "calendar", 3_000).await?;
    restart_broker(&mut stack).await?;
    ensure!(asking.await?.is_err(), "answered by a broker that is dead");
    let record = stored(&stack, "ana").await?.context("no record")?;
    ensure!(record == at_first, "{record}");
    ask(&workers, "ana", "calendar").await?.ok()?;

    // Microsoft has answered, and neither the record nor the receipt can be written. What is under way reaches NATS or does
    // not; either way there is one record, whose token is good.
    let asking = asks_until_at_microsoft(&stack, "contacts", 1_000).await?;
    stack.nats().freeze();
    let answered = tokio::time::timeout(Duration::from_secs(2), asking).await;
    stack.nats().thaw();
    ensure!(
        answered.is_err(),
        "handed out without a record and a receipt"
    );
    restart_broker(&mut stack).await?;
    let out = custody.status("ana").await?;
    ensure!(out.held.is_some(), "the token is lost");
    ask(&workers, "ana", "contacts").await?.ok()?;

    // It was revoked while Microsoft was asked, and nobody told the broker that is started then.
    let asking = asks_until_at_microsoft(&stack, "email", 2_000).await?;
    let revoked = ana.revoke("email").await?.ok()?.sequence();
    let refused = asking.await??;
    ensure!(
        refused.word("/code") == Some("not_permitted"),
        "{}",
        refused.text
    );
    restart_broker(&mut stack).await?;
    let at_least = json!({"at_least": revoked});
    workers
        .token("acme", "ana", "email", &at_least)
        .await?
        .refused(403, "not_permitted")?;
    ask(&workers, "ana", "calendar").await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_withdrawal_is_on_the_log_once_wherever_gateway_and_broker_are_killed()
-> anyhow::Result<()> {
    let mut stack = start().await?;
    let custody = Custody::of(&stack).await?;
    let workers = stack.token_service(0);
    let ana = stack.user("acme", "ana");
    connected(&stack, &custody, &ana, ANA, &["calendar", "contacts"]).await?;
    ask(&workers, "ana", "calendar").await?.ok()?;
    withdraw(&stack, ANA).await?;

    // Found, and nobody is there to record it: the worker hears it all the same, and the next one finds it again.
    stack.gateway.kill();
    ask(&workers, "ana", "contacts")
        .await?
        .refused(409, "consent_withdrawn")?;
    restart_broker(&mut stack).await?;
    ask(&workers, "ana", "contacts")
        .await?
        .refused(409, "consent_withdrawn")?;
    ensure!(
        stored(&stack, "ana").await?.is_some(),
        "destroyed unrecorded"
    );

    // Killed while Microsoft is asked, then once it is recorded.
    stack.gateway.restart().await?;
    let asking = asks_until_at_microsoft(&stack, "contacts", 2_000).await?;
    restart_broker(&mut stack).await?;
    ensure!(asking.await?.is_err(), "answered by a broker that is dead");
    ask(&workers, "ana", "contacts")
        .await?
        .refused(409, "consent_withdrawn")?;
    restart_broker(&mut stack).await?;
    eventually("the withdrawal counts", async || {
        Ok(ask(&workers, "ana", "contacts").await?.status == 403)
    })
    .await?;
    // What else is gone is found by whoever asks for it.
    let calendar = ask(&workers, "ana", "calendar").await?;
    ensure!(
        matches!(
            calendar.word("/code"),
            Some("consent_withdrawn" | "not_permitted")
        ),
        "{}",
        calendar.text
    );
    eventually("nothing is effective", async || {
        Ok(ana.see("ana").await?.ok()?.effective() == "nothing")
    })
    .await?;
    eventually("the token is destroyed", async || {
        Ok(stored(&stack, "ana").await?.is_none())
    })
    .await?;
    let history = user_history(&log(&stack).await?, "acme", "ana").await?;
    let withdrawn = history
        .events()
        .iter()
        .filter(|event| format!("{:?}", event.decoded.event).contains("MicrosoftWithdrawn"));
    ensure!(withdrawn.count() == 2, "once for each permission");
    Ok(())
}

/// A broker, and where its keys and its log are.
async fn start_broker(stack: &Stack, directory: &Path, megabytes: &str) -> anyhow::Result<Program> {
    let keys = directory.join("keys");
    if !keys.exists() {
        let consentctl = stack.gateway.binary().with_file_name("consentctl");
        let made = Command::new(consentctl)
            .args(["vault", "init", "--dir"])
            .arg(&keys)
            .output()?;
        ensure!(made.status.success(), "{made:?}");
    }
    let keys = keys.to_string_lossy().into_owned();
    let plan = ProgramPlan::new("token-broker")
        .variables(stack.nats().environment(NatsUser::TokenBroker))
        .variables(stack.host.environment())
        .variable("ASSENT_LISTEN", "127.0.0.1:0")
        .variable("ASSENT_ENTRA_AUTHORITY", stack.simulator.url())
        .variable("ASSENT_GRAPH_URL", stack.simulator.url())
        .variable("ASSENT_ENTRA_CLIENT_ID", SIMULATOR_CLIENT_ID)
        .variable("ASSENT_ENTRA_CLIENT_SECRET", "a-secret")
        .variable("ASSENT_VAULT_KEYS_DIR", keys)
        .variable("ASSENT_TOKEN_MEGABYTES", megabytes);
    Ok(Program::start_unready(plan, directory).await?)
}

/// A bucket for which there is no room, and one that is lost.
#[tokio::test]
async fn a_broker_without_a_bucket_says_so_and_makes_it_once_it_can() -> anyhow::Result<()> {
    let mut stack = start_with(|options| options.token_brokers = 0).await?;
    let directory = tempfile::tempdir()?;
    // More than the server has to give.
    let broker = start_broker(&stack, directory.path(), "1048576").await?;
    let (status, told) = readiness(&broker).await?;
    let why = told.pointer("/dependencies/CONSENT_TOKENS/reason");
    let why = why.and_then(Value::as_str).unwrap_or_default();
    ensure!(status == 503 && why.contains("max_file_store"), "{told}");
    drop(broker);
    let mut broker = start_broker(&stack, directory.path(), "8").await?;
    broker.ready().await?;

    // Lost while it runs.
    stack.nats_mut().stop().await;
    let lost = "jetstream/TOKENS/streams/KV_CONSENT_TOKENS";
    std::fs::remove_dir_all(stack.nats().store_directory().join(lost))?;
    stack.nats_mut().restart().await?;
    eventually("it is made again", async || {
        Ok(broker.log_text().contains("store_made_anew"))
    })
    .await?;
    broker.ready().await?;
    Ok(())
}
