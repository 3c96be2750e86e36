//! What is known of a history that lacks events.
//!
//! nats-server answers for a record that is damaged on its disk as for one that never was, and its
//! guard against concurrent writers takes such a subject for an empty one. It goes on counting the
//! record, which is how the damage shows.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use assent_contract::event_hash::{self, ChainLink};
use assent_contract::names::EVENT_STREAM;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::SubjectCount;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use super::reading::{Read, Reading};
use super::{ReadError, broken, remaining};
use crate::EventLog;
use crate::history::{History, RecordedEvent, Tail};

/// How often the server is asked what it counts, while others append between each question and the next.
const LOOKS: usize = 64;
/// How many sequences are asked for one by one to find which are missing.
const MOST_LOOKED_AT: u64 = 64;
/// How many of them at once.
const AT_ONCE: usize = 16;

/// The events of an aggregate that the server counts and does not give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event log is damaged: {}, {missing}", self.extent())]
pub struct Damage {
    /// Whose events they are.
    pub aggregate: Aggregate,
    /// The subject they are stored on.
    pub subject: String,
    /// The server that does not give them.
    pub server: String,
    /// How many messages can be read, or are void.
    pub found: u64,
    /// How many the server counts.
    pub counted: u64,
    /// How many events the server knows to be gone, of whichever aggregate.
    pub lost: u64,
    /// Where the others are.
    pub missing: Missing,
    /// The last events, from where nothing is missing any more, as if there were no others; none where
    /// the very last one is missing.
    pub latest: History,
    /// What a revocation is appended to all the same: the last event that can be read, and the
    /// sequence that the server takes for the last one.
    pub tail: Tail,
}

impl Damage {
    fn extent(&self) -> String {
        let Self {
            found,
            counted,
            lost,
            subject,
            ..
        } = self;
        if counted <= found {
            return format!("{lost} events are lost, and some may be of {subject}");
        }
        let missing = counted.saturating_sub(*found);
        format!("{missing} of {counted} events on {subject} can't be read")
    }
}

/// Where events are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Just these.
    At(Vec<Sequence>),
    /// Somewhere after the one and before the other.
    Between(Sequence, Sequence),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(sequences) => {
                f.write_str("at sequence ")?;
                for (index, sequence) in sequences.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{sequence}")?;
                }
                Ok(())
            }
            Self::Between(after, before) => {
                write!(f, "somewhere between sequence {after} and {before}")
            }
        }
    }
}

impl EventLog {
    /// Reads a history in which something may be missing: what of it the leader gives, and whether
    /// that is all.
    pub(super) async fn read_carefully(
        &self,
        aggregate: &Aggregate,
    ) -> Result<Arc<History>, ReadError> {
        let mut reading = Reading::new(self, aggregate, Arc::default());
        let mut readable = Readable::default();
        for _ in 0..LOOKS {
            // One after the other: the count has all that was the last one before, and nothing that came after the one
            // that is the last afterwards. So what others append meanwhile neither looks like damage nor makes up for it.
            reading.renew_deadline();
            let before = reading.last_sequence().await?;
            let counted = reading.count().await?;
            let last = reading.last_sequence().await?;
            self.read_readable(&mut reading, &mut readable, &counted, last)
                .await?;
            let found = readable.history.found();
            if counted.messages <= readable.history.found_through(before)
                || found < counted.messages
            {
                return self.judge(&reading, counted, last, readable).await;
            }
            if before == Sequence(0) && last == before {
                // Nobody appends: another server gave what the leader counts and does not give. What is decided has to be
                // appended past the leader's damage, so it is read as the leader has it.
                reading = Reading::new(self, aggregate, Arc::default());
                reading.leave_batches();
                readable = Readable::default();
            }
        }
        let description = "others append all the while".to_owned();
        Err(JetStreamError::Unavailable { description }.into())
    }

    /// Whether all that could be read is all that the server counted.
    async fn judge(
        &self,
        reading: &Reading<'_>,
        counted: SubjectCount,
        last: Sequence,
        mut readable: Readable,
    ) -> Result<Arc<History>, ReadError> {
        readable.end();
        let found = readable.history.found();
        let lost_up_to = if counted.missing == 0 {
            Sequence(0)
        } else {
            reading.last_lost().await?
        };
        let end_is_lost = readable.history.last_event() < lost_up_to;
        let is_all_counted = counted.messages <= found;
        if is_all_counted && (counted.missing == 0 || (readable.gaps.is_empty() && !end_is_lost)) {
            return match readable.broken_at {
                Some(sequence) => Err(broken(reading.aggregate, sequence)),
                None => Ok(Arc::new(readable.history)),
            };
        }
        let tail = Tail {
            sequence: last,
            hash: readable.history.tail.hash,
        };
        if is_all_counted && end_is_lost {
            readable.end_at(Sequence(lost_up_to.0.saturating_add(1)));
        } else if last == Sequence(0) || readable.history.tail.sequence != last {
            // The server finds no last event, or another than the one that comes last.
            let end = self.status().await?.last_sequence;
            readable.end_at(Sequence(end.0.saturating_add(1)));
        }
        let missing = counted.messages.saturating_sub(found);
        let missing = self.find(&readable, missing, reading.deadline()).await?;
        Err(ReadError::Damaged(Box::new(Damage {
            aggregate: reading.aggregate.clone(),
            subject: reading.subject.clone(),
            server: self.server(),
            found,
            counted: counted.messages,
            lost: counted.missing,
            latest: readable.latest(&missing),
            missing,
            tail,
        })))
    }

