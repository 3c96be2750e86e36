//! P13: decisions of many users at once, some of which come too late, against acknowledged publishes one by one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use assent_contract::names::EVENT_STREAM;
use assent_dev_stack::{NatsServer, NatsUser};
use assent_event_log::{AppendError, Draft, EventLog, StreamSettings, Tail};
use async_nats::jetstream;
use uuid::Uuid;

use crate::Size;
use crate::catalogue;
use crate::fixture::{self, grant};
use crate::measure::{milliseconds, quantile};
use crate::p6_append::{IN_FLIGHT, in_flight, publish_raw};
use crate::table::Row;

/// Of so many decisions one rests on a state that is no more.
const CONFLICT_EVERY: usize = 100;

/// How long each answer took, in milliseconds.
type Latencies = Arc<Mutex<Vec<f64>>>;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Row> {
    let nats = NatsServer::start().await?;
    let log = EventLog::create_or_check(
        &fixture::connect(&nats, NatsUser::Gateway).await?,
        StreamSettings { replicas: 1 },
    )
    .await?;
    let raw = jetstream::new(fixture::raw_client(&nats, NatsUser::Gateway).await?);
    let latencies = Latencies::default();
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for round in 0..size.rounds {
        ceiling.push(publish_raw(&raw, &format!("raw{round}"), size.appends).await?);
        ours.push(decide(&log, &format!("log{round}"), size.appends, &latencies).await?);
    }
    let mut latencies =
        std::mem::take(&mut *latencies.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Row::new(
        &catalogue::GROUP_COMMIT,
        ours,
        ceiling,
        format!(
            "{} appends of distinct users a round, 1 in {CONFLICT_EVERY} on a state that is no more \
             and refused alone; against async-nats publishes of the same headers and bytes; \
             {IN_FLIGHT} in flight, fsync before each acknowledgement (sync_interval always); \
             {:.0} messages a batch; p50 {:.1}, p99 {:.1}, p99.9 {:.1} ms",
            size.appends,
            batch_size(&raw).await?,
            quantile(&mut latencies, 500),
            quantile(&mut latencies, 990),
            quantile(&mut latencies, 999),
        ),
    ))
}

async fn decide(
    log: &EventLog,
    account: &str,
    appends: usize,
    latencies: &Latencies,
) -> anyhow::Result<f64> {
    in_flight(appends, |number| {
        let (log, account, latencies) = (log.clone(), account.to_owned(), Arc::clone(latencies));
        async move {
            let is_late = number % CONFLICT_EVERY == CONFLICT_EVERY - 1;
            let draft = Draft {
                id: Uuid::now_v7(),
                time: fixture::now(),
                traceparent: None,
                event: grant(&account, if is_late { 0 } else { number })?,
            };
            let begun = Instant::now();
            let answer = log.append(Tail::EMPTY, Vec::from([draft])).await;
            let taken = milliseconds(begun.elapsed());
            latencies
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(taken);
            match answer {
                Ok(_) if !is_late => Ok(()),
                Err(AppendError::Conflict) if is_late => Ok(()),
                other => anyhow::bail!("{number}: {other:?}"),
            }
        }
    })
    .await
}

/// How many messages the batches among the newest thousand messages had.
async fn batch_size(raw: &jetstream::Context) -> anyhow::Result<f64> {
    let stream = raw.get_stream(EVENT_STREAM).await?;
    let last = stream.cached_info().state.last_sequence;
    let (mut batches, mut messages) = (HashSet::new(), 0.0);
    for sequence in last.saturating_sub(1_000).max(1)..=last {
        let message = stream.get_raw_message(sequence).await?;
        if let Some(batch) = message.headers.get("Nats-Batch-Id") {
            batches.insert(batch.to_string());
            messages += 1.0;
        }
    }
    Ok(messages / f64::from(u32::try_from(batches.len().max(1))?))
}
