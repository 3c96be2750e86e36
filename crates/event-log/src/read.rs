//! All that happened to one account or user.
//!
//! It is read from the stream's leader, message by message. Direct gets and consumers are faster
//! for many, but may answer from a replica that lags, and a decision must not be made on that.
//!
//! That the server gives no event, or none after the last one, is not believed by itself: a record
//! that is damaged on its disk is answered as if it had never been. The server still counts it, so
//! a history is believed only where it holds as many messages as are counted, those that are void
//! among them. What the server itself knows to be gone it counts no more; then only a history that
//! goes on after it, with an event, is believed.

pub mod damage;

use std::time::Duration;

use assent_contract::codec::{DecodedEvent, Unreadable};
use assent_contract::event_hash::{self, ChainLink, EventHash};
use assent_contract::names::{EVENT_STREAM, event_subject};
use assent_contract::operation::VoidRecord;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::SubjectCount;
use tokio::time::Instant;

use crate::EventLog;
use crate::entry::LogEntry;
use damage::Damage;

/// Where an aggregate ends: what the next event is appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The place of the last message on its subject, be it void; 0 if there is none yet. The server
    /// holds the next append against it.
    pub sequence: Sequence,
    /// The hash of the last event: a void message is nobody's predecessor.
    pub hash: EventHash,
}

impl Tail {
    /// No event yet.
    pub const EMPTY: Self = Self {
        sequence: Sequence(0),
        hash: EventHash::NONE,
    };
}

/// One event of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the log.
    pub sequence: Sequence,
    /// The event, with what is recorded beside it.
    pub decoded: DecodedEvent,
    /// Its hash.
    pub hash: EventHash,
}

/// All events of an aggregate, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// The messages between them that are void, in order.
    pub voids: Vec<VoidRecord>,
    /// What the next event is to be appended to.
    pub tail: Tail,
    /// Which of the events were recorded while the log was damaged, without knowing of those
    /// between the one they name and themselves. Each of them took something away.
    pub past_damage: Vec<Sequence>,
}

/// Why something was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An event that this program can't read. What it says may take a permission away, so nothing
    /// of the aggregate may be believed.
    #[error("event {sequence} of {aggregate:?} can't be read")]
    Unreadable {
        /// Whose event it is.
        aggregate: Aggregate,
        /// Its place in the log.
        sequence: Sequence,
        /// What is wrong with it.
        #[source]
        source: Unreadable,
    },
    /// An event that does not follow on the one before it: something was changed, dropped or
    /// slipped in.
    #[error("event {sequence} of {aggregate:?} does not follow on its predecessor")]
    BrokenChain {
        /// Whose event it is.
        aggregate: Aggregate,
        /// Its place in the log.
        sequence: Sequence,
    },
    /// The server counts more events of an aggregate than it gives: some are damaged on its disk.
    #[error(transparent)]
    Damaged(Box<Damage>),
    /// The stream is not there.
    #[error("the stream of consent events is not there")]
    NotThere,
    /// The log can't be asked, or refused.
    #[error("the event log can't be read")]
    JetStream(#[source] JetStreamError),
}

impl From<JetStreamError> for ReadError {
    fn from(error: JetStreamError) -> Self {
        match error {
            JetStreamError::StreamNotFound { .. } => Self::NotThere,
            error @ (JetStreamError::NotConnected
            | JetStreamError::TimedOut { .. }
            | JetStreamError::NobodyThere { .. }
            | JetStreamError::Unavailable { .. }
            | JetStreamError::NotPermitted { .. }
            | JetStreamError::TooLarge { .. }
            | JetStreamError::Refused { .. }
            | JetStreamError::Misunderstood { .. }) => Self::JetStream(error),
        }
    }
}

impl EventLog {
    /// Every event of one aggregate. Takes as many round trips as there are events; one more for
    /// an aggregate with one event or none. An unreadable event, a broken chain, or an event that
    /// is counted and not given fails the whole; a message that an operator declared void is passed
    /// over.
    pub async fn read(&self, aggregate: &Aggregate) -> Result<History, ReadError> {
        let subject = event_subject(aggregate);
        let mut reading = Reading {
            log: self,
            deadline: Instant::now() + self.deadline,
            subject: &subject,
            aggregate,
            history: History::default(),
        };
        let mut at_least = None;
        loop {
            let counted = match reading.go_on().await {
                Ok(counted) => counted,
                Err(ReadError::BrokenChain { sequence, .. }) => {
                    let damage = self.damage(aggregate).await?;
                    return Err(damage.unwrap_or_else(|| broken(aggregate, sequence)));
                }
                Err(error) => return Err(error),
            };
            let found = reading.history.found();
            if counted.messages <= found {
                if counted.missing == 0 {
                    return Ok(reading.history);
                }
                return match self.damage(aggregate).await? {
                    Some(damage) => Err(damage),
                    None => Ok(reading.history),
                };
            }
            // What was counted before reading began was there to be read.
            if at_least.is_some_and(|at_least| found < at_least)
                && let Some(damage) = self.damage(aggregate).await?
            {
                return Err(damage);
            }
            // Something may have been appended just now.
            at_least = Some(counted.messages);
        }
    }

    /// One stored message, whatever it is: to see whether a sequence still means what it meant.
    pub async fn entry(&self, sequence: Sequence) -> Result<Option<LogEntry>, ReadError> {
        if sequence.0 == 0 {
            return Ok(None);
        }
        let found = self
            .connection
            .message_at(EVENT_STREAM, sequence.0, self.deadline);
        Ok(found.await?.map(LogEntry::from))
    }

