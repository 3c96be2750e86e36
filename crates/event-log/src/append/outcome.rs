//! What became of an append: as the server says, or as the log itself shows.

use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_messaging::{Connection, ConnectionState, Full};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Message, StatusCode};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::message::Prepared;
use super::{AppendError, Appended};
use crate::EventLog;
use crate::acks::ExpectedAck;
use crate::read::{ReadError, Tail};

/// How long the log is left alone between two looks at it.
const PAUSE: Duration = Duration::from_millis(50);

/// An append that was sent.
pub(super) struct Pending<'a> {
    pub(super) log: &'a EventLog,
    pub(super) tail: Tail,
    pub(super) prepared: &'a [Prepared],
    pub(super) deadline: Instant,
}

/// What the connection tells apart from answers. Listened to from before the append is sent.
pub(super) struct Signs {
    denials: watch::Receiver<Option<String>>,
    states: watch::Receiver<ConnectionState>,
}

impl Signs {
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            denials: connection.permission_violations(),
            states: connection.state_changes(),
        }
    }
}

enum Sign {
    Answer(Option<Message>),
    Denied(String),
    ConnectionLost,
}

/// What follows the tail in the log.
enum Following {
    /// What was appended.
    Ours(Appended),
    /// Something else, so what was appended is not stored and never will be.
    Others,
    /// Nothing, yet.
    Nothing,
}