    /// Reads on up to the last message.
    async fn read_readable(
        &self,
        reading: &mut Reading<'_>,
        readable: &mut Readable,
        counted: &SubjectCount,
        last: Sequence,
    ) -> Result<(), ReadError> {
        // Where the last one is damaged the server finds none.
        let through = match last {
            Sequence(0) if counted.messages != 0 => self.status().await?.last_sequence,
            last => last,
        };
        while readable.history.tail.sequence < through
            && let Some(read) = reading.next_for_sure(&readable.history, through).await?
        {
            match read {
                Read::Event(event) => readable.add(event),
                Read::Other(entry, unreadable) => {
                    let void = self.void_of(&entry).await?.ok_or(unreadable)?;
                    readable.history.pass_over(void);
                }
            }
        }
        Ok(())
    }

    /// Looks where events must be missing; and where they may be, if these are not all. Small
    /// stretches only.
    async fn find(
        &self,
        readable: &Readable,
        missing: u64,
        deadline: Instant,
    ) -> Result<Missing, ReadError> {
        let everywhere = [&readable.gaps[..], &readable.doubtful[..]].concat();
        for stretches in [&readable.gaps, &everywhere] {
            let found = self.missing_in(stretches, deadline).await?;
            // Of what the server counts no more, nobody can tell whose it was.
            if missing != 0 && u64::try_from(found.len()) == Ok(missing) {
                return Ok(Missing::At(found));
            }
        }
        let first = everywhere.iter().map(|stretch| stretch.start).min();
        let end = everywhere.iter().map(|stretch| stretch.end).max();
        Ok(Missing::Between(
            Sequence(first.unwrap_or_default().saturating_sub(1)),
            Sequence(end.unwrap_or(u64::MAX)),
        ))
    }

    /// Which sequences in these stretches the server has nothing at; none if they are too long.
    async fn missing_in(
        &self,
        stretches: &[Range<u64>],
        deadline: Instant,
    ) -> Result<Vec<Sequence>, ReadError> {
        let length = |stretch: &Range<u64>| stretch.end.saturating_sub(stretch.start);
        let size: u64 = stretches.iter().map(length).sum();
        if MOST_LOOKED_AT < size {
            return Ok(Vec::new());
        }
        let mut sequences: Vec<u64> = stretches.iter().cloned().flatten().collect();
        sequences.sort_unstable();
        let looked_at = stream::iter(sequences).map(async |sequence| {
            let found = self
                .connection
                .message_at(EVENT_STREAM, sequence, remaining(deadline));
            let there = found.await?;
            Ok::<_, ReadError>(there.is_none().then_some(Sequence(sequence)))
        });
        let found: Vec<_> = looked_at.buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// What can be read of a history, and where something is missing from it.
#[derive(Default)]
struct Readable {
    history: History,
    /// The sequences before an event that does not follow on the one before it.
    gaps: Vec<Range<u64>>,
    /// The sequences before an event that does, but might have been recorded past damage.
    doubtful: Vec<Range<u64>>,
    /// Which event is the first that surely nothing is missing after.
    latest: usize,
    /// The first event that names none of those before it.
    broken_at: Option<Sequence>,
}

impl Readable {
    fn add(&mut self, event: RecordedEvent) {
        let link = self.history.link(&event);
        let stretch = self.gap_before(event.sequence);
        match link {
            Some(ChainLink::Next) => {}
            Some(ChainLink::PastDamage) => self.history.past_damage.push(event.sequence),
            None => self.broken_at = self.broken_at.or(Some(event.sequence)),
        }
        let may_pass_damage = event_hash::may_pass_damage(&event.decoded.event);
        if link != Some(ChainLink::Next) {
            self.gaps.push(stretch);
        } else if may_pass_damage {
            self.doubtful.push(stretch);
        }
        if link != Some(ChainLink::Next) || may_pass_damage {
            self.latest = self.history.events().len();
        }
        self.history.add(Arc::new(event));
    }

    /// No event follows that would tell whether one is missing before what is void at the end.
    fn end(&mut self) {
        let last = self.history.tail.sequence;
        if self.history.last_event() < last {
            self.latest = self.history.events().len();
            self.doubtful.push(self.gap_before(last));
        }
    }

    /// The last event is missing too, somewhere before this sequence.
    fn end_at(&mut self, end: Sequence) {
        self.latest = self.history.events().len();
        self.gaps.push(self.gap_before(end));
    }

    /// The sequences from the last event to another. What is void between them is there, so it is
    /// not found missing.
    fn gap_before(&self, end: Sequence) -> Range<u64> {
        self.history.last_event().0.saturating_add(1)..end.0
    }

    fn latest(&self, missing: &Missing) -> History {
        let events = self.history.events().iter().cloned();
        match missing {
            Missing::At(sequences) => {
                let last = sequences.iter().max().copied().unwrap_or_default();
                events.filter(|event| last < event.sequence).collect()
            }
            Missing::Between(..) => events.skip(self.latest).collect(),
        }
    }
}
