//! P16: what operators do with a large log: prove it, put it back, and ask it about one user.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assent_dev_stack::{NatsServer, NatsUser, Stack, StackOptions, profile_directory, wait_for};
use assent_event_log::EventLog;
use tokio::process::Command;

use crate::Size;
use crate::fixture;
use crate::measure::Rounds;
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
/// What `verify` may have, in bytes.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

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

    let mut memory = 0;
    let (mut verified, mut drained) = (Vec::new(), Vec::new());
    let (mut imported, mut written) = (Vec::new(), Vec::new());
    let (mut explained, mut explained_short) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds.min(3) {
        drained.push(drain(&log, events).await?);
        let ran = run(files.path(), &operator, &["verify"]).await?;
        verified.push(per_second(events, ran.took));
        memory = memory.max(ran.memory);

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

        for (stack, rates) in [(&large, &mut explained), (&short, &mut explained_short)] {
            let environment = stack.operator_environment();
            let mut times = Vec::new();
            for _ in 0..EXPLAINED {
                let arguments = ["explain", "account-0", "user-0"];
                times.push(run(files.path(), &environment, &arguments).await?.took);
            }
            times.sort_unstable();
            let median = times.get(EXPLAINED / 2).copied().unwrap_or_default();
            rates.push(1.0 / median.as_secs_f64());
        }
    }
    let megabytes = memory / (1024 * 1024);
    let kept = if memory <= MOST_MEMORY {
        "kept"
    } else {
        "MISSED"
    };
    let row = |what, ours, ceiling, target, how: String| Row {
        name: "P16",
        what,
        ours: Rounds::new(ours),
        ceiling: Rounds::new(ceiling),
        target,
        how,
    };
    Ok(Vec::from([
        row(
            "events verified",
            verified,
            drained,
            0.6,
            format!(
                "consentctl verify of {events} events, folded and compared with a projection's view, from its start to \
                 its end; the ceiling drains the same stream. It had {megabytes} MiB at the most (256 MiB: {kept})"
            ),
        ),
        row(
            "events put back from an export",
            imported,
            written,
            0.3,
            format!(
                "consentctl events import of {events} events into an empty server, read before and proved after; the \
                 ceiling writes such events in atomic batches, and proves nothing"
            ),
        ),
        row(
            "users explained",
            explained,
            explained_short,
            1.0 / 1.5,
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
    /// How much memory it had at the most, in bytes.
    memory: u64,
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
    let mut memory = 0;
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

/// The most that the process has had so far; 0 where this system does not tell.
fn peak_memory(status: &str) -> u64 {
    let said = std::fs::read_to_string(status).unwrap_or_default();
    let line = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default().saturating_mul(1024)
}

fn per_second(events: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}