impl Pending<'_> {
    /// Waits for the answer for half of the time, or until the connection is lost; from then on
    /// the log is asked as well.
    pub(super) async fn settle(
        &self,
        ack: &mut ExpectedAck,
        mut signs: Signs,
    ) -> Result<Appended, AppendError> {
        let patience = self.deadline - (self.log.deadline / 2);
        let answered = timeout_at(patience, async {
            loop {
                tokio::select! {
                    biased;
                    answer = ack.arrival() => break Sign::Answer(answer),
                    Ok(()) = signs.denials.changed() => {
                        let complaint = signs.denials.borrow_and_update().clone();
                        if let Some(complaint) = complaint.filter(|text| self.is_about_us(text)) {
                            break Sign::Denied(complaint);
                        }
                    }
                    Ok(()) = signs.states.changed() => break Sign::ConnectionLost,
                }
            }
        });
        match answered.await {
            Ok(Sign::Answer(Some(answer))) => self.judge(&answer).await,
            Ok(Sign::Answer(None)) => Err(AppendError::OutcomeUnknown { source: None }),
            Ok(Sign::Denied(complaint)) => Err(AppendError::NotPermitted { complaint }),
            Ok(Sign::ConnectionLost) | Err(_) => self.find_out(ack).await,
        }
    }

    fn is_about_us(&self, complaint: &str) -> bool {
        let Some(first) = self.prepared.first() else {
            return false;
        };
        let denied = format!("publish to \"{}\"", first.subject()).to_ascii_lowercase();
        complaint.to_ascii_lowercase().contains(&denied)
    }

    /// The log shows what the server did not say, unless the messages are still on their way.
    async fn find_out(&self, ack: &mut ExpectedAck) -> Result<Appended, AppendError> {
        let mut reason = None;
        let looking = async {
            loop {
                match self.following().await {
                    Ok(Following::Ours(appended)) => break Ok(appended),
                    Ok(Following::Others) => break Err(AppendError::Conflict),
                    Ok(Following::Nothing) => reason = None,
                    Err(error) => reason = Some(error),
                }
                sleep(PAUSE).await;
            }
        };
        let found = timeout_at(self.deadline, async {
            tokio::select! {
                biased;
                Some(answer) = ack.arrival() => self.judge(&answer).await,
                found = looking => found,
            }
        });
        let found = found.await;
        found.unwrap_or(Err(AppendError::OutcomeUnknown { source: reason }))
    }

    async fn judge(&self, answer: &Message) -> Result<Appended, AppendError> {
        // Nobody listened: neither the stream nor anything else took the message.
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(AppendError::NotReachable);
        }
        let Ok(answer) = serde_json::from_slice::<Response<PublishAck>>(&answer.payload) else {
            return self.look().await;
        };
        let error = match answer {
            Response::Ok(ack) if ack.stream != EVENT_STREAM => return self.look().await,
            Response::Ok(ack) if ack.duplicate => return self.duplicate(ack.sequence).await,
            Response::Ok(ack) => return Ok(self.appended(ack.sequence)),
            Response::Err { error } => error,
        };
        match error.error_code() {
            // Others were first, or this is the repetition of an append that was stored.
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE
            | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
            | ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT => self.look().await,
            ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE => match self.following().await {
                Ok(Following::Ours(appended)) => Ok(appended),
                Ok(Following::Others) => Err(AppendError::Conflict),
                Ok(Following::Nothing) => Err(self.id_in_use()),
                Err(source) => Err(AppendError::OutcomeUnknown {
                    source: Some(source),
                }),
            },
            ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM
            | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM => Err(AppendError::TooLarge),
            code if Full::of(code.0, &error.to_string()).is_some() => Err(AppendError::Full {
                code: code.0,
                description: error.to_string(),
            }),
            // JetStream is not up, or has no leader.
            _ if error.code() == 503 => Err(AppendError::NotReachable),
            code => Err(AppendError::Refused {
                code: code.0,
                description: error.to_string(),
            }),
        }
    }

    /// Asks the log once, after the server said that it stored nothing just now.
    async fn look(&self) -> Result<Appended, AppendError> {
        match self.following().await {
            Ok(Following::Ours(appended)) => Ok(appended),
            Ok(Following::Others | Following::Nothing) => Err(AppendError::Conflict),
            Err(source) => Err(AppendError::OutcomeUnknown {
                source: Some(source),
            }),
        }
    }

    /// Which of several it is, the server does not say.
    fn id_in_use(&self) -> AppendError {
        let id = self.prepared.first().map(Prepared::id).unwrap_or_default();
        AppendError::IdInUse { id }
    }

    /// The server stored the (only) event before. That it did not mind the tail means that the
    /// event is not behind it: the caller has seen it already, or the id is another event's.
    async fn duplicate(&self, sequence: u64) -> Result<Appended, AppendError> {
        let Some(ours) = self.prepared.first() else {
            return Err(AppendError::Conflict);
        };
        let stored = self.log.entry(Sequence(sequence)).await;
        let stored = stored.map_err(|source| AppendError::OutcomeUnknown {
            source: Some(source),
        })?;
        let stored = stored
            .filter(|stored| stored.subject() == ours.subject().as_str() && is_it(stored, ours));
        let Some(stored) = stored else {
            return Err(AppendError::IdInUse { id: ours.id() });
        };
        let tail = if stored.sequence() <= self.tail.sequence {
            self.tail
        } else {
            Tail {
                sequence: stored.sequence(),
                hash: stored.hash(),
            }
        };
        Ok(Appended {
            sequences: Vec::from([stored.sequence()]),
            tail,
        })
    }

    /// All messages of an append are next to each other.
    fn appended(&self, last: u64) -> Appended {
        let count = u64::try_from(self.prepared.len()).unwrap_or(u64::MAX);
        let before = last.saturating_sub(count);
        let hash = self.prepared.last().map_or(self.tail.hash, Prepared::hash);
        Appended {
            sequences: (before..last)
                .map(|sequence| Sequence(sequence.saturating_add(1)))
                .collect(),
            tail: Tail {
                sequence: Sequence(last),
                hash,
            },
        }
    }

    async fn following(&self) -> Result<Following, ReadError> {
        let mut tail = self.tail;
        let mut sequences = Vec::with_capacity(self.prepared.len());
        for ours in self.prepared {
            let found = self
                .log
                .first_after(&ours.subject(), tail.sequence, self.deadline)
                .await?;
            match found {
                Some(found) if is_it(&found, ours) => {
                    tail = Tail {
                        sequence: found.sequence(),
                        hash: found.hash(),
                    };
                    sequences.push(tail.sequence);
                }
                // Where the first is there, the rest is just being stored.
                None => return Ok(Following::Nothing),
                Some(_) => return Ok(Following::Others),
            }
        }
        Ok(Following::Ours(Appended { sequences, tail }))
    }
}

fn is_it(stored: &crate::LogEntry, ours: &Prepared) -> bool {
    stored.header("ce-id").and_then(|id| id.parse().ok()) == Some(ours.id())
}
