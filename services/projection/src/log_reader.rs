//! Reading the log from its first message on, as it is to be compared: what the server that leads gives.
//!
//! Where there is one server, it leads, and batches are the fast way to read it. Of several, any answers for a batch, and what one
//! of them lost another still has; so the one that leads is asked for each message by itself.

use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, Follow, FollowError, LogEntry};
use futures::{StreamExt as _, TryStreamExt as _};

/// How many messages are read before others get their turn.
const BATCH: usize = 1024;
const PATIENCE: Duration = Duration::from_millis(500);
const LEADERS_BATCH: u64 = 1024;
/// How many messages the leader is asked for at once.
const AT_ONCE: usize = 32;

/// Reads on, batch by batch.
#[derive(Debug)]
pub(crate) enum LogReader {
    OnlyServer(Box<Follow>),
    Leader { log: EventLog, last: u64 },
}

impl LogReader {
    /// Begins with the first message; `replicas` is on how many servers the log is.
    pub(crate) fn begin(log: &EventLog, replicas: usize) -> Self {
        if replicas <= 1 {
            Self::OnlyServer(Box::new(log.follow(Sequence(0))))
        } else {
            Self::Leader {
                log: log.clone(),
                last: 0,
            }
        }
    }

    /// What comes next, up to a message that the log is known to have had. [`FollowError::Gap`] names one that it gives no
    /// more.
    pub(crate) async fn next(&mut self, through: Sequence) -> Result<Vec<LogEntry>, FollowError> {
        match self {
            Self::OnlyServer(follow) => follow.next_batch(BATCH, PATIENCE).await,
            Self::Leader { log, last } => {
                let first = last.saturating_add(1);
                let end = through.0.min(last.saturating_add(LEADERS_BATCH));
                let asked = futures::stream::iter((first..=end).map(Sequence));
                let entries = asked.map(|sequence| fetch(log, sequence)).buffered(AT_ONCE);
                let entries: Vec<_> = entries.try_collect().await?;
                *last = end;
                Ok(entries)
            }
        }
    }
}

async fn fetch(log: &EventLog, sequence: Sequence) -> Result<LogEntry, FollowError> {
    if let Some(entry) = log.entry(sequence).await? {
        return Ok(entry);
    }
    // Once more: a leader that has just been elected may be about to step down again.
    let again = log.entry(sequence).await?;
    again.ok_or(FollowError::Gap { sequence })
}
