//! Reading every message of the log once, in order, past those that are missing.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, Follow, FollowError, LogEntry, StreamStatus};

use crate::exit::CommandError;
use crate::output::Output;

/// How many messages are taken at a time.
const BATCH: usize = 1024;
/// A log that holds more and gives nothing for this long can't be reached.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is told how far reading is.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// After so many stretches of missing messages nothing more is read: each is found by asking for a message alone.
const MOST_MISSING: usize = 20;

/// The error of a log that went silent.
#[derive(Debug, thiserror::Error)]
#[error("the event log gave nothing after message {after}, although it holds {last}")]
struct LogSilent {
    after: Sequence,
    last: Sequence,
}

/// What comes next in the log.
#[derive(Debug)]
pub(crate) enum Step {
    /// The next messages.
    Messages(Vec<LogEntry>),
    /// The server counts messages with these sequences and does not give them.
    Missing(RangeInclusive<u64>),
    /// So many are missing that the rest was not read.
    TooManyMissing,
    /// That was the last one.
    End,
}

/// A reading of the whole log, up to the message that is the last when it begins.
#[derive(Debug)]
pub(crate) struct Walk {
    log: EventLog,
    follow: Follow,
    seen: Sequence,
    last: Sequence,
    /// What the server has not from the beginning.
    first: Sequence,
    missing: usize,
    told: Instant,
}

impl Walk {
    /// Begins with the first message.
    pub(crate) fn begin(log: &EventLog, status: &StreamStatus) -> Self {
        Self {
            log: log.clone(),
            follow: log.follow(Sequence(0)),
            seen: Sequence(0),
            last: status.last_sequence,
            first: status.first_sequence,
            missing: 0,
            told: Instant::now(),
        }
    }

    /// The message that was read last.
    pub(crate) const fn seen(&self) -> Sequence {
        self.seen
    }

    /// Reads on, and tells how far it is every now and then.
    pub(crate) async fn next(&mut self, output: &mut Output) -> Result<Step, CommandError> {
        if self.last <= self.seen {
            return Ok(Step::End);
        }
        if MOST_MISSING <= self.missing {
            return Ok(Step::TooManyMissing);
        }
        if TELL_EVERY < self.told.elapsed() {
            self.told = Instant::now();
            let (seen, last) = (self.seen, self.last);
            output.remark(&format!("reading the log: message {seen} of {last}"))?;
        }
        let next = self.seen.0.saturating_add(1);
        if next < self.first.0 {
            return Ok(self.skip(next..=self.first.0.min(self.last.0 + 1).saturating_sub(1)));
        }
        match self.follow.next_batch(BATCH, PATIENCE).await {
            Ok(mut batch) => {
                let Some(entry) = batch.last() else {
                    let (after, last) = (self.seen, self.last);
                    return Err(CommandError::NotReachable(LogSilent { after, last }.into()));
                };
                self.seen = entry.sequence();
                batch.retain(|entry| entry.sequence() <= self.last);
                Ok(Step::Messages(batch))
            }
            Err(FollowError::Gap { sequence }) => Ok(self.skip(sequence.0..=sequence.0)),
            Err(error) => Err(error.into()),
        }
    }

    fn skip(&mut self, missing: RangeInclusive<u64>) -> Step {
        self.seen = Sequence(*missing.end());
        self.follow = self.log.follow(self.seen);
        self.missing += 1;
        Step::Missing(missing)
    }
}