    /// The first message of an account or user after a place in the log, whatever it is.
    pub async fn next_of(
        &self,
        aggregate: &Aggregate,
        after: Sequence,
    ) -> Result<Option<LogEntry>, ReadError> {
        let deadline = Instant::now() + self.deadline;
        let subject = event_subject(aggregate);
        self.first_after(&subject, after, deadline).await
    }

    /// The first message on the subject after a given one.
    pub(crate) async fn first_after(
        &self,
        subject: &str,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<Option<LogEntry>, ReadError> {
        let (from, time_left) = (sequence.0.saturating_add(1), remaining(deadline));
        let next = self
            .connection
            .next_message(EVENT_STREAM, subject, from, time_left);
        Ok(next.await?.map(LogEntry::from))
    }

    /// The last message on the subject, as the server finds it; 0 if it finds none.
    async fn last_on(&self, subject: &str, deadline: Instant) -> Result<Sequence, ReadError> {
        let last = self
            .connection
            .last_message(EVENT_STREAM, subject, remaining(deadline));
        Ok(Sequence(last.await?.map_or(0, |last| last.sequence())))
    }

    /// How many messages the server counts on the subject, readable or not.
    pub(crate) async fn count(
        &self,
        subject: &str,
        deadline: Instant,
    ) -> Result<SubjectCount, ReadError> {
        let counted = self
            .connection
            .count_messages(EVENT_STREAM, subject, remaining(deadline));
        Ok(counted.await?)
    }
}

/// The reading of one history.
struct Reading<'a> {
    log: &'a EventLog,
    deadline: Instant,
    subject: &'a str,
    aggregate: &'a Aggregate,
    history: History,
}

impl Reading<'_> {
    /// Forward, message by message, up to the one that is the last when it begins; then, how many
    /// the server counts. It is asked only once the last one is known, so it counts that one too.
    async fn go_on(&mut self) -> Result<SubjectCount, ReadError> {
        let (last, mut next) = tokio::try_join!(
            self.log.last_on(self.subject, self.deadline),
            self.next_message()
        )?;
        let mut counted = None;
        while self.history.tail.sequence < last {
            if next.is_none() {
                if counted.is_some() {
                    next = self.next_message().await?;
                } else {
                    let both = tokio::try_join!(self.next_message(), self.count())?;
                    (next, counted) = (both.0, Some(both.1));
                }
            }
            // None: the last event was there a moment ago.
            let entry = next.take().ok_or_else(|| broken(self.aggregate, last))?;
            match recorded(self.aggregate, &entry) {
                Ok(event) => self.history.push(self.aggregate, event)?,
                Err(unreadable) => match self.log.void_of(&entry).await? {
                    Some(void) => self.history.pass_over(void),
                    None => return Err(unreadable),
                },
            }
        }
        match counted {
            Some(counted) => Ok(counted),
            None => self.count().await,
        }
    }

    async fn next_message(&self) -> Result<Option<LogEntry>, ReadError> {
        let after = self.history.tail.sequence;
        self.log
            .first_after(self.subject, after, self.deadline)
            .await
    }

    async fn count(&self) -> Result<SubjectCount, ReadError> {
        self.log.count(self.subject, self.deadline).await
    }
}

impl Default for History {
    /// The history of an aggregate that nothing has happened to.
    fn default() -> Self {
        Self {
            events: Vec::new(),
            voids: Vec::new(),
            tail: Tail::EMPTY,
            past_damage: Vec::new(),
        }
    }
}

impl History {
    /// How many messages there are: the server counts them, be they void.
    fn found(&self) -> u64 {
        let found = self.events.len().saturating_add(self.voids.len());
        u64::try_from(found).unwrap_or(u64::MAX)
    }

    /// The place of the last event; 0 if there is none. What is void after it says nothing of what
    /// came between.
    fn last_event(&self) -> Sequence {
        let last = self.events.last();
        last.map_or(Sequence(0), |event| event.sequence)
    }

    fn push(&mut self, aggregate: &Aggregate, event: RecordedEvent) -> Result<(), ReadError> {
        match self.link(&event) {
            Some(ChainLink::Next) => {}
            Some(ChainLink::PastDamage) => self.past_damage.push(event.sequence),
            None => return Err(broken(aggregate, event.sequence)),
        }
        self.add(event);
        Ok(())
    }

    /// How an event is tied to these.
    fn link(&self, event: &RecordedEvent) -> Option<ChainLink> {
        let before = self.events.iter().map(|event| event.hash);
        let previous = event.decoded.metadata.previous;
        event_hash::chain_link(&event.decoded.event, previous, before)
    }

    fn add(&mut self, event: RecordedEvent) {
        self.tail = Tail {
            sequence: event.sequence,
            hash: event.hash,
        };
        self.events.push(event);
    }

    fn pass_over(&mut self, void: VoidRecord) {
        self.tail.sequence = Sequence(void.sequence);
        self.voids.push(void);
    }
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn recorded(aggregate: &Aggregate, entry: &LogEntry) -> Result<RecordedEvent, ReadError> {
    let decoded = entry.decode().map_err(|source| ReadError::Unreadable {
        aggregate: aggregate.clone(),
        sequence: entry.sequence(),
        source,
    })?;
    Ok(RecordedEvent {
        sequence: entry.sequence(),
        decoded,
        hash: entry.hash(),
    })
}

fn broken(aggregate: &Aggregate, sequence: Sequence) -> ReadError {
    ReadError::BrokenChain {
        aggregate: aggregate.clone(),
        sequence,
    }
}
