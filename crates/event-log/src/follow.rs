//! Every event from a given one on, for ever.
//!
//! The log is asked for what follows, in batches. What it gives is not trusted: a message that is not
//! the next one is dropped if it was had before, and otherwise means that something is missing. Then
//! it is asked again from where we are. If the message is left out again, it is fetched by itself, from
//! the stream's leader; and if it can't be, it is gone.

mod feed;

use std::mem;
use std::time::Duration;

use assent_domain::ids::Sequence;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::EventLog;
use crate::entry::LogEntry;
use crate::read::ReadError;
use crate::stream::StreamIdentity;
use feed::{Feed, Received};

/// How long the log is left alone while it can't be reached.
const PAUSE: Duration = Duration::from_millis(50);

/// How long, and how often, events are left to gather when there are many.
const GATHERING_PAUSE: Duration = Duration::from_millis(1);
const GATHERING_PAUSES: u8 = 4;

/// Why following ended. Nothing of this mends itself; everything else does.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// An event is not there, although later ones are.
    #[error("event {sequence} is missing from the log")]
    Gap {
        /// The message's sequence in the log.
        sequence: Sequence,
    },
    /// The stream was deleted and created anew: its sequences mean other events.
    #[error("the log was replaced: it was created {found}, not {expected}")]
    StreamReplaced {
        /// The log that was followed.
        expected: StreamIdentity,
        /// The one that is there now.
        found: StreamIdentity,
    },
    /// The log ends before what was read from it.
    #[error("the log ends at event {last}, but event {seen} was read from it")]
    RolledBack {
        /// The last event that was read.
        seen: Sequence,
        /// The last event that is there.
        last: Sequence,
    },
    /// The stream is gone.
    #[error("the stream of consent events is not there")]
    NotThere,
    /// The server denies it to this user, or answered that it can't.
    #[error("the event log can't be followed")]
    Refused(#[source] ReadError),
}

impl From<ReadError> for FollowError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotThere => Self::NotThere,
            error @ (ReadError::JetStream(_)
            | ReadError::Unreadable { .. }
            | ReadError::BrokenChain { .. }
            | ReadError::Damaged(_)) => Self::Refused(error),
        }
    }
}

/// Follows the log. It recovers from lost connections and restarted servers by itself.
#[derive(Debug)]
pub struct Follow {
    log: EventLog,
    /// The last event that was put into `ready`.
    last: Sequence,
    /// What was received and not given out yet: kept here, so that a cancelled call loses nothing.
    ready: Vec<LogEntry>,
    feed: Option<Feed>,
    /// A feed that began right after `last` skipped the event there.
    skipped: bool,
}

impl EventLog {
    /// Follows the log after an event that was read before; `Sequence(0)` begins with the first.
    pub fn follow(&self, after: Sequence) -> Follow {
        Follow {
            log: self.clone(),
            last: after,
            ready: Vec::new(),
            feed: None,
            skipped: false,
        }
    }
}

impl Follow {
    /// Waits for an event, then takes what is there already: few and at once when live, up to `max`
    /// when catching up, where a few milliseconds may pass to gather more. Empty when nothing came for `max_wait`, be it that nothing was
    /// appended or that the server can't be reached (finding that out may take longer than
    /// `max_wait`, by the deadline of a call or two). It may be cancelled without losing anything.
    pub async fn next_batch(
        &mut self,
        max: usize,
        max_wait: Duration,
    ) -> Result<Vec<LogEntry>, FollowError> {
        let deadline = Instant::now() + max_wait;
        loop {
            self.gather(max).await;
            if !self.ready.is_empty() {
                return Ok(mem::take(&mut self.ready));
            }
            if deadline <= Instant::now() {
                return Ok(Vec::new());
            }
            if let Some(feed) = &mut self.feed {
                if let Ok(received) = timeout_at(deadline, feed.next()).await {
                    self.accept(received);
                }
            } else {
                match self.resume().await {
                    // What can't be reached now is tried again, a little later.
                    Err(FollowError::Refused(ReadError::JetStream(error)))
                        if error.is_out_of_reach() =>
                    {
                        sleep_until(deadline.min(Instant::now() + PAUSE)).await;
                    }
                    resumed => resumed?,
                }
            }
        }
    }

    /// When the server has many more, taking them one by one as they come costs more than all else.
    async fn gather(&mut self, max: usize) {
        let mut pauses = GATHERING_PAUSES;
        loop {
            self.take_what_is_there(max);
            let Some(feed) = &mut self.feed else { break };
            feed.ask_on().await;
            let enough = self.ready.is_empty() || max <= self.ready.len();
            if enough || !feed.is_behind() || pauses == 0 {
                break;
            }
            pauses -= 1;
            sleep(GATHERING_PAUSE).await;
        }
    }

    fn take_what_is_there(&mut self, max: usize) {
        let had = self.ready.len();
        while self.ready.len() < max {
            let Some(received) = self.feed.as_mut().and_then(Feed::next_if_there) else {
                break;
            };
            self.accept(received);
        }
        if let Some(feed) = self.feed.as_mut().filter(|_| had < self.ready.len()) {
            feed.is_alive();
        }
    }

    fn accept(&mut self, received: Received) {
        let next = Sequence(self.last.0.saturating_add(1));
        match received {
            Received::Entry(entry) if entry.sequence() == next => {
                self.last = next;
                self.ready.push(entry);
            }
            Received::Entry(entry) if next < entry.sequence() => self.resync(),
            Received::Delivered(last) if next <= last => self.resync(),
            Received::Entry(_) | Received::Delivered(_) | Received::Nothing => {}
            Received::Ended => self.feed = None,
        }
    }

    /// Something is missing. A feed that began right here skipped it; otherwise it was lost on its
    /// way, and a new feed brings it.
    fn resync(&mut self) {
        tracing::warn!(after = self.last.0, "the log left something out");
        let feed = self.feed.take();
        self.skipped = feed.is_some_and(|feed| feed.began_after() == self.last);
    }

    /// Sees that the log is still the one that was followed, then goes on after the last event.
    async fn resume(&mut self) -> Result<(), FollowError> {
        let sequence = Sequence(self.last.0.saturating_add(1));
        // Fetched before it is seen whose events these are, so that they are of the log that was followed.
        let before = self.log.entry(self.last).await?;
        let left_out = if self.skipped {
            Some(self.log.entry(sequence).await?)
        } else {
            None
        };
        let status = self.log.status().await?;
        if status.created != self.log.identity {
            return Err(FollowError::StreamReplaced {
                expected: self.log.identity.clone(),
                found: status.created,
            });
        }
        if status.last_sequence < self.last {
            return Err(FollowError::RolledBack {
                seen: self.last,
                last: status.last_sequence,
            });
        }
        if let Some(fetched) = left_out {
            let entry = fetched.ok_or(FollowError::Gap { sequence })?;
            self.feed = Some(Feed::begin(&self.log, sequence, Some(&entry)).await?);
            self.skipped = false;
            self.accept(Received::Entry(entry));
            return Ok(());
        }
        self.feed = Some(Feed::begin(&self.log, self.last, before.as_ref()).await?);
        Ok(())
    }
}
