//! Operators prove a log against several projections, and put one back in pieces.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail, ensure};
use assent_dev_stack::actors::ANA;
use assent_dev_stack::{NatsUser, ProgramError, Stack, profile_directory, wait_for};
use assent_domain::event::{Event, ModeChanged};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_event_log::{Draft, EventLog, Tail};
use serde_json::Value;
use uuid::Uuid;

use crate::crashes::keep_writing;
use crate::fixture::{PATIENCE, connect, eventually, grant, last_sequence, log, start, start_with};

const STREAM: &str = "CONSENT_EVENTS";
/// The server takes no more in one atomic batch.
const AT_ONCE: usize = 900;
/// So many that an import of them can be killed in the middle.
const MANY: usize = 6 * AT_ONCE;

/// The sequences at which the views of so many projections were found to be what the log adds up to.
fn compared_at(report: &Value) -> anyhow::Result<Vec<u64>> {
    let checks = report["checks"].as_array().context("no checks")?;
    let views = checks.iter().filter(|check| check["name"] == "view");
    let sequences = views.map(|check| {
        let says = check["says"].as_str().context("it says nothing")?;
        ensure!(
            check["verdict"] == "ok" && says.contains("each as the log adds up to"),
            "{check}"
        );
        let (_, rest) = says.split_once("event ").context("no event")?;
        let (sequence, _) = rest.split_once(',').context("no sequence")?;
        Ok(sequence.parse()?)
    });
    sequences.collect()
}

#[tokio::test]
async fn projections_at_different_sequences_are_each_compared_at_their_own() -> anyhow::Result<()> {
    let stack = start_with(|options| options.projections = 3).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = keep_writing(stack.super_admin("acme", "sam"), Arc::clone(&stop));
    let proved = eventually("they are asked at different sequences", async || {
        let ran = stack.consentctl(&["verify", "--json"]).await?;
        ensure!(ran.status.success(), "{ran:?}");
        let report: Value = serde_json::from_slice(&ran.stdout)?;
        let sequences = compared_at(&report)?;
        ensure!(sequences.len() == 3, "{report}");
        Ok(1 < sequences.into_iter().collect::<BTreeSet<_>>().len())
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    ensure!(!writer.await?.is_empty(), "nothing was written");
    proved
}

/// A company whose Super Admin changed the e-mail sync again and again.
async fn with_many_events(stack: &Stack) -> anyhow::Result<()> {
    let gateway = connect(stack, NatsUser::Gateway).await?;
    let log = EventLog::open(&gateway).await?;
    let mode = |email_sync| Mode {
        method: AuthorizationMethod::UserIndividual,
        email_sync,
    };
    let (account, changed_by) = (AccountId::parse("globex")?, UserId::parse("sam")?);
    let mut tail = Tail::EMPTY;
    let syncs = [EmailSync::Full, EmailSync::Limited].into_iter().cycle();
    let changes: Vec<_> = syncs.clone().zip(syncs.skip(1)).take(MANY).collect();
    for some in changes.chunks(AT_ONCE) {
        let drafts = some.iter().map(|(from, to)| Draft {
            id: Uuid::now_v7(),
            time: "2026-11-23T10:00:00Z".parse().unwrap_or_default(),
            traceparent: None,
            event: Event::ModeChanged(ModeChanged {
                account: account.clone(),
                from: mode(*from),
                to: mode(*to),
                consent: None,
                changed_by: changed_by.clone(),
            }),
        });
        tail = log.append(tail, drafts.collect()).await?.tail;
    }
    Ok(())
}

#[tokio::test]
async fn no_gateway_starts_on_what_a_killed_import_left() -> anyhow::Result<()> {
    let mut stack = start().await?;
    let ana = stack.user("acme", "ana");
    grant(&stack, &ana, ANA, &["calendar"]).await?;
    with_many_events(&stack).await?;
    let last = last_sequence(&log(&stack).await?).await?;
    let directory = tempfile::tempdir()?;
    let export = directory.path().join("export");
    let export = export.to_str().context("no text")?;
    let exported = stack
        .consentctl(&["events", "export", "--to", export])
        .await?;
    ensure!(exported.status.success(), "{exported:?}");

    stack.gateway.terminate().await;
    for projection in &mut stack.projections {
        projection.terminate().await;
    }
    stack.nats_mut().stop().await;
    stack.nats().remove_stream(STREAM)?;
    stack.restart_nats().await?;
    let environment = stack.nats().environment(NatsUser::Gateway);
    let import = || {
        let mut command = tokio::process::Command::new(profile_directory()?.join("consentctl"));
        command
            .args(["events", "import", export, "--yes"])
            .envs(environment.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        anyhow::Ok(command)
    };
    let mut importing = import()?.spawn()?;
    let begun = wait_for(PATIENCE, async || {
        let log = log(&stack).await.ok()?;
        let there = last_sequence(&log).await.ok()?;
        (0 < there).then_some(())
    });
    begun.await.context("it did not begin")?;
    importing.kill().await?;
    let there = last_sequence(&log(&stack).await?).await?;
    ensure!(there < last, "it was faster than the test: {there}");

    match stack.gateway.restart().await {
        Err(ProgramError::Ended { status, log, .. }) => {
            ensure!(status.code() == Some(69), "{status}: {log}");
            let ends = format!("ends at event {there}");
            ensure!(log.contains(&ends), "{ends}: {log}");
        }
        other => bail!("{other:?}"),
    }
    ensure!(last_sequence(&log(&stack).await?).await? == there);

    // It goes on where it was, and then it is the log.
    let done = import()?.output().await?;
    ensure!(done.status.success(), "{done:?}");
    stack.gateway.restart().await?;
    for projection in &mut stack.projections {
        projection.restart().await?;
    }
    ensure!(last_sequence(&log(&stack).await?).await? == last);
    ensure!(ana.see("ana").await?.ok()?.effective() == "calendar");
    Ok(())
}
