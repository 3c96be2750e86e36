//! Messages of a stream, asked for in batches (direct get, ADR-31 of NATS).
//!
//! There is no consumer: whoever creates one names the subject that it delivers to (`deploy/nats`). The server never
//! sends more than was asked for, so a slow reader needs no flow control. Any server that keeps the stream answers, so
//! what was acknowledged a moment ago may be missing from an answer.

use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::coop::unconstrained;
use tokio::time::timeout;

use super::{JetStreamError, StoredMessage};
use crate::connection::Connection;
use crate::denials;
use crate::message::SubscribeError;

/// What ends a batch: a message without content, with this status.
const END_OF_BATCH: u16 = 204;

/// Batches of one stream, one at a time.
#[derive(Debug)]
pub struct Batches {
    connection: Connection,
    api: String,
    inbox: String,
    answers: Subscriber,
    complaints: watch::Receiver<Option<String>>,
    asked: u64,
}

/// What a batch brings.
#[derive(Clone, Debug)]
pub enum Batched {
    /// A message.
    Message {
        /// The message.
        message: StoredMessage,
        /// How many more there are after it, in this batch and beyond.
        pending: u64,
    },
    /// The batch is over.
    End {
        /// How many more there are beyond it.
        pending: u64,
    },
    /// The stream can't be asked in batches, or not any more: it is gone, this user may not ask, the answer can't be read, or
    /// the connection is closed.
    Broken,
}

#[derive(Serialize)]
struct Question<'a> {
    seq: u64,
    batch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_by_subj: Option<&'a str>,
}

impl Connection {
    /// Whether a stream may be asked in batches. Nothing is heard of a batch that is denied.
    pub async fn require_batches(
        &self,
        stream: &str,
        deadline: Duration,
    ) -> Result<(), JetStreamError> {
        let question = serde_json::json!({ "seq": 1 }).to_string();
        let api = format!("$JS.API.DIRECT.GET.{stream}");
        self.request(&api, question.into(), None, deadline).await?;
        Ok(())
    }

    /// Prepares to ask a stream in batches; nothing is asked yet.
    pub async fn batches(&self, stream: &str) -> Result<Batches, JetStreamError> {
        let inbox = self.client().new_inbox();
        let answers = self.plain_subscribe(&format!("{inbox}.*")).await;
        Ok(Batches {
            connection: self.clone(),
            api: format!("$JS.API.DIRECT.GET.{stream}"),
            inbox,
            answers: answers.map_err(|error| match error {
                SubscribeError::NotConnected { .. } => JetStreamError::NotConnected,
                SubscribeError::BadSubject { source, .. } => {
                    JetStreamError::misunderstood(stream, source)
                }
            })?,
            complaints: self.permission_violations(),
            asked: 0,
        })
    }
}

impl Batches {
    /// Asks for up to `most` messages from a sequence on, of one subject or of all. What is still to come of an earlier
    /// batch is passed over.
    pub async fn ask(
        &mut self,
        from: u64,
        subject: Option<&str>,
        most: usize,
        deadline: Duration,
    ) -> Result<(), JetStreamError> {
        let question = Question {
            seq: from,
            batch: most,
            next_by_subj: subject,
        };
        let question = serde_json::to_vec(&question)
            .map_err(|error| JetStreamError::misunderstood(&self.api, error))?;
        self.asked = self.asked.wrapping_add(1);
        let reply = format!("{}.{}", self.inbox, self.asked);
        let client = self.connection.client();
        let sent = client.publish_with_reply(self.api.clone(), reply, question.into());
        match timeout(deadline, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(JetStreamError::NotConnected),
        }
    }

    /// The next thing that the batch brings. The caller sees to the deadline.
    pub async fn next(&mut self) -> Batched {
        loop {
            let message = tokio::select! {
                biased;
                message = self.answers.next() => message,
                Ok(()) = self.complaints.changed() => {
                    let complaint = self.complaints.borrow_and_update();
                    let is_about_us =
                        complaint.as_ref().is_some_and(|text| denials::is_about_publishing(text, &self.api));
                    if is_about_us {
                        return Batched::Broken;
                    }
                    continue;
                }
            };
            let Some(message) = message else {
                return Batched::Broken;
            };
            if let Some(batched) = self.read(message) {
                return batched;
            }
        }
    }

    /// The next thing that the batch brings, if it is there already. Tokio makes a task that takes many messages in a row
    /// yield now and then, which would look like nothing being there.
    pub fn next_if_there(&mut self) -> Option<Batched> {
        loop {
            let Some(message) = unconstrained(self.answers.next()).now_or_never()? else {
                return Some(Batched::Broken);
            };
            let batched = self.read(message);
            if batched.is_some() {
                return batched;
            }
        }
    }

    /// `None` for what belongs to an earlier batch.
    fn read(&self, message: Message) -> Option<Batched> {
        let number = message.subject.rsplit('.').next()?.parse().ok();
        if number != Some(self.asked) {
            return None;
        }
        let pending = pending(&message);
        Some(match message.status.map(|status| status.as_u16()) {
            None => match StoredMessage::from_direct(message) {
                Some(message) => Batched::Message {
                    message,
                    pending: pending.unwrap_or(0),
                },
                None => Batched::Broken,
            },
            Some(END_OF_BATCH) => Batched::End {
                pending: pending.unwrap_or(0),
            },
            // There is nothing from there on.
            Some(status) if status == StatusCode::NOT_FOUND.as_u16() => Batched::End { pending: 0 },
            // There is no such stream, or it is not reachable.
            Some(_) => Batched::Broken,
        })
    }
}

fn pending(message: &Message) -> Option<u64> {
    let headers = message.headers.as_ref()?;
    headers.get("Nats-Num-Pending")?.as_str().parse().ok()
}
