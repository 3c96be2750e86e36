//! Declaring a message void.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assent_contract::codec::Unreadable;
use assent_contract::event_hash::EventHash;
use assent_contract::names::OPERATION_STREAM;
use assent_contract::operation::VoidRecord;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::{Append, Expected, NewMessage};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::{MAX_VOID, is_about};
use crate::EventLog;
use crate::entry::LogEntry;
use crate::read::ReadError;

/// How many records are remembered; others are looked up each time.
const REMEMBERED: usize = 1024;

/// Before the types of all our events, whatever their version.
const OUR_TYPES: &str = "assent.consent.";

/// Why a message is not void.
#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    /// There is no message at this place.
    #[error("the log has no message {sequence}")]
    NotThere {
        /// The place.
        sequence: Sequence,
    },
    /// It can be read as an event. Whether it can follow on what is before it does not matter: it
    /// says something, and so it can never be passed over.
    #[error("message {sequence} can be read as an event")]
    IsAnEvent {
        /// The message's sequence in the log.
        sequence: Sequence,
    },
    /// It follows on its predecessor as an event does, and is of a type of ours that only a newer
    /// program knows.
    #[error("message {sequence} is an event of the type {event_type}, which a newer program reads")]
    IsNewerEvent {
        /// The message's sequence in the log.
        sequence: Sequence,
        /// What it says that it is.
        event_type: String,
    },
    /// As many are void as may be.
    #[error("{MAX_VOID} messages are void already")]
    TooMany,
    /// The log, or what operators did, can't be read.
    #[error("it can't be found out whether the message can be void")]
    Read(#[from] ReadError),
    /// There is no room for the record.
    #[error("there is no room for the record")]
    Full(#[source] JetStreamError),
    /// The record is not stored, or nobody knows. Declaring the message void again finds out.
    #[error("it is not known whether the record is stored")]
    OutcomeUnknown(#[source] Option<Box<dyn Error + Send + Sync>>),
}

impl EventLog {
    /// Declares a message void that is no event. The record, and whether it was there before: who
    /// was first is the one who is recorded.
    pub async fn declare_void(
        &self,
        sequence: Sequence,
        reason: &str,
        operator: &str,
        recorded_at: Timestamp,
    ) -> Result<(VoidRecord, bool), VoidError> {
        let entry = self.entry(sequence).await?;
        let entry = entry.ok_or(VoidError::NotThere { sequence })?;
        self.require_no_event(&entry).await?;
        if let Some(record) = self.void_of(&entry).await? {
            return Ok((record, true));
        }
        let there = self.operations().await?;
        if there.is_some_and(|there| MAX_VOID <= there.last_sequence.0) {
            return Err(VoidError::TooMany);
        }
        let record = VoidRecord {
            log: self.identity.as_str().to_owned(),
            sequence: sequence.0,
            subject: entry.subject().to_owned(),
            hash: entry.hash(),
            reason: reason.to_owned(),
            recorded_at,
            operator: operator.to_owned(),
        };
        let stored = self.store(&record).await;
        // Whatever the server said, or did not say: what counts is what is there now.
        match self.recorded_void(&entry).await? {
            Some(found) if is_about(&found, &entry) => {
                self.voids.remember(&found);
                let already = found != record;
                Ok((found, already))
            }
            Some(_) | None => Err(stored.err().unwrap_or(VoidError::OutcomeUnknown(None))),
        }
    }

    /// Records once more what was recorded about a message of the log that this one was exported from. It may be done
    /// before the message is there, and again.
    pub async fn restore_void(&self, record: &VoidRecord) -> Result<(), VoidError> {
        let record = VoidRecord {
            log: self.identity.as_str().to_owned(),
            ..record.clone()
        };
        let stored = self.store(&record).await;
        let subject = self.void_subject(Sequence(record.sequence));
        let found = self
            .connection
            .last_message(OPERATION_STREAM, &subject, self.deadline);
        let found = found.await.map_err(ReadError::from)?;
        match found.and_then(|found| self.record_of(&found.into())) {
            Some(found) if found == record => Ok(()),
            Some(_) | None => Err(stored.err().unwrap_or(VoidError::OutcomeUnknown(None))),
        }
    }

    async fn require_no_event(&self, entry: &LogEntry) -> Result<(), VoidError> {
        let sequence = entry.sequence();
        match entry.decode() {
            Ok(_) => Err(VoidError::IsAnEvent { sequence }),
            Err(Unreadable::UnknownType(event_type))
                if event_type.starts_with(OUR_TYPES) && self.is_in_its_place(entry).await? =>
            {
                Err(VoidError::IsNewerEvent {
                    sequence,
                    event_type,
                })
            }
            Err(_) => Ok(()),
        }
    }

    /// Whether the message names a message before it, or none, as an event does that a gateway
    /// appended. Where not all that is before it can be read, it counts as if it did.
    async fn is_in_its_place(&self, entry: &LogEntry) -> Result<bool, ReadError> {
        let named = entry.header("ce-prevhash").map(str::parse::<EventHash>);
        let Some(Ok(named)) = named else {
            return Ok(false);
        };
        if entry.aggregate().is_none() {
            return Ok(false);
        }
        if named == EventHash::NONE {
            return Ok(true);
        }
        let deadline = Instant::now() + self.deadline;
        // Before anything is read: what is appended meanwhile must not look like damage.
        let counted = self.count(entry.subject(), deadline).await?;
        let (mut found, mut last) = (0_u64, Sequence(0));
        while let Some(other) = self.first_after(entry.subject(), last, deadline).await? {
            last = other.sequence();
            found = found.saturating_add(1);
            let is_named = last < entry.sequence() && other.hash() == named;
            if is_named && self.void_of(&other).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(found < counted.messages || counted.missing != 0)
    }

    async fn store(&self, record: &VoidRecord) -> Result<(), VoidError> {
        let unknown = |error| VoidError::OutcomeUnknown(Some(error));
        let body = serde_json::to_vec(record).map_err(|error| unknown(error.into()))?;
        let append = Append {
            stream: Some(OPERATION_STREAM),
            messages: Vec::from([NewMessage {
                subject: self.void_subject(Sequence(record.sequence)),
                expected: Expected::LastOnSubject(0),
                payload: body.into(),
                ..NewMessage::default()
            }]),
            batch: None,
        };
        let deadline = Instant::now() + self.deadline;
        let stored = async {
            let mut pending = self.connection.send_append(append, deadline).await?;
            pending.acknowledged().await
        };
        match timeout_at(deadline, stored).await {
            Ok(Ok(_stored)) => Ok(()),
            Ok(Err(error)) if error.full().is_some() => Err(VoidError::Full(error)),
            Ok(Err(error)) => Err(unknown(error.into())),
            Err(elapsed) => Err(unknown(elapsed.into())),
        }
    }
}

/// Records that were seen. A record never changes, so what is remembered stays true.
#[derive(Clone, Debug, Default)]
pub(crate) struct VoidCache(Arc<Mutex<BTreeMap<u64, VoidRecord>>>);

impl VoidCache {
    pub(super) fn get(&self, sequence: Sequence) -> Option<VoidRecord> {
        self.lock().get(&sequence.0).cloned()
    }

    pub(super) fn remember(&self, record: &VoidRecord) {
        let mut remembered = self.lock();
        if remembered.len() < REMEMBERED {
            remembered.insert(record.sequence, record.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, VoidRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
