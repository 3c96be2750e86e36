//! One of the replicas that publish the changes.

use std::collections::VecDeque;

use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::time::Instant;

use super::{ChangeStream, SEQUENCE, SOURCE, announcement};
use crate::jetstream::{Append, DEADLINE, JetStreamError};
use crate::message::parse_headers;
use crate::request::TRACEPARENT;

const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";

/// Messages on their way at once. More would only make a lost race dearer.
const WINDOW: usize = 256;

/// Times in a row that the stream may take nothing of ours, for a reason that may pass, before
/// the caller hears of it. Being overtaken by another replica is progress and does not count.
const MOST_FRUITLESS: u32 = 3;

/// One change, derived from one event of the source.
#[derive(Clone, Debug)]
pub struct Change {
    /// The sequence of that event in the source. An event yields one change at most, so this is
    /// the change's identity, and grows from one to the next.
    pub source_sequence: u64,
    /// Where it is published.
    pub subject: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// This publisher put it into the stream.
    Now,
    /// It was there: published before, by another replica meanwhile, or by an attempt of ours
    /// whose acknowledgement was lost.
    AlreadyThere,
}

/// Why changes were not published, or not all. [`ChangePublisher::published_through`] tells how
/// far they were; trying again from there is always safe.
#[derive(Debug, thiserror::Error)]
pub enum PublishChangesError {
    /// The changes are not in the order of their source.
    #[error("the change of source sequence {after} comes after that of {before}")]
    OutOfOrder {
        /// The one that came first.
        before: u64,
        /// The one that came next, and is not greater.
        after: u64,
    },
    /// The subject is not one that changes are told on.
    #[error("{subject:?} is no subject of a change")]
    NotAChange {
        /// The subject.
        subject: String,
    },
    /// The source's name, or a traceparent, cannot be a header.
    #[error("the change of source sequence {source_sequence} cannot be sent")]
    CannotBeSent {
        /// The change.
        source_sequence: u64,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stream's last message says nothing readable about its source. Somebody else writes
    /// into the stream.
    #[error("message {sequence} of the stream {stream} is not one of ours")]
    ForeignMessage {
        /// The stream.
        stream: String,
        /// The message.
        sequence: u64,
    },
    /// JetStream could not be asked, or refused.
    #[error("the stream {stream} took no change")]
    JetStream {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: JetStreamError,
    },
}

/// Publishes the changes of one source.
#[derive(Debug)]
pub struct ChangePublisher {
    stream: ChangeStream,
    source: String,
    last_sequence: u64,
    published_through: u64,
}

impl ChangePublisher {
    /// Continues where the stream says that the source was published to. `source` identifies the
    /// source stream by its name and the time it was created: another one begins at nothing.
    pub async fn resume(
        stream: ChangeStream,
        source: impl Into<String>,
    ) -> Result<Self, PublishChangesError> {
        let mut publisher = Self {
            stream,
            source: source.into(),
            last_sequence: 0,
            published_through: 0,
        };
        publisher.read_position().await?;
        Ok(publisher)
    }

    /// The source sequence of the last change known to be in the stream; 0 when there is none.
    pub fn published_through(&self) -> u64 {
        self.published_through
    }

    /// Publishes one change.
    pub async fn publish(
        &mut self,
        source_sequence: u64,
        subject: impl Into<String>,
        payload: Vec<u8>,
        traceparent: Option<String>,
    ) -> Result<Published, PublishChangesError> {
        let change = Change {
            source_sequence,
            subject: subject.into(),
            payload,
            traceparent,
        };
        let published = self.publish_batch(vec![change]).await?;
        Ok(published
            .first()
            .copied()
            .unwrap_or(Published::AlreadyThere))
    }

