//! Putting messages back into a log that is empty, or that an earlier attempt has put the first of them into: the same
//! messages at the same places. Whoever does this is the log's only writer meanwhile.

use std::time::Duration;

use assent_contract::names::{APPENDED, EVENT_STREAM};
use assent_contract::structured::LoggedMessage;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::{Append, Expected, NewMessage};
use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::EventLog;
use crate::read::ReadError;

/// How many messages go in at once: the server takes no more than a thousand.
pub const RESTORED_AT_ONCE: usize = 500;

/// The server writes each of them to its disk.
const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// How often it is tried to find out what became of messages of which the server did not say.
const ATTEMPTS: usize = 25;

/// Why messages were not put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The log does not end where the messages follow on.
    #[error("the log ends at message {found}, not at {expected}: somebody else writes to it")]
    NotInPlace {
        /// Where it has to end.
        expected: Sequence,
        /// Where it ends.
        found: Sequence,
    },
    /// The log can't be asked.
    #[error("the log can't be read")]
    Read(#[from] ReadError),
    /// The server took nothing.
    #[error("the log took no message")]
    Refused(#[source] JetStreamError),
    /// The server said nothing, for as long as it was asked.
    #[error("it is not known whether the last messages were stored")]
    OutcomeUnknown(#[source] Option<JetStreamError>),
}

/// What the server did with a batch.
enum Stored {
    All,
    /// It took one of them for a repetition.
    Nothing,
}

impl EventLog {
    /// Stores messages directly after the first ones of the log: all or none. They have to be at least one, and no more
    /// than [`RESTORED_AT_ONCE`].
    pub async fn restore(&self, messages: &[LoggedMessage]) -> Result<(), RestoreError> {
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
            return Ok(());
        };
        let before = Sequence(first.sequence.saturating_sub(1));
        let (mut with_ids, mut failure) = (true, None);
        for _ in 0..ATTEMPTS {
            let found = match self.status().await {
                Ok(status) => status.last_sequence,
                Err(ReadError::JetStream(error)) if error.is_out_of_reach() => {
                    failure = Some(error);
                    sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if found.0 == last.sequence && self.holds(last).await? {
                return Ok(());
            }
            if found != before {
                return Err(RestoreError::NotInPlace {
                    expected: before,
                    found,
                });
            }
            match self.store_batch(before, messages, with_ids).await {
                Ok(Stored::All) => return Ok(()),
                Ok(Stored::Nothing) if with_ids => with_ids = false,
                Ok(Stored::Nothing) => failure = None,
                Err(
                    error @ (JetStreamError::NotPermitted { .. }
                    | JetStreamError::TooLarge { .. }
                    | JetStreamError::Misunderstood { .. }),
                ) => return Err(RestoreError::Refused(error)),
                Err(error) if error.full().is_some() => return Err(RestoreError::Refused(error)),
                Err(error) => {
                    failure = Some(error);
                    sleep(PAUSE).await;
                }
            }
        }
        Err(match failure {
            Some(error @ JetStreamError::Refused { .. }) => RestoreError::Refused(error),
            failure => RestoreError::OutcomeUnknown(failure),
        })
    }

    /// Lets those who follow the log know that there is more.
    pub async fn tell_of_restored(&self) {
        let hint = self.connection.publish(APPENDED, &[], Bytes::new());
        drop(hint.await);
    }

    async fn holds(&self, message: &LoggedMessage) -> Result<bool, ReadError> {
        let found = self.entry(Sequence(message.sequence)).await?;
        Ok(found.is_some_and(|found| found.to_export() == *message))
    }

    async fn store_batch(
        &self,
        before: Sequence,
        messages: &[LoggedMessage],
        with_ids: bool,
    ) -> Result<Stored, JetStreamError> {
        let mut messages: Vec<_> = messages
            .iter()
            .map(|message| new_message(message, with_ids))
            .collect();
        if let Some(first) = messages.first_mut() {
            first.expected = Expected::LastOfStream(before.0);
        }
        let append = Append {
            stream: Some(EVENT_STREAM),
            messages,
            batch: Some(Uuid::now_v7().to_string()),
        };
        let deadline = Instant::now() + DEADLINE;
        let mut pending = self.connection.send_append(append, deadline).await?;
        match timeout_at(deadline, pending.acknowledged()).await {
            // Two messages have one id, which passed only because they came long after one another.
            Ok(Ok(stored)) if stored.duplicate => Ok(Stored::Nothing),
            Ok(Err(error)) if error.is_duplicate_in_batch() => Ok(Stored::Nothing),
            Ok(stored) => stored.map(|_| Stored::All),
            Err(_) => Err(JetStreamError::TimedOut {
                what: EVENT_STREAM.to_owned(),
            }),
        }
    }
}

/// An event's id is also the one by which the server recognises a repetition, as when it was appended.
fn new_message(message: &LoggedMessage, with_ids: bool) -> NewMessage {
    let id = message.headers.iter().find(|(name, _)| name == "ce-id");
    NewMessage {
        subject: message.subject.clone(),
        id: id.filter(|_| with_ids).map(|(_, id)| id.clone()),
        expected: Expected::Anything,
        headers: message
            .headers
            .iter()
            .map(|(name, value)| (name.clone().into(), value.clone()))
            .collect(),
        payload: message.body.clone().into(),
    }
}
