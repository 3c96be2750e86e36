//! Adding events to an aggregate.
//!
//! What is guaranteed:
//!
//! - An event is stored only directly after the tail it was decided on: the server compares the
//!   subject's last sequence with the tail's before it stores.
//! - `Ok` means that the events are on the disk of the stream's leader and of a majority.
//! - The same drafts appended again at the same tail are never stored twice, however late.
//! - [`AppendError::NotReachable`] means that nothing was sent, so nothing can appear later.
//! - [`AppendError::OutcomeUnknown`] means that the events may be stored, now or when the
//!   connection is back, but never after another event was appended to the aggregate.
//! - Several events of one append are stored all together or not at all, with nothing between.
//! - Appends that come while others are being stored go together to the server, and each has its own answer.

pub(crate) mod group_commit;
mod message;
mod outcome;

use std::error::Error;

use assent_contract::names::APPENDED;
use assent_domain::event::Event;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::Append;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::EventLog;
use crate::append::group_commit::Sent;
use crate::history::Tail;
use crate::read::ReadError;

/// An event to append. The hash of its predecessor is filled in from the tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The event's own id, by which a repeated append is recognised.
    pub id: Uuid,
    /// When it happened.
    pub time: Timestamp,
    /// The trace that it is recorded in.
    pub traceparent: Option<String>,
    /// What happened.
    pub event: Event,
}

/// What was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The places in the log, one for each draft.
    pub sequences: Vec<Sequence>,
    /// What the aggregate's next event is to be appended to.
    pub tail: Tail,
}

/// Why nothing was appended, or why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another event was appended after the tail. Nothing was stored; read and decide again.
    #[error("another event was appended first")]
    Conflict,
    /// No answer, and the log did not say either: the events may be stored, now or later.
    /// Appending the same drafts at the same tail again finds out.
    #[error("it is not known whether the events were appended")]
    OutcomeUnknown {
        /// Why the log did not say, where it was asked.
        #[source]
        source: Option<ReadError>,
    },
    /// There is no connection, or no JetStream behind it, or more waits than can be sent in time. Nothing was stored,
    /// or will be.
    #[error("the event log can't be reached")]
    NotReachable,
    /// The log, or the server that keeps it, holds as much as it may. Nothing was stored.
    #[error("the event log is full")]
    Full(#[source] JetStreamError),
    /// The server denies it to this user. Nothing was stored.
    #[error("this user may not append to the event log: {complaint}")]
    NotPermitted {
        /// What the server said.
        complaint: String,
    },
    /// An event is larger than the server takes. Nothing was stored.
    #[error("an event is too large for the event log")]
    TooLarge,
    /// The drafts are of several aggregates. Nothing was sent.
    #[error("the events are not of one account or user")]
    MixedAggregates,
    /// Another event has the id already, or one of the ids if there are several drafts. Nothing was
    /// stored.
    #[error("another event has the id {id}, or one appended with it, already")]
    IdInUse {
        /// The id of the first draft.
        id: Uuid,
    },
    /// A draft can't be written as a message. Nothing was sent.
    #[error("an event can't be encoded")]
    CannotEncode(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered that it can't. Nothing was stored.
    #[error("the event log took no event")]
    Refused(#[source] JetStreamError),
}

impl EventLog {
    /// Appends events of one aggregate after its tail: all or none. One event is one acknowledged
    /// message, more are an atomic batch.
    pub async fn append(&self, tail: Tail, drafts: Vec<Draft>) -> Result<Appended, AppendError> {
        let deadline = Instant::now() + self.deadline;
        let (prepared, append) = message::prepare(tail, drafts)?;
        if prepared.is_empty() {
            return Ok(Appended {
                sequences: Vec::new(),
                tail,
            });
        }
        let pending = outcome::Pending {
            log: self,
            tail,
            prepared: &prepared,
            deadline,
        };
        // What may happen to an append is a large future, which would be part of all that waits for it.
        let appended = Box::pin(self.send_and_await(append, &pending)).await?;
        if let Some(first) = prepared.first() {
            let end = appended.tail.sequence.0;
            self.group_commit.note_end(&first.subject, end);
        }
        Ok(appended)
    }

    async fn send_and_await(
        &self,
        append: Append,
        pending: &outcome::Pending<'_>,
    ) -> Result<Appended, AppendError> {
        let deadline = pending.deadline;
        let sent = self
            .group_commit
            .send(&self.connection, append.clone(), deadline);
        let (mut ack, turn) = match sent.await? {
            Sent::Alone { ack, turn } => (ack, turn),
            Sent::Together(mut share) => {
                // Whoever waits for the batch's acknowledgement tells the followers.
                if let Some(appended) = pending.await_share(&mut share).await? {
                    return Ok(appended);
                }
                let ack = self.connection.send_append(append, deadline).await;
                (ack.map_err(not_sent)?, None)
            }
        };
        let appended = pending.await_ack(&mut ack).await?;
        drop(turn);
        self.tell_followers(deadline).await;
        Ok(appended)
    }

    /// Lets those who follow the log know that there is more. They find it without being told, only
    /// a little later, so a hint that can't be sent is no error.
    async fn tell_followers(&self, deadline: Instant) {
        let hint = self.connection.publish(APPENDED, &[], Bytes::new());
        drop(timeout_at(deadline, hint).await);
    }
}

fn not_sent(error: JetStreamError) -> AppendError {
    match error {
        JetStreamError::TooLarge { .. } => AppendError::TooLarge,
        JetStreamError::Misunderstood { source, .. } => AppendError::CannotEncode(source),
        JetStreamError::NotConnected
        | JetStreamError::TimedOut { .. }
        | JetStreamError::NobodyThere { .. }
        | JetStreamError::Unavailable { .. }
        | JetStreamError::StreamNotFound { .. }
        | JetStreamError::NotPermitted { .. }
        | JetStreamError::Refused { .. } => AppendError::NotReachable,
    }
}
