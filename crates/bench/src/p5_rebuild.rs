//! P5: rebuilding the view from the log, against draining the same stream in the same way.

use std::time::{Duration, Instant};

use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry};
use assent_permission_store::{Content, Entry, Opened, Source, View};

use crate::Size;
use crate::catalogue;
use crate::fill::write_grants;
use crate::fixture;
use crate::table::Row;

const ACCOUNTS: usize = 1_000;
const EVENTS_PER_USER: usize = 5;
const READ_BATCH: usize = 8192;
const PATIENCE: Duration = Duration::from_secs(5);
const CACHE: u64 = 128 * 1024 * 1024;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Row> {
    let nats = NatsServer::start().await?;
    fixture::create_log(&nats).await?;
    fill(&nats, size.events).await?;
    let log = EventLog::open(&fixture::connect(&nats, NatsUser::Projection).await?).await?;

    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds.min(3) {
        ceiling.push(drain(&log, size.events).await?);
        ours.push(rebuild(&log, size.events).await?);
    }
    Ok(Row::new(
        &catalogue::REBUILD,
        ours,
        ceiling,
        format!(
            "{} events of {} users in {ACCOUNTS} accounts into sled, to the written cursor; the \
             ceiling reads the same stream in the same way and drops it",
            size.events,
            size.events / EVENTS_PER_USER
        ),
    ))
}

/// Fills the log with the grants of users who have several each, spread over accounts.
pub(crate) async fn fill(nats: &NatsServer, events: usize) -> anyhow::Result<()> {
    let users = (events / EVENTS_PER_USER).max(1);
    // Spread over the users, so that the events of one lie far apart, as they do.
    let whose = (0..events).map(|number| number % users);
    write_grants(
        nats,
        whose.map(|user| (format!("account-{}", user % ACCOUNTS), user)),
    )
    .await
}

pub(crate) async fn drain(log: &EventLog, events: usize) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut follow = log.follow(Sequence(0));
    let mut read = 0;
    while read < events {
        let batch = follow.next_batch(READ_BATCH, PATIENCE).await?;
        anyhow::ensure!(!batch.is_empty(), "the log stopped at {read} of {events}");
        read += batch.len();
    }
    Ok(rate(read, started))
}

async fn rebuild(log: &EventLog, events: usize) -> anyhow::Result<f64> {
    let directory = tempfile::tempdir()?;
    let source = Source {
        stream: "CONSENT_EVENTS".to_owned(),
        created: log.identity().to_string(),
    };
    let started = Instant::now();
    let Opened::Fresh { mut load, .. } = View::open(directory.path(), &source, CACHE)? else {
        anyhow::bail!("the view is not fresh");
    };
    let mut follow = log.follow(Sequence(0));
    let mut read = 0;
    while read < events {
        let batch = follow.next_batch(READ_BATCH, PATIENCE).await?;
        anyhow::ensure!(!batch.is_empty(), "the log stopped at {read} of {events}");
        let entries: Vec<Entry> = batch.iter().map(entry).collect();
        tokio::task::block_in_place(|| load.add(&entries))?;
        read += batch.len();
    }
    let view = tokio::task::block_in_place(|| load.finish())?;
    let took = rate(read, started);
    anyhow::ensure!(view.counts().blocked == 0, "events were not readable");
    Ok(took)
}

fn entry(entry: &LogEntry) -> Entry {
    Entry {
        sequence: entry.sequence(),
        aggregate: entry.aggregate(),
        content: entry
            .decode()
            .map_or(Content::Unreadable, |decoded| Content::Event(decoded.event)),
        hash: *entry.hash().as_bytes(),
    }
}

fn rate(count: usize, started: Instant) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / started.elapsed().as_secs_f64()
}
