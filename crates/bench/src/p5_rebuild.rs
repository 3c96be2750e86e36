//! P5: rebuilding the view from the log, against draining the same stream in the same way.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use assent_contract::codec::{self, Metadata};
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, LogEntry};
use assent_permission_store::{Content, Entry, Opened, Source, View};
use async_nats::HeaderMap;
use uuid::Uuid;

use crate::Size;
use crate::fixture::{self, grant};
use crate::measure::Rounds;
use crate::table::Row;

const ACCOUNTS: usize = 1_000;
const EVENTS_PER_USER: usize = 5;
const FILL_BATCH: usize = 500;
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
    Ok(Row {
        name: "P5",
        what: "events folded while rebuilding",
        ours: Rounds::new(ours),
        ceiling: Rounds::new(ceiling),
        target: 0.7,
        how: format!(
            "{} events of {} users in {ACCOUNTS} accounts into sled, to the written cursor; the \
             ceiling reads the same stream in the same way and drops it",
            size.events,
            size.events / EVENTS_PER_USER
        ),
    })
}

/// Fills the log with events that fit, in batches, because one by one would take minutes.
pub(crate) async fn fill(nats: &NatsServer, events: usize) -> anyhow::Result<()> {
    let client = fixture::raw_client(nats, NatsUser::Gateway).await?;
    let users = (events / EVENTS_PER_USER).max(1);
    let mut tails = vec![assent_contract::event_hash::EventHash::NONE; users];
    let mut sent = 0;
    while sent < events {
        let batch = Uuid::now_v7().simple().to_string();
        let until = events.min(sent + FILL_BATCH);
        for (position, number) in (sent..until).enumerate() {
            // Spread over the users, so that the events of one lie far apart, as they do.
            let user = number % users;
            let account = format!("account-{}", user % ACCOUNTS);
            let tail = tails.get_mut(user).context("there is such a user")?;
            let metadata = Metadata {
                id: Uuid::now_v7(),
                time: fixture::now(),
                previous: *tail,
                traceparent: None,
            };
            let encoded = codec::encode(&grant(&account, user)?, &metadata)?;
            *tail = encoded.hash();
            let mut headers = HeaderMap::new();
            for (name, value) in &encoded.headers {
                headers.insert(*name, value.as_str());
            }
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", (position + 1).to_string());
            if number + 1 == until {
                headers.insert("Nats-Batch-Commit", "1");
                let committed =
                    client.request_with_headers(encoded.subject, headers, encoded.body.into());
                let answer = committed.await?;
                let text = String::from_utf8_lossy(&answer.payload).into_owned();
                anyhow::ensure!(!text.contains("\"error\""), "the batch was refused: {text}");
            } else {
                client
                    .publish_with_headers(encoded.subject, headers, encoded.body.into())
                    .await?;
            }
        }
        sent = until;
    }
    Ok(())
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