    /// Tells something anew that is no news of the source: it says what it says as of an event that
    /// was told of already, and telling goes on from where it is. `mark` is a header and its number
    /// by which others know it again: where the subject's last message carries it already, or a
    /// greater one, nothing is told.
    pub async fn repeat(
        &mut self,
        subject: &str,
        payload: &[u8],
        mark: (&str, u64),
    ) -> Result<Published, PublishChangesError> {
        let Some(announced) = announcement(subject) else {
            return Err(PublishChangesError::NotAChange {
                subject: subject.to_owned(),
            });
        };
        let mut failed = None;
        for _ in 0..MOST_FRUITLESS {
            self.read_position().await?;
            if self.is_marked(subject, mark).await? {
                return Ok(Published::AlreadyThere);
            }
            let number = mark.1.to_string();
            let position = self.published_through.to_string();
            let expected = self.last_sequence.to_string();
            let headers = [
                (SOURCE, self.source.as_str()),
                (SEQUENCE, position.as_str()),
                (EXPECTED_LAST_SEQUENCE, expected.as_str()),
                (mark.0, number.as_str()),
            ];
            let headers =
                parse_headers(&headers).map_err(|error| PublishChangesError::CannotBeSent {
                    source_sequence: self.published_through,
                    source: error.into(),
                })?;
            let payload = Bytes::copy_from_slice(payload);
            let connection = &self.stream.connection;
            match connection.append(announced.clone(), headers, payload).await {
                Ok(sequence) => {
                    self.last_sequence = sequence;
                    return Ok(Published::Now);
                }
                Err(error) => failed = Some(self.may_pass(error)?),
            }
        }
        let why = failed.unwrap_or(JetStreamError::NotConnected);
        Err(self.failed(why))
    }

    async fn is_marked(
        &self,
        subject: &str,
        (name, number): (&str, u64),
    ) -> Result<bool, PublishChangesError> {
        let ChangeStream {
            connection,
            name: stream,
        } = &self.stream;
        let last = connection.last_message(stream, subject).await;
        let last = last.map_err(|source| self.failed(source))?;
        let found = last.and_then(|last| last.headers.get(name)?.as_str().parse::<u64>().ok());
        Ok(found.is_some_and(|found| number <= found))
    }

    /// The body of the last message on a subject, if there is one.
    pub async fn last_told(&self, subject: &str) -> Result<Option<Vec<u8>>, PublishChangesError> {
        let ChangeStream { connection, name } = &self.stream;
        let last = connection.last_message(name, subject).await;
        let last = last.map_err(|source| self.failed(source))?;
        Ok(last.map(|last| last.payload.into()))
    }

    /// Publishes changes in the order of their source, many on their way at once.
    pub async fn publish_batch(
        &mut self,
        changes: Vec<Change>,
    ) -> Result<Vec<Published>, PublishChangesError> {
        for pair in changes.windows(2) {
            if let [before, after] = pair
                && after.source_sequence <= before.source_sequence
            {
                return Err(PublishChangesError::OutOfOrder {
                    before: before.source_sequence,
                    after: after.source_sequence,
                });
            }
        }
        let mut outcomes = Vec::with_capacity(changes.len());
        let mut left = VecDeque::from(changes);
        let mut fruitless = 0;
        loop {
            while left
                .front()
                .is_some_and(|change| change.source_sequence <= self.published_through)
            {
                left.pop_front();
                outcomes.push(Published::AlreadyThere);
            }
            if left.is_empty() {
                return Ok(outcomes);
            }
            let before = self.published_through;
            let (taken, failure) = self.publish_window(&left).await?;
            if let Some(failure) = failure {
                // Whatever went wrong, some of it may be in the stream: sent and unanswered, or
                // put there by another replica. Only the stream knows.
                let passing = self.may_pass(failure)?;
                self.read_position().await?;
                fruitless = if self.published_through > before {
                    0
                } else {
                    fruitless + 1
                };
                if fruitless >= MOST_FRUITLESS {
                    return Err(self.failed(passing));
                }
            }
            for ours in taken {
                let through = self.published_through;
                if left
                    .front()
                    .is_some_and(|change| change.source_sequence <= through)
                {
                    left.pop_front();
                    outcomes.push(if ours {
                        Published::Now
                    } else {
                        Published::AlreadyThere
                    });
                }
            }
        }
    }

