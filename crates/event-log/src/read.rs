//! All that happened to one account or user.
//!
//! It is read from the stream's leader, message by message. Direct gets and consumers are faster
//! for many, but may answer from a replica that lags, and a decision must not be made on that.

use std::error::Error;

use assent_contract::chain::EventHash;
use assent_contract::codec::{DecodedEvent, Unreadable};
use assent_contract::names::event_subject;
use assent_contract::operation::VoidRecord;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use tokio::time::Instant;

use crate::EventLog;
use crate::api::{self, Get};
use crate::entry::LogEntry;

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
    /// The stream is not there.
    #[error("the stream of consent events is not there")]
    NotThere,
    /// There is no connection, or no JetStream behind it.
    #[error("the event log can't be reached")]
    NotReachable,
    /// No answer in time.
    #[error("the event log did not answer in time")]
    TimedOut,
    /// The server denies it to this user.
    #[error("this user may not read the event log: {complaint}")]
    NotPermitted {
        /// What the server said.
        complaint: String,
    },
    /// The server answered that it can't.
    #[error("the event log answered {code}: {description}")]
    Refused {
        /// JetStream's number of the error.
        code: u64,
        /// What it says about it.
        description: String,
    },
    /// The server's answer can't be read.
    #[error("the event log's answer can't be read")]
    Nonsense(#[source] Box<dyn Error + Send + Sync>),
}

impl EventLog {
    /// Every event of one aggregate. Takes as many round trips as there are events, and one for an
    /// aggregate without any. An unreadable event or a broken chain fails the whole; a message that
    /// an operator declared void is passed over.
    pub async fn read(&self, aggregate: &Aggregate) -> Result<History, ReadError> {
        self.read_through(aggregate, Sequence(u64::MAX)).await
    }

    /// The same, up to a place in the log.
    pub(crate) async fn read_through(
        &self,
        aggregate: &Aggregate,
        through: Sequence,
    ) -> Result<History, ReadError> {
        let deadline = Instant::now() + self.deadline;
        let subject = event_subject(aggregate);
        let last = Get::Last {
            last_by_subj: &subject,
        };
        // Forward, event by event, up to the one that was the last when we began. That one is asked
        // for at the same time as the first.
        let (last, mut next) = tokio::try_join!(
            api::get(&self.connection, &last, self.deadline),
            self.first_after(&subject, Sequence(0), deadline),
        )?;
        let last = last.map_or(Sequence(0), |last| last.sequence());
        let mut history = History {
            events: Vec::new(),
            voids: Vec::new(),
            tail: Tail::EMPTY,
        };
        while history.tail.sequence < last {
            if next.is_none() {
                next = self
                    .first_after(&subject, history.tail.sequence, deadline)
                    .await?;
            }
            // None: the last event was there a moment ago.
            let entry = next.take().ok_or_else(|| broken(aggregate, last))?;
            if through < entry.sequence() {
                break;
            }
            match recorded(aggregate, &entry) {
                Ok(event) => history.push(aggregate, event)?,
                Err(unreadable) => match self.void_of(&entry).await? {
                    Some(void) => history.pass_over(void),
                    None => return Err(unreadable),
                },
            }
        }
        Ok(history)
    }

    /// One stored message, whatever it is: to see whether a sequence still means what it meant.
    pub async fn entry(&self, sequence: Sequence) -> Result<Option<LogEntry>, ReadError> {
        if sequence.0 == 0 {
            return Ok(None);
        }
        api::get(
            &self.connection,
            &Get::At { seq: sequence.0 },
            self.deadline,
        )
        .await
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

    /// The first event on the subject after a given one.
    pub(crate) async fn first_after(
        &self,
        subject: &str,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<Option<LogEntry>, ReadError> {
        let next = Get::Next {
            seq: sequence.0.saturating_add(1),
            next_by_subj: subject,
        };
        let remaining = deadline.saturating_duration_since(Instant::now());
        api::get(&self.connection, &next, remaining).await
    }
}

impl History {
    fn push(&mut self, aggregate: &Aggregate, event: RecordedEvent) -> Result<(), ReadError> {
        if event.decoded.metadata.previous != self.tail.hash {
            return Err(broken(aggregate, event.sequence));
        }
        self.tail = Tail {
            sequence: event.sequence,
            hash: event.hash,
        };
        self.events.push(event);
        Ok(())
    }

    fn pass_over(&mut self, void: VoidRecord) {
        self.tail.sequence = Sequence(void.sequence);
        self.voids.push(void);
    }
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
