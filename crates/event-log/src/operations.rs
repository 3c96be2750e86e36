//! What operators did with the log: which of its messages are void.
//!
//! A message that is no event (an answer that somebody had stored there, a torn write) makes its
//! aggregate unreadable, and can't be removed. So an operator may declare it void, and from then
//! on every reader passes over it. What can be read as an event can never be void, whatever a
//! record says: each reader looks at the message itself, too.
//!
//! The records are in a stream of their own, one subject for each message of each log. A reader
//! looks a record up only when it meets a message that it can't read; so a log without such
//! messages costs nothing, and a record made by one gateway holds for all of them at once.

mod void;

use std::time::Duration;

use assent_contract::names::{OPERATION_STREAM, OPERATION_SUBJECTS};
use assent_contract::operation::VoidRecord;
use assent_contract::strict;
use assent_domain::ids::Sequence;
use assent_messaging::jetstream::AppendOnlyStream;
use assent_messaging::{Connection, JetStreamError};

use crate::EventLog;
use crate::entry::LogEntry;
use crate::read::ReadError;
use crate::stream::{OpenError, StreamSettings, StreamStatus, create_or_check};

pub(crate) use void::VoidCache;
pub use void::VoidError;

/// How many messages may be void: what a reader keeps of them in memory is bounded by it.
pub const MAX_VOID: u64 = 10_000;

/// The server's own; each record's subject keeps a second one out.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// Creates the stream of what operators did, or checks the one that is there. Only the gateway may.
pub async fn create_or_check_operations(
    connection: &Connection,
    settings: StreamSettings,
) -> Result<(), OpenError> {
    let wanted = AppendOnlyStream {
        name: OPERATION_STREAM,
        description: "What operators did with the log of consent events",
        subjects: Vec::from([OPERATION_SUBJECTS.to_owned()]),
        replicas: settings.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: false,
        allow_atomic_publish: false,
    };
    create_or_check(connection, &wanted).await.map(drop)
}

impl EventLog {
    /// Where the records of operators stand; `None` where there is no such stream, and so nothing
    /// was ever declared void.
    pub async fn operations(&self) -> Result<Option<StreamStatus>, ReadError> {
        let state = self
            .connection
            .stream_state(OPERATION_STREAM, self.deadline)
            .await?;
        Ok(state.map(StreamStatus::from))
    }

    /// The records from one (exclusive) to another (inclusive) that are about this log, in their
    /// order. One that can't be read has no effect: what it is about stays unreadable.
    pub async fn void_records(
        &self,
        after: Sequence,
        through: Sequence,
    ) -> Result<Vec<VoidRecord>, ReadError> {
        let mut records = Vec::new();
        for seq in after.0.saturating_add(1)..=through.0 {
            let found = self
                .connection
                .message_at(OPERATION_STREAM, seq, self.deadline);
            records.extend(found.await?.and_then(|found| self.record_of(&found.into())));
        }
        Ok(records)
    }

    /// The record by which a message of the log is void, if it is. A message that can be read is
    /// not, and one that a record names by another hash is another message.
    pub async fn void_of(&self, entry: &LogEntry) -> Result<Option<VoidRecord>, ReadError> {
        if entry.decode().is_ok() {
            return Ok(None);
        }
        if let Some(known) = self.voids.get(entry.sequence()) {
            return Ok(is_about(&known, entry).then_some(known));
        }
        let record = self.recorded_void(entry).await?;
        let record = record.filter(|record| is_about(record, entry));
        if let Some(record) = &record {
            self.voids.remember(record);
        }
        Ok(record)
    }

    /// What is recorded about a message, be it believed or not.
    async fn recorded_void(&self, entry: &LogEntry) -> Result<Option<VoidRecord>, ReadError> {
        let subject = self.void_subject(entry.sequence());
        let found = self
            .connection
            .last_message(OPERATION_STREAM, &subject, self.deadline);
        match found.await {
            Ok(found) => Ok(found.and_then(|found| self.record_of(&found.into()))),
            // No record was ever made, or we are not the one who may see them.
            Err(JetStreamError::StreamNotFound { .. } | JetStreamError::NotPermitted { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn record_of(&self, found: &LogEntry) -> Option<VoidRecord> {
        match strict::from_slice::<VoidRecord>(found.payload()) {
            Ok(record) => (record.log == self.identity.as_str()).then_some(record),
            Err(error) => {
                tracing::error!(
                    operator_alarm = "unreadable_operation",
                    sequence = %found.sequence(),
                    line = error.line(),
                    column = error.column(),
                    "a record of what an operator did can't be read: it has no effect"
                );
                None
            }
        }
    }

    fn void_subject(&self, sequence: Sequence) -> String {
        assent_contract::names::void_subject(self.identity.as_str(), sequence.0)
    }
}

/// Whether a record names this very message, and the message is one that can be void.
pub fn is_about(record: &VoidRecord, entry: &LogEntry) -> bool {
    record.sequence == entry.sequence().0
        && record.subject == entry.subject()
        && record.hash == entry.hash()
        && entry.decode().is_err()
}