    /// Sends a window of changes and collects, for each, whether the stream took it; and the
    /// first failure.
    async fn publish_window(
        &mut self,
        left: &VecDeque<Change>,
    ) -> Result<(Vec<bool>, Option<JetStreamError>), PublishChangesError> {
        let mut failure = None;
        let mut on_their_way: Vec<(u64, Append)> = Vec::with_capacity(left.len().min(WINDOW));
        for (change, expected) in left.iter().take(WINDOW).zip(self.last_sequence..) {
            let headers = self.headers(change, expected)?;
            let payload = Bytes::copy_from_slice(&change.payload);
            let Some(subject) = announcement(&change.subject) else {
                return Err(PublishChangesError::NotAChange {
                    subject: change.subject.clone(),
                });
            };
            let sent = self
                .stream
                .connection
                .send_append(subject, headers, payload)
                .await;
            match sent {
                Ok(append) => on_their_way.push((change.source_sequence, append)),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let deadline = Instant::now() + DEADLINE;
        let mut taken = Vec::with_capacity(on_their_way.len());
        for (source_sequence, append) in on_their_way {
            match self.stream.connection.appended(append, deadline).await {
                Ok(sequence) => {
                    taken.push(true);
                    self.last_sequence = sequence;
                    self.published_through = source_sequence;
                }
                Err(error) => {
                    taken.push(false);
                    failure.get_or_insert(error);
                }
            }
        }
        Ok((taken, failure))
    }

    fn headers(
        &self,
        change: &Change,
        expected_last: u64,
    ) -> Result<HeaderMap, PublishChangesError> {
        let (sequence, expected) = (
            change.source_sequence.to_string(),
            expected_last.to_string(),
        );
        let mut headers = vec![
            (SOURCE, self.source.as_str()),
            (SEQUENCE, sequence.as_str()),
            (EXPECTED_LAST_SEQUENCE, expected.as_str()),
        ];
        if let Some(traceparent) = &change.traceparent {
            headers.push((TRACEPARENT, traceparent));
        }
        parse_headers(&headers).map_err(|error| PublishChangesError::CannotBeSent {
            source_sequence: change.source_sequence,
            source: error.into(),
        })
    }

    /// Passes on a failure after which looking at the stream and trying again makes sense.
    fn may_pass(&self, failure: JetStreamError) -> Result<JetStreamError, PublishChangesError> {
        match failure {
            JetStreamError::TimedOut { .. } => Ok(failure),
            JetStreamError::Refused { .. } if failure.is_wrong_last_sequence() => Ok(failure),
            JetStreamError::NotConnected
            | JetStreamError::NobodyThere { .. }
            | JetStreamError::NotPermitted { .. }
            | JetStreamError::Refused { .. }
            | JetStreamError::Misunderstood { .. } => Err(self.failed(failure)),
        }
    }

    /// Reads from the stream's last message where the stream is and how far the source is in it.
    async fn read_position(&mut self) -> Result<(), PublishChangesError> {
        let ChangeStream { connection, name } = &self.stream;
        let last = connection.last_message(name, ">").await;
        let Some(last) = last.map_err(|source| self.failed(source))? else {
            return self.read_position_of_empty().await;
        };
        let header = |name: &str| last.headers.get(name).map(async_nats::HeaderValue::as_str);
        let sequence = header(SEQUENCE).and_then(|sequence| sequence.parse::<u64>().ok());
        let (Some(source), Some(sequence)) = (header(SOURCE), sequence) else {
            return Err(PublishChangesError::ForeignMessage {
                stream: name.clone(),
                sequence: last.sequence,
            });
        };
        self.last_sequence = last.sequence;
        self.published_through = if source == self.source { sequence } else { 0 };
        Ok(())
    }

    /// A stream without messages has published nothing, but counts on from those it once had.
    async fn read_position_of_empty(&mut self) -> Result<(), PublishChangesError> {
        let ChangeStream { connection, name } = &self.stream;
        let info = connection
            .stream_info(name)
            .await
            .map_err(|source| self.failed(source))?;
        let info = info.ok_or_else(|| {
            self.failed(JetStreamError::NobodyThere {
                subject: name.clone(),
            })
        })?;
        self.last_sequence = info.state.last_sequence;
        self.published_through = 0;
        Ok(())
    }

    fn failed(&self, source: JetStreamError) -> PublishChangesError {
        PublishChangesError::JetStream {
            stream: self.stream.name.clone(),
            source,
        }
    }
}
