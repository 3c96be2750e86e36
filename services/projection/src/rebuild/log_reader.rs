//! The log from the beginning, given out up to a place and no further.

use std::collections::VecDeque;
use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, Follow, FollowError, LogEntry};

const PATIENCE: Duration = Duration::from_millis(500);

/// Follows the log; what comes from beyond the place that was asked for waits here.
#[derive(Debug)]
pub(super) struct LogReader {
    follow: Follow,
    ahead: VecDeque<LogEntry>,
}

impl LogReader {
    pub(super) fn from_the_beginning(log: &EventLog) -> Self {
        Self {
            follow: log.follow(Sequence(0)),
            ahead: VecDeque::new(),
        }
    }

    /// The next entries, up to `through` and as many as `most`; none where nothing came in time. It may be cancelled
    /// without losing anything.
    pub(super) async fn next(
        &mut self,
        through: Sequence,
        most: usize,
    ) -> Result<Vec<LogEntry>, FollowError> {
        if self.ahead.is_empty() {
            self.ahead
                .extend(self.follow.next_batch(most, PATIENCE).await?);
        }
        let mut next = Vec::new();
        while next.len() < most {
            let Some(entry) = self.ahead.pop_front_if(|entry| entry.sequence() <= through) else {
                break;
            };
            next.push(entry);
        }
        Ok(next)
    }
}
