//! Reads every event that the server counts. A record that is damaged on its disk is counted, and never given.

mod subjects;

use std::time::{Duration, Instant};

use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, FollowError, LogEntry, StreamStatus};
use assent_messaging::Connection;

use super::check::{Check, CheckKind};
use crate::exit::CommandError;
use crate::output::{Output, count};
use subjects::Tally;

/// How many events are taken at a time.
const BATCH: usize = 1024;
/// A log that holds more and gives nothing for this long can't be reached.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many missing events are named. Of more it is said that there are more.
const MOST_NAMED: usize = 20;
/// How often it is told how far reading is.
const TELL_EVERY: Duration = Duration::from_secs(2);

const NAME: CheckKind = CheckKind::EveryEvent;
const RESTORE: &str = "stop the services and restore the stream from a backup";

/// The error of a log that went silent.
#[derive(Debug, thiserror::Error)]
#[error("the event log gave nothing after event {0}, although it holds more")]
struct LogSilent(Sequence);

pub(super) async fn check(
    connection: &Connection,
    log: &EventLog,
    status: &StreamStatus,
    output: &mut Output,
) -> Result<Check, CommandError> {
    let mut tally = Tally::default();
    let (missing, are_more) = read(log, status.last_sequence, &mut tally, output).await?;
    if missing.is_empty() {
        let says = format!(
            "{} read, each is there",
            count(status.last_sequence.0, "event")
        );
        return Ok(Check::ok(NAME, says));
    }
    let lacking = tally.lacking(connection, log).await;
    let named: Vec<String> = missing
        .iter()
        .map(|sequence| {
            let mut whose = lacking.iter().filter(|lack| lack.may_lack(*sequence));
            match (whose.next(), whose.next()) {
                (Some(only), None) => format!("{sequence} ({})", only.subject),
                (None, _) | (Some(_), Some(_)) => sequence.to_string(),
            }
        })
        .collect();
    let more = if are_more { " and more" } else { "" };
    let says = format!(
        "{EVENT_STREAM} holds events that can't be read: {}{more}",
        named.join(", ")
    );
    Ok(Check::problem(NAME, says, RESTORE))
}

/// The missing ones among the events up to the last, and whether there are more.
async fn read(
    log: &EventLog,
    last: Sequence,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<(Vec<Sequence>, bool), CommandError> {
    let mut missing = Vec::new();
    let mut seen = Sequence(0);
    let mut told = Instant::now();
    let mut follow = log.follow(seen);
    while seen < last {
        match follow.next_batch(BATCH, PATIENCE).await {
            Ok(batch) if batch.is_empty() => {
                return Err(CommandError::NotReachable(LogSilent(seen).into()));
            }
            Ok(batch) => {
                for entry in batch.iter().filter(|entry| entry.sequence() <= last) {
                    tally.read(entry.subject());
                    seen = entry.sequence();
                }
                seen = batch.last().map_or(seen, LogEntry::sequence);
            }
            Err(FollowError::Gap { sequence }) => {
                if missing.len() == MOST_NAMED {
                    return Ok((missing, true));
                }
                missing.push(sequence);
                seen = sequence;
                follow = log.follow(seen);
            }
            Err(error) => return Err(error.into()),
        }
        if TELL_EVERY < told.elapsed() {
            told = Instant::now();
            output.remark(&format!("reading the log: event {seen} of {last}"))?;
        }
    }
    Ok((missing, false))
}
