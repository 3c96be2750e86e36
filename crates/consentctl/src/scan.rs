//! The log from end to end, in order.

use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, Follow, LogEntry};

use crate::ending::Failure;

/// How many events are taken at a time.
const BATCH: usize = 1024;

/// A log that says that it holds more, and gives nothing for this long, can't be reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// The log stopped answering.
#[derive(Debug, thiserror::Error)]
#[error("the event log gave nothing after event {after}, although it holds {last}")]
struct Silent {
    after: Sequence,
    last: Sequence,
}

/// The events from one to another that is there.
#[derive(Debug)]
pub(crate) struct Scan {
    follow: Follow,
    seen: Sequence,
    last: Sequence,
}

impl Scan {
    /// From an event on, to another one or to what is the last one now.
    pub(crate) async fn begin(
        log: &EventLog,
        from: Sequence,
        to: Option<Sequence>,
    ) -> Result<Self, Failure> {
        let there = log.status().await?.last_sequence;
        let seen = Sequence(from.0.saturating_sub(1));
        Ok(Self {
            follow: log.follow(seen),
            seen,
            last: to.map_or(there, |to| to.min(there)),
        })
    }

    /// The next events; none when all were given.
    pub(crate) async fn next(&mut self) -> Result<Vec<LogEntry>, Failure> {
        if self.last <= self.seen {
            return Ok(Vec::new());
        }
        let mut batch = self.follow.next_batch(BATCH, PATIENCE).await?;
        let Some(entry) = batch.last() else {
            let silent = Silent {
                after: self.seen,
                last: self.last,
            };
            return Err(Failure::NotReachable(silent.into()));
        };
        self.seen = entry.sequence();
        batch.retain(|entry| entry.sequence() <= self.last);
        Ok(batch)
    }
}
