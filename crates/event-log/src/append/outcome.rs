//! What became of an append: as the server says, or as the log itself shows.

use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::{Acknowledgement, PendingAck};
use tokio::time::{Instant, sleep, timeout_at};

use super::group_commit::{Outcome, Share};
use super::message::Prepared;
use super::{AppendError, Appended};
use crate::EventLog;
use crate::history::Tail;
use crate::read::ReadError;

/// How long the log is left alone between two looks at it.
const PAUSE: Duration = Duration::from_millis(50);

/// An append that was sent.
pub(super) struct Pending<'a> {
    pub(super) log: &'a EventLog,
    pub(super) tail: Tail,
    pub(super) prepared: &'a [Prepared],
    pub(super) deadline: Instant,
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
    /// Waits for the acknowledgement for half of the time, or until the connection is lost; from
    /// then on the log is asked as well.
    pub(super) async fn await_ack(&self, ack: &mut PendingAck) -> Result<Appended, AppendError> {
        let acknowledged = timeout_at(self.patience(), ack.acknowledged_while_connected());
        if let Ok(Some(acknowledged)) = acknowledged.await {
            return self.classify(acknowledged).await;
        }
        let known = async { self.classify(ack.acknowledged().await).await };
        self.reconcile(known).await
    }

    /// The same for an append that went with others. `None`: nothing was stored, perhaps for one of the others' sake, and
    /// it may be sent alone.
    pub(super) async fn await_share(
        &self,
        share: &mut Share,
    ) -> Result<Option<Appended>, AppendError> {
        let of = |outcome| match outcome {
            Outcome::Stored(last) => Some(self.appended(last)),
            Outcome::NotStored => None,
        };
        if let Ok(Some(outcome)) = timeout_at(self.patience(), share.known_while_connected()).await
        {
            return Ok(of(outcome));
        }
        let known = async { Ok(of(share.known().await)) };
        self.reconcile(known).await
    }

    /// Until when the server alone is believed to answer.
    fn patience(&self) -> Instant {
        self.deadline - (self.log.deadline / 2)
    }

    /// The log shows what the server did not say, unless the messages are still on their way.
    async fn reconcile<T: From<Appended>>(
        &self,
        known: impl Future<Output = Result<T, AppendError>>,
    ) -> Result<T, AppendError> {
        let mut reason = None;
        let looking = async {
            loop {
                match self.following().await {
                    Ok(Following::Ours(appended)) => break Ok(appended.into()),
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
                known = known => known,
                found = looking => found,
            }
        });
        let found = found.await;
        found.unwrap_or(Err(AppendError::OutcomeUnknown { source: reason }))
    }

    async fn classify(
        &self,
        acknowledged: Result<Acknowledgement, JetStreamError>,
    ) -> Result<Appended, AppendError> {
        match acknowledged {
            Ok(ack) if ack.stream != EVENT_STREAM => self.look().await,
            Ok(ack) if ack.duplicate => self.duplicate(ack.sequence).await,
            Ok(ack) => Ok(self.appended(ack.sequence)),
            Err(error @ JetStreamError::Refused { .. }) => self.classify_refusal(error).await,
            Err(JetStreamError::Misunderstood { .. }) => self.look().await,
            // The connection was closed.
            Err(JetStreamError::NotConnected | JetStreamError::TimedOut { .. }) => {
                Err(AppendError::OutcomeUnknown { source: None })
            }
            Err(JetStreamError::TooLarge { .. }) => Err(AppendError::TooLarge),
            Err(JetStreamError::NotPermitted { complaint }) => {
                Err(AppendError::NotPermitted { complaint })
            }
            // Neither the stream nor anything else took the message.
            Err(
                JetStreamError::NobodyThere { .. }
                | JetStreamError::Unavailable { .. }
                | JetStreamError::StreamNotFound { .. },
            ) => Err(AppendError::NotReachable),
        }
    }

    async fn classify_refusal(&self, refusal: JetStreamError) -> Result<Appended, AppendError> {
        // Others were first, or this is the repetition of an append that was stored.
        if refusal.is_wrong_last_sequence() || refusal.is_duplicate_under_way() {
            return self.look().await;
        }
        if refusal.is_duplicate_in_batch() {
            return match self.following().await {
                Ok(Following::Ours(appended)) => Ok(appended),
                Ok(Following::Others) => Err(AppendError::Conflict),
                Ok(Following::Nothing) => Err(self.id_in_use()),
                Err(source) => Err(AppendError::OutcomeUnknown {
                    source: Some(source),
                }),
            };
        }
        Err(match refusal.full() {
            Some(_) => AppendError::Full(refusal),
            None => AppendError::Refused(refusal),
        })
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
        let id = self
            .prepared
            .first()
            .map(|first| first.id)
            .unwrap_or_default();
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
        let stored =
            stored.filter(|stored| stored.subject() == ours.subject && ours.is_stored_as(stored));
        let Some(stored) = stored else {
            return Err(AppendError::IdInUse { id: ours.id });
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
        let hash = self
            .prepared
            .last()
            .map_or(self.tail.hash, |last| last.hash);
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
                .first_after(&ours.subject, tail.sequence, self.deadline)
                .await?;
            match found {
                Some(found) if ours.is_stored_as(&found) => {
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
