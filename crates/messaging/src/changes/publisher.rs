//! One of the replicas that publish the changes.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use assent_contract::change::cloud_event_headers;
use assent_contract::names::aggregate_of_change_subject;
use bytes::Bytes;

use super::told::{MENDED_THROUGH, SEQUENCE, SOURCE, TOLD_HASH, TOLD_THROUGH};
use super::{ChangeStream, Position, Stamp, Told, announcement};
use crate::jetstream::{Append, Expected, JetStreamError, NewMessage};
use crate::request::TRACEPARENT;

/// Times in a row that the stream may leave us without an answer before the caller hears of it.
const MOST_UNANSWERED: u32 = 3;

/// How long it is waited each time that the stream refuses ours and shows nothing new. The leader of several servers refuses
/// what does not fit behind a message that it is still copying to the others: that message shows once they have it.
const REFUSED: [Duration; 8] = [
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
];

/// One change, derived from one event of the source.
#[derive(Clone, Debug)]
pub struct Change {
    /// The sequence of that event in the source. An event yields one change at most, so this is
    /// the change's identity, and grows from one to the next.
    pub source_sequence: u64,
    /// The hash of that event.
    pub hash: String,
    /// Where it is published.
    pub subject: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// Something that is told once more, or for the first time though no event made it so just now.
#[derive(Clone, Debug)]
pub struct Anew {
    /// As of which event it is true.
    pub sequence: u64,
    /// Where it is published.
    pub subject: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// Where telling has got to with it.
    pub position: Position,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// This publisher put it into the stream.
    Now,
    /// The change was there: published before, by another replica meanwhile, or by an attempt of ours
    /// whose acknowledgement was lost.
    AlreadyThere,
}

/// Why changes were not published, or not all. [`ChangePublisher::position`] tells how far they
/// were; trying again from there is always safe.
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
    /// The stream goes on with something that this publisher was not about to say: another replica
    /// is further, or somebody else wrote into the stream. The caller looks where telling has got
    /// to, and goes on from there with [`ChangePublisher::go_on_from`].
    #[error("the stream {stream} went on without this publisher")]
    Overtaken {
        /// The stream.
        stream: String,
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

/// Publishes the changes of one log. One message is on its way at a time: were there more, one that
/// somebody slipped in between could make the stream refuse one of ours and take the next.
#[derive(Debug)]
pub struct ChangePublisher {
    stream: ChangeStream,
    last_sequence: u64,
    position: Position,
    published: u64,
}

/// A message as it is sent.
struct Outgoing {
    subject: String,
    sequence: u64,
    payload: Bytes,
    traceparent: Option<String>,
    position: Position,
}

impl Outgoing {
    fn is(&self, told: &Told) -> bool {
        let stamp = Stamp::Full {
            sequence: self.sequence,
            position: self.position.clone(),
        };
        told.subject == self.subject && told.payload == self.payload && told.stamp == stamp
    }
}

impl ChangePublisher {
    /// Goes on from where telling has got to: the caller has made sure of the position, and that
    /// nothing comes after message `last_sequence` of the stream.
    pub fn new(stream: ChangeStream, last_sequence: u64, position: Position) -> Self {
        Self {
            stream,
            last_sequence,
            position,
            published: 0,
        }
    }

    /// Goes on publishing from another place, after [`PublishChangesError::Overtaken`].
    pub fn go_on_from(&mut self, last_sequence: u64, position: Position) {
        self.last_sequence = last_sequence;
        self.position = position;
    }

    /// Where telling has got to, as far as is known here.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// How many messages this publisher has put into the stream.
    pub fn published(&self) -> u64 {
        self.published
    }

    /// The last message that is known to be in the stream.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// Publishes changes in the order of their source.
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
        let mut left = VecDeque::with_capacity(changes.len());
        for change in changes {
            if change.source_sequence <= self.position.through {
                outcomes.push(Published::AlreadyThere);
                continue;
            }
            left.push_back(Outgoing {
                position: Position {
                    through: change.source_sequence,
                    hash: change.hash,
                    ..self.position.clone()
                },
                sequence: change.source_sequence,
                subject: change.subject,
                payload: change.payload.into(),
                traceparent: change.traceparent,
            });
        }
        while !left.is_empty() {
            match self.put(&left).await? {
                None => {
                    left.pop_front();
                    outcomes.push(Published::Now);
                }
                Some(through) => {
                    for _ in 0..=through {
                        left.pop_front();
                        outcomes.push(Published::AlreadyThere);
                    }
                }
            }
        }
        Ok(outcomes)
    }

    /// Tells something anew, right after the last message that is known here.
    pub async fn tell_anew(&mut self, anew: Anew) -> Result<Published, PublishChangesError> {
        let outgoing = VecDeque::from([Outgoing {
            subject: anew.subject,
            sequence: anew.sequence,
            payload: anew.payload.into(),
            traceparent: None,
            position: anew.position,
        }]);
        let put = self.put(&outgoing).await?;
        Ok(put.map_or(Published::Now, |_| Published::AlreadyThere))
    }

    /// Puts the first of these into the stream: `None`. Or finds that the stream ends with one of
    /// them, whoever put it there: which one.
    async fn put(
        &mut self,
        left: &VecDeque<Outgoing>,
    ) -> Result<Option<usize>, PublishChangesError> {
        let Some(first) = left.front() else {
            return Ok(None);
        };
        let mut unanswered = 0;
        let mut pauses = REFUSED.into_iter();
        loop {
            let failure = match self.send(first).await? {
                Ok(sequence) => {
                    self.published = self.published.saturating_add(1);
                    self.go_on_from(sequence, first.position.clone());
                    return Ok(None);
                }
                Err(failure) => self.may_pass(failure)?,
            };
            // Whatever went wrong, ours may be in the stream: sent and unanswered, or put there by
            // another replica. Only the stream knows.
            let last = self.stream.last().await;
            let last = last.map_err(|source| self.failed(source))?;
            let end = last.as_ref().and_then(|told| told.stream_sequence);
            if let (Some(last), Some(end)) = (&last, end)
                && let Some(at) = left.iter().position(|outgoing| outgoing.is(last))
                && let Some(there) = left.get(at)
            {
                self.go_on_from(end, there.position.clone());
                return Ok(Some(at));
            }
            if end.is_some_and(|end| end != self.last_sequence) {
                return Err(PublishChangesError::Overtaken {
                    stream: self.stream.name.clone(),
                });
            }
            if failure.is_wrong_last_sequence() {
                let Some(pause) = pauses.next() else {
                    return Err(self.failed(failure));
                };
                tokio::time::sleep(pause).await;
                continue;
            }
            unanswered += 1;
            if MOST_UNANSWERED <= unanswered {
                return Err(self.failed(failure));
            }
        }
    }

    /// Sends one message, on condition that the stream is as it is known here.
    async fn send(
        &self,
        outgoing: &Outgoing,
    ) -> Result<Result<u64, JetStreamError>, PublishChangesError> {
        let Some(subject) = announcement(&outgoing.subject) else {
            return Err(PublishChangesError::NotAChange {
                subject: outgoing.subject.clone(),
            });
        };
        let message = NewMessage {
            subject,
            expected: Expected::LastOfStream(self.last_sequence),
            headers: headers(outgoing, self.last_sequence.saturating_add(1)),
            payload: outgoing.payload.clone(),
            id: None,
        };
        let append = Append {
            stream: None,
            messages: Vec::from([message]),
            batch: None,
        };
        Ok(self.stream.connection.append(append).await)
    }

    /// Passes on a failure after which looking at the stream and trying again makes sense.
    fn may_pass(&self, failure: JetStreamError) -> Result<JetStreamError, PublishChangesError> {
        match failure {
            JetStreamError::TimedOut { .. } => Ok(failure),
            JetStreamError::Refused { .. } if failure.is_wrong_last_sequence() => Ok(failure),
            JetStreamError::NotConnected
            | JetStreamError::NobodyThere { .. }
            | JetStreamError::Unavailable { .. }
            | JetStreamError::StreamNotFound { .. }
            | JetStreamError::NotPermitted { .. }
            | JetStreamError::TooLarge { .. }
            | JetStreamError::Refused { .. }
            | JetStreamError::Misunderstood { .. } => Err(self.failed(failure)),
        }
    }

    fn failed(&self, source: JetStreamError) -> PublishChangesError {
        PublishChangesError::JetStream {
            stream: self.stream.name.clone(),
            source,
        }
    }
}

/// `stream_sequence`: the place that the message takes, or it is refused.
fn headers(outgoing: &Outgoing, stream_sequence: u64) -> Vec<(Cow<'static, str>, String)> {
    let position = &outgoing.position;
    let mut headers = vec![
        (SOURCE, position.log.clone()),
        (SEQUENCE, outgoing.sequence.to_string()),
        (TOLD_THROUGH, position.through.to_string()),
        (TOLD_HASH, position.hash.clone()),
    ];
    if let Some(mending) = &position.mending {
        headers.push((MENDED_THROUGH, mending.clone()));
    }
    if let Some(traceparent) = &outgoing.traceparent {
        headers.push((TRACEPARENT, traceparent.clone()));
    }
    if let Some(aggregate) = aggregate_of_change_subject(&outgoing.subject) {
        let places = (outgoing.sequence, stream_sequence);
        headers.extend(cloud_event_headers(&aggregate, &position.log, places));
    }
    headers
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}
