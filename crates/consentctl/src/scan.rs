//! Reading the log from end to end, in order.

use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, Follow, LogEntry};

use crate::exit::CommandError;

/// How many events are taken at a time.
const BATCH: usize = 1024;

/// A log that says that it holds more, and gives nothing for this long, can't be reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// The error of a log that stopped answering.
#[derive(Debug, thiserror::Error)]
#[error("the event log gave nothing after event {after}, although it holds {last}")]
struct LogSilent {
    after: Sequence,
    last: Sequence,
}

/// A reading of all events of a range.
#[derive(Debug)]
pub(crate) struct Scan {
    follow: Follow,
    seen: Sequence,
    last: Sequence,
}

impl Scan {
    /// Begins at an event, and ends at `to`, or at the event that is the last one now.
    pub(crate) async fn begin(
        log: &EventLog,
        from: Sequence,
        to: Option<Sequence>,
    ) -> Result<Self, CommandError> {
        let there = log.status().await?.last_sequence;
        let seen = Sequence(from.0.saturating_sub(1));
        Ok(Self {
            follow: log.follow(seen),
            seen,
            last: to.map_or(there, |to| to.min(there)),
        })
    }

    /// Reads the next events; an empty batch is the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<LogEntry>, CommandError> {
        if self.last <= self.seen {
            return Ok(Vec::new());
        }
        let mut batch = self.follow.next_batch(BATCH, PATIENCE).await?;
        let Some(entry) = batch.last() else {
            let silent = LogSilent {
                after: self.seen,
                last: self.last,
            };
            return Err(CommandError::NotReachable(silent.into()));
        };
        self.seen = entry.sequence();
        batch.retain(|entry| entry.sequence() <= self.last);
        Ok(batch)
    }
}
