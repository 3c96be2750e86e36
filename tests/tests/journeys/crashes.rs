//! kill -9, in the middle of things. Whatever was acknowledged is there, and the view is the fold of the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::ensure;
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, BEN, HostUser, OLGA, Reaction};
use tokio::task::JoinHandle;

use crate::fixture::{
    admin_consent, authorize_url, effective_by_the_log, ended, eventually, grant, last_sequence,
    log, start, user_history,
};

/// A Super Admin who changes the e-mail sync as fast as it goes: every change is an event. It gives what was
/// acknowledged.
pub(crate) fn keep_writing(sam: HostUser, stop: Arc<AtomicBool>) -> JoinHandle<Vec<u64>> {
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for email_sync in ["limited", "full"].iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            // No answer, or one that says no, promises nothing.
            match sam.set_method("user_individual", email_sync).await {
                Ok(reply) if reply.status == 200 => acknowledged.push(reply.sequence()),
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        acknowledged
    })
}

async fn some_writes(stack: &Stack, more_than: u64) -> anyhow::Result<u64> {
    let service = stack.service(0);
    eventually("more is written and applied", async || {
        let Ok(status) = service.status().await else {
            return Ok(false);
        };
        Ok(status.number("/applied_sequence").unwrap_or_default() >= more_than)
    })
    .await?;
    Ok(more_than)
}

#[tokio::test]
async fn acknowledged_writes_survive_every_kill() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar", "email"]).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = keep_writing(stack.super_admin("acme", "sam"), Arc::clone(&stop));

    let reached = some_writes(&stack, 5).await?;
    stack.gateway.restart().await?;
    let reached = some_writes(&stack, reached + 5).await?;
    if let Some(projection) = stack.projections.first_mut() {
        projection.restart().await?;
    }
    let reached = some_writes(&stack, reached + 5).await?;
    stack.login_hook.restart().await?;
    stack.restart_nats().await?;
    some_writes(&stack, reached + 10).await?;
    stop.store(true, Ordering::Relaxed);
    let acknowledged = writer.await?;

    let log = log(&stack).await?;
    let company = crate::fixture::company_history(&log, "acme").await?;
    let there: Vec<u64> = company
        .events()
        .iter()
        .map(|event| event.sequence.0)
        .collect();
    ensure!(
        acknowledged.len() >= 10,
        "too little was written: {acknowledged:?}"
    );
    let missing: Vec<&u64> = acknowledged
        .iter()
        .filter(|sequence| !there.contains(sequence))
        .collect();
    ensure!(
        missing.is_empty(),
        "acknowledged, and lost: {missing:?} of {there:?}"
    );

    let last = last_sequence(&log).await?;
    let seen = stack
        .service(0)
        .permissions("acme", "ana", last)
        .await?
        .ok()?;
    let folded = effective_by_the_log(&log, "acme", "ana").await?;
    ensure!(
        seen.value("/effective") == &folded,
        "{} but by the log {folded}",
        seen.text
    );
    let login = stack
        .login("acme")
        .through_microsoft("ana", ANA, last)
        .await?
        .ok()?;
    ensure!(
        login.value("/effective") == &folded,
        "{} but by the log {folded}",
        login.text
    );
    Ok(())
}

#[tokio::test]
async fn a_flow_survives_a_gateway_that_dies_in_it() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    let started = ana.start_grant(&["calendar"], Some(ANA)).await?.ok()?;
    let waiting = ben.start_grant(&["calendar"], None).await?.ok()?;
    let microsoft = stack.microsoft();
    let landing = microsoft
        .walk(authorize_url(&waiting)?, BEN, Reaction::Accept)
        .await?;

    stack.gateway.restart().await?;

    let url = authorize_url(&started)?;
    let done = microsoft.walk(url, ANA, Reaction::Accept).await?;
    ended(&ana, &done, "completed", None).await?;
    let confirm = landing.confirm.clone().unwrap_or_default();
    ben.confirm(&landing.flow, &confirm)
        .await?
        .ok()?
        .with_text("/state", "completed")?;
    Ok(())
}

#[tokio::test]
async fn a_view_that_is_gone_is_built_again() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let (ana, ben) = (stack.user("acme", "ana"), stack.user("acme", "ben"));
    let sam = stack.super_admin("acme", "sam");
    grant(&stack, &ana, ANA, &["calendar", "email"]).await?;
    grant(&stack, &ben, BEN, &["contacts"]).await?;
    let landing = admin_consent(
        &stack,
        &sam,
        Some("contoso.example"),
        OLGA,
        Reaction::Accept,
    )
    .await?;
    ended(&sam, &landing, "completed", None).await?;
    let granted = stack
        .login("acme")
        .through_microsoft("ana", ANA, 0)
        .await?
        .ok()?;
    let log = log(&stack).await?;
    let last = last_sequence(&log).await?;
    let before = stack
        .service(0)
        .permissions("acme", "ana", last)
        .await?
        .ok()?;
    let digest = stack.service(0).digest().await?.ok()?;

    let directory = stack.projection_data(0);
    for delete in [false, true] {
        if let Some(projection) = stack.projections.first_mut() {
            projection.kill();
            if delete {
                std::fs::remove_dir_all(&directory)?;
            }
            projection.restart().await?;
        }
        let after = stack
            .service(0)
            .permissions("acme", "ana", last)
            .await?
            .ok()?;
        ensure!(
            after.body == before.body,
            "{} was {}",
            after.text,
            before.text
        );
        let again = stack.service(0).digest().await?.ok()?;
        ensure!(
            again.body == digest.body,
            "{} was {}",
            again.text,
            digest.text
        );
    }
    let history = user_history(&log, "acme", "ana").await?;
    ensure!(
        history.tail.sequence.0 == granted.sequence(),
        "{:?}",
        history.tail
    );
    Ok(())
}
