//! P7: how long after a grant is acknowledged its change has been told, at a steady rate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use assent_contract::names::CHANGE_SUBJECTS;
use assent_dev_stack::{NatsUser, Stack, StackOptions};
use assent_event_log::{Draft, EventLog, Tail};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::Size;
use crate::catalogue;
use crate::ceiling::ECHO_SUBJECT;
use crate::fixture::{self, grant};
use crate::measure::{milliseconds, quantile};
use crate::table::Row;

/// How long the last change may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// As long as a change message is.
const BYTES: usize = 420;

type Times = Arc<Mutex<HashMap<u64, Instant>>>;

pub(crate) async fn measure(size: Size) -> anyhow::Result<Row> {
    let options = StackOptions {
        token_brokers: 0,
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await?;
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for round in 0..size.rounds {
        ceiling.push(hop(&stack, size).await?);
        ours.push(told(&stack, &format!("told-{round}"), size).await?);
    }
    Ok(Row::new(
        &catalogue::TOLD,
        ours,
        ceiling,
        format!(
            "{} grants of distinct users a second for {} s a round, from the acknowledgement to the change message at a \
             subscriber; the hop is a message of {BYTES} bytes from one client to another, at the same rate",
            size.changes_a_second, size.seconds_per_round
        ),
    ))
}

/// The 99th percentile, in milliseconds, of the times from acknowledgement to change message.
async fn told(stack: &Stack, account: &str, size: Size) -> anyhow::Result<f64> {
    let gateway = fixture::connect(stack.nats(), NatsUser::Gateway).await?;
    let log = EventLog::open(&gateway).await?;
    let worker = fixture::raw_client(stack.nats(), NatsUser::SyncWorker).await?;
    let mut changes = worker.subscribe(CHANGE_SUBJECTS).await?;
    worker.flush().await?;
    let acknowledged = Times::default();
    let count = size.changes();
    let appending = at_a_rate(size, {
        let (acknowledged, account) = (Arc::clone(&acknowledged), account.to_owned());
        move |user| {
            let (log, acknowledged, account) =
                (log.clone(), Arc::clone(&acknowledged), account.clone());
            async move {
                let draft = Draft {
                    id: Uuid::now_v7(),
                    time: fixture::now(),
                    traceparent: None,
                    event: grant(&account, user)?,
                };
                let appended = log.append(Tail::EMPTY, Vec::from([draft])).await?;
                let at = Instant::now();
                let sequence = appended
                    .sequences
                    .first()
                    .context("nothing was appended")?
                    .0;
                note(&acknowledged, sequence, at);
                Ok(())
            }
        }
    });
    let mut heard = HashMap::new();
    let hearing = async {
        while heard.len() < count {
            let message = timeout(PATIENCE, changes.next())
                .await?
                .context("the subscription ended")?;
            let at = Instant::now();
            let body: serde_json::Value = serde_json::from_slice(&message.payload)?;
            let is_of_this_round = body.get("account_id").is_some_and(|named| named == account);
            let sequence = body.get("sequence").and_then(serde_json::Value::as_u64);
            if let (true, Some(sequence)) = (is_of_this_round, sequence) {
                heard.entry(sequence).or_insert(at);
            }
        }
        anyhow::Ok(())
    };
    let (appended, told) = tokio::join!(appending, hearing);
    appended?;
    told.context("not every change was told")?;
    p99(&acknowledged, &heard)
}

/// The same for a message from one client to another.
async fn hop(stack: &Stack, size: Size) -> anyhow::Result<f64> {
    let receiver = fixture::raw_client(stack.nats(), NatsUser::Projection).await?;
    let mut messages = receiver.subscribe(ECHO_SUBJECT).await?;
    receiver.flush().await?;
    let sender = fixture::raw_client(stack.nats(), NatsUser::SyncWorker).await?;
    let sent = Times::default();
    let count = size.changes();
    let sending = at_a_rate(size, {
        // Whoever drops the last one drops what is not sent yet.
        let (sender, sent) = (sender.clone(), Arc::clone(&sent));
        move |number| {
            let (sender, sent) = (sender.clone(), Arc::clone(&sent));
            async move {
                let number = u64::try_from(number)?;
                let payload = Bytes::from(format!("{number:>BYTES$}"));
                note(&sent, number, Instant::now());
                Ok(sender.publish(ECHO_SUBJECT, payload).await?)
            }
        }
    });
    let mut heard = HashMap::new();
    let hearing = async {
        while heard.len() < count {
            let message = timeout(PATIENCE, messages.next())
                .await?
                .context("the subscription ended")?;
            let at = Instant::now();
            heard.insert(
                std::str::from_utf8(&message.payload)?
                    .trim()
                    .parse::<u64>()?,
                at,
            );
        }
        anyhow::Ok(())
    };
    let (sent_all, heard_all) = tokio::join!(sending, hearing);
    sent_all?;
    heard_all.context("a message is missing")?;
    p99(&sent, &heard)
}

/// Begins an operation for each number when it is due, whether or not those before are done.
async fn at_a_rate<Fut>(size: Size, operation: impl Fn(usize) -> Fut) -> anyhow::Result<()>
where
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut due = interval(Duration::from_secs_f64(
        1.0 / f64::from(size.changes_a_second),
    ));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut begun = tokio::task::JoinSet::new();
    for number in 0..size.changes() {
        due.tick().await;
        begun.spawn(operation(number));
    }
    while let Some(done) = begun.join_next().await {
        done??;
    }
    Ok(())
}

fn note(times: &Times, number: u64, at: Instant) {
    if let Ok(mut times) = times.lock() {
        times.insert(number, at);
    }
}

fn p99(from: &Times, to: &HashMap<u64, Instant>) -> anyhow::Result<f64> {
    let from = from.lock().ok().context("an operation panicked")?;
    let times = from.iter().filter_map(|(number, since)| {
        // The message may be there before the acknowledgement is.
        Some(milliseconds(
            to.get(number)?.saturating_duration_since(*since),
        ))
    });
    let mut times: Vec<f64> = times.collect();
    ensure!(
        times.len() == to.len(),
        "what was told is not what was appended"
    );
    Ok(quantile(&mut times, 990))
}
