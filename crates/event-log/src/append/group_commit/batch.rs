//! Several appends on their way as one batch, and in halves where it is refused.

use std::future::pending;

use assent_contract::names::{APPENDED, EVENT_STREAM};
use assent_messaging::jetstream::{Acknowledgement, Append, PendingAck};
use assent_messaging::{Connection, JetStreamError};
use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::{HEAD_START, Sent, Waiting};

/// What becomes of an append that went with others.
#[derive(Debug)]
pub(in crate::append) struct Share(watch::Receiver<Progress>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    UnderWay,
    /// The connection was lost or is back, or the server said what nobody understands: only the log can tell.
    Unclear,
    Known(Outcome),
}

/// What became of an append that went with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::append) enum Outcome {
    /// It is in the log, and its last message has this sequence.
    Stored(u64),
    /// Nothing of it is, or will be.
    NotStored,
}

impl Share {
    /// Waits until it is known. `None`: only the log can tell, or may by now.
    pub(in crate::append) async fn known_while_connected(&mut self) -> Option<Outcome> {
        let progress = self.0.wait_for(|now| *now != Progress::UnderWay).await;
        match *progress.ok()? {
            Progress::Known(outcome) => Some(outcome),
            Progress::UnderWay | Progress::Unclear => None,
        }
    }

    /// Waits until it is known, for ever if need be.
    pub(in crate::append) async fn known(&mut self) -> Outcome {
        let progress = self.0.wait_for(|now| matches!(now, Progress::Known(_)));
        let progress = progress.await.ok().map(|progress| *progress);
        match progress {
            Some(Progress::Known(outcome)) => outcome,
            Some(Progress::UnderWay | Progress::Unclear) | None => pending().await,
        }
    }
}

/// One append of a batch.
#[derive(Debug)]
pub(super) struct Member {
    append: Append,
    deadline: Instant,
    progress: watch::Sender<Progress>,
}

impl Member {
    /// `None`: nobody waits for it any more.
    pub(super) fn new(waiting: Waiting) -> Option<Self> {
        let (progress, share) = watch::channel(Progress::UnderWay);
        let told = waiting.sent.send(Ok(Sent::Together(Share(share))));
        told.ok().map(|()| Self {
            append: waiting.append,
            deadline: waiting.deadline,
            progress,
        })
    }

    fn tell(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }
}

/// A batch on its way.
#[derive(Debug)]
pub(super) struct SentBatch {
    members: Vec<Member>,
    deadline: Instant,
    /// `None`: nothing was sent that will be stored.
    ack: Option<PendingAck>,
}

impl SentBatch {
    pub(super) async fn send(connection: &Connection, members: Vec<Member>) -> Self {
        let deadline = members.iter().map(|member| member.deadline).max();
        let deadline = deadline.unwrap_or_else(Instant::now);
        let batch = Append {
            stream: Some(EVENT_STREAM),
            messages: members
                .iter()
                .flat_map(|member| member.append.messages.iter().cloned())
                .collect(),
            batch: Some(Uuid::now_v7().to_string()),
        };
        Self {
            ack: connection.send_append(batch, deadline).await.ok(),
            members,
            deadline,
        }
    }

    /// Tells each member what became of it; where the batch is refused, its halves are sent. The turn ends with the first
    /// answer.
    pub(super) async fn see_through(
        mut self,
        connection: Connection,
        turn: Option<oneshot::Sender<()>>,
    ) {
        let outcome = self.outcome().await;
        drop(turn);
        let mut members = self.members;
        match outcome {
            Some(Outcome::Stored(last)) => {
                let mut last = last;
                for member in members.iter().rev() {
                    member.tell(Progress::Known(Outcome::Stored(last)));
                    let messages = u64::try_from(member.append.messages.len());
                    last = last.saturating_sub(messages.unwrap_or(u64::MAX));
                }
                let hint = connection.publish(APPENDED, &[], Bytes::new());
                drop(timeout(HEAD_START, hint).await);
            }
            Some(Outcome::NotStored) => {
                members.retain(|member| !member.progress.is_closed());
                let others = members.split_off(members.len() / 2);
                join_all([members, others].map(|half| send_half(connection.clone(), half))).await;
            }
            None => members
                .iter()
                .for_each(|member| member.tell(Progress::Unclear)),
        }
    }

    /// What the server says. `None`: only the log can tell.
    async fn outcome(&mut self) -> Option<Outcome> {
        let Some(ack) = &mut self.ack else {
            return Some(Outcome::NotStored);
        };
        let acknowledged = timeout_at(self.deadline, async {
            if let Some(acknowledged) = ack.acknowledged_while_connected().await {
                return acknowledged;
            }
            // It may still come, but nobody should rely on that.
            for member in &self.members {
                member.tell(Progress::Unclear);
            }
            ack.acknowledged().await
        });
        outcome(acknowledged.await.ok()?)
    }
}

/// A single one is left to whoever appends it, who then hears why.
fn send_half(connection: Connection, half: Vec<Member>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match half.as_slice() {
            [] => {}
            [only] => only.tell(Progress::Known(Outcome::NotStored)),
            _ => {
                let batch = SentBatch::send(&connection, half).await;
                batch.see_through(connection, None).await;
            }
        }
    })
}

fn outcome(acknowledged: Result<Acknowledgement, JetStreamError>) -> Option<Outcome> {
    match acknowledged {
        Ok(ack) if ack.stream == EVENT_STREAM && !ack.duplicate => {
            Some(Outcome::Stored(ack.sequence))
        }
        Ok(_)
        | Err(
            JetStreamError::Misunderstood { .. }
            | JetStreamError::NotConnected
            | JetStreamError::TimedOut { .. },
        ) => None,
        Err(
            JetStreamError::Refused { .. }
            | JetStreamError::NobodyThere { .. }
            | JetStreamError::Unavailable { .. }
            | JetStreamError::StreamNotFound { .. }
            | JetStreamError::NotPermitted { .. }
            | JetStreamError::TooLarge { .. },
        ) => Some(Outcome::NotStored),
    }
}
