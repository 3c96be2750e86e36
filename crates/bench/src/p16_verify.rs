//! P16: what operators do with a large log: prove it, put it back, and ask it about one user.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assent_dev_stack::{NatsServer, NatsUser, Stack, StackOptions, profile_directory, wait_for};
use assent_event_log::EventLog;
use tokio::process::Command;

use crate::Size;
use crate::catalogue;
use crate::fixture;
use crate::measure::{milliseconds, peak_memory, quantile};
use crate::p5_rebuild::{drain, fill};
use crate::table::Row;

/// The log that `explain` is compared on.
const SHORT: usize = 500;
/// How often one user is explained in a round.
const EXPLAINED: usize = 8;
/// How long a projection may take to apply the log.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often is looked how much memory a command has.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What `verify` may have, in MiB.
const MOST_MEMORY: f64 = 256.0;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Vec<Row>> {
    let events = size.events;
    let (large, short) = (with_events(events).await?, with_events(SHORT).await?);
    let log = EventLog::open(&fixture::connect(large.nats(), NatsUser::Projection).await?).await?;
    let operator = large.operator_environment();
    let files = tempfile::tempdir()?;
    let export = files.path().join("export");
    run(
        files.path(),
        &operator,
        &["events", "export", "--to", text(&export)?],
    )
    .await?;

    let mut memory = Vec::new();
    let (mut verified, mut drained) = (Vec::new(), Vec::new());
    let (mut imported, mut written) = (Vec::new(), Vec::new());
    let (mut explained, mut explained_short) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds.min(3) {
        drained.push(drain(&log, events).await?);
        let ran = run(files.path(), &operator, &["verify"]).await?;
        verified.push(per_second(events, ran.took));
        memory.push(ran.memory);

        let started = Instant::now();
        let server = NatsServer::start().await?;
        fixture::create_log(&server).await?;
        fill(&server, events).await?;
        written.push(per_second(events, started.elapsed()));
        let server = NatsServer::start().await?;
        let gateway = server.environment(NatsUser::Gateway);
        let arguments = ["events", "import", text(&export)?, "--yes"];
        let ran = run(files.path(), &gateway, &arguments).await?;
        imported.push(per_second(events, ran.took));

        for (stack, medians) in [(&large, &mut explained), (&short, &mut explained_short)] {
            let environment = stack.operator_environment();
            let mut times = Vec::new();
            for _ in 0..EXPLAINED {
                let arguments = ["explain", "account-0", "user-0"];
                let ran = run(files.path(), &environment, &arguments).await?;
                times.push(milliseconds(ran.took));
            }
            medians.push(quantile(&mut times, 500));
        }
    }
    Ok(Vec::from([
        Row::new(
            &catalogue::VERIFIED,
            verified,
            drained,
            format!(
                "consentctl verify of {events} events, folded and compared with a projection's view, from its start to \
                 its end; the ceiling drains the same stream"
            ),
        ),
        Row::new(
            &catalogue::VERIFIED_MEMORY,
            memory,
            Vec::from([MOST_MEMORY]),
            "the most that it had at any moment; the ceiling is what it may have".to_owned(),
        ),
        Row::new(
            &catalogue::IMPORTED,
            imported,
            written,
            format!(
                "consentctl events import of {events} events into an empty server, read before and proved after; the \
                 ceiling writes such events in atomic batches, and proves nothing"
            ),
        ),
        Row::new(
            &catalogue::EXPLAINED,
            explained,
            explained_short,
            format!(
                "consentctl explain, a process each; the ceiling does it on a log of {SHORT} events"
            ),
        ),
    ]))
}

/// A stack whose projection has applied so many events.
async fn with_events(events: usize) -> anyhow::Result<Stack> {
    let stack = Stack::start(StackOptions::default()).await?;
    fill(stack.nats(), events).await?;
    let last = u64::try_from(events)?;
    let applied = wait_for(PATIENCE, async || {
        let status = stack.service(0).status().await.ok()?;
        (status.number("/applied_sequence") == Some(last)).then_some(())
    });
    applied
        .await
        .context("the projection did not apply the log")?;
    Ok(stack)
}

struct Ran {
    took: Duration,
    /// How much memory it had at the most, in MiB.
    memory: f64,
}

/// Runs `consentctl` to its end.
async fn run(
    directory: &Path,
    environment: &[(String, String)],
    arguments: &[&str],
) -> anyhow::Result<Ran> {
    let program = profile_directory()?.join("consentctl");
    let started = Instant::now();
    let child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let status = format!("/proc/{}/status", child.id().unwrap_or_default());
    let ended = child.wait_with_output();
    tokio::pin!(ended);
    let mut memory: f64 = 0.0;
    let output = loop {
        tokio::select! {
            output = &mut ended => break output?,
            () = tokio::time::sleep(LOOK_EVERY) => memory = memory.max(peak_memory(&status)),
        }
    };
    let took = started.elapsed();
    ensure!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Ran { took, memory })
}

fn per_second(events: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}
