//! Storing messages in a stream: sent, then acknowledged.

use std::borrow::Cow;

use async_nats::HeaderMap;
use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE,
    NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM,
    NATS_MESSAGE_ID,
};
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{DEADLINE, JetStreamError, parse_answer};
use crate::connection::{Connection, ConnectionState};
use crate::denials;
use crate::message::parse_headers;
use crate::replies::ExpectedReply;
use crate::request::{publish_error, reply_to};

/// Messages for one stream, stored all together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// The stream that has to store them; `None`: whichever takes their subject.
    pub stream: Option<&'static str>,
    /// The messages. Where there are several, the first one's id names the batch, unless `batch` does.
    pub messages: Vec<NewMessage>,
    /// What the batch is called, where there are several messages: no two batches under way may have one name.
    pub batch: Option<String>,
}

/// On what condition a message, and all that it is appended with, is stored.
///
/// The server holds every message of an append against what was stored before it, and refuses a second condition about
/// one subject: of several messages on a subject, the first alone may have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// On none.
    #[default]
    Anything,
    /// The last message on the message's subject has this sequence; 0: there is none.
    LastOnSubject(u64),
    /// The last message of the whole stream has this sequence.
    LastOfStream(u64),
}

/// A message to be stored.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// Where it is stored.
    pub subject: String,
    /// By which the server recognises a repetition, for as long as the stream's duplicate window.
    pub id: Option<String>,
    /// What the stream has to be like.
    pub expected: Expected,
    /// Names and values.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The message's body.
    pub payload: Bytes,
}

/// What the server says about stored messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Acknowledgement {
    /// The stream that stored them.
    pub stream: String,
    /// The sequence of the last one. All messages of an append are next to each other.
    #[serde(rename = "seq")]
    pub sequence: u64,
    /// Whether it was stored before, by its id.
    #[serde(default)]
    pub duplicate: bool,
}

/// An append that was sent. Dropping it forgets about the acknowledgement.
#[derive(Debug)]
pub struct PendingAck {
    subject: String,
    reply: ExpectedReply,
    complaints: watch::Receiver<Option<String>>,
    states: watch::Receiver<ConnectionState>,
}

impl PendingAck {
    /// Waits for the acknowledgement; the caller sees to the deadline. [`JetStreamError::NotConnected`]: the connection
    /// was closed, and nobody knows.
    pub async fn acknowledged(&mut self) -> Result<Acknowledgement, JetStreamError> {
        loop {
            tokio::select! {
                biased;
                reply = reply_to(&self.subject, &mut self.reply) => {
                    return parse_answer(&self.subject, &reply?.payload);
                }
                Ok(()) = self.complaints.changed() => {
                    let complaint = self.complaints.borrow_and_update().clone();
                    let denied = |text: &String| denials::is_about_publishing(text, &self.subject);
                    if let Some(complaint) = complaint.filter(denied) {
                        return Err(JetStreamError::NotPermitted { complaint });
                    }
                }
            }
        }
    }

    /// Waits for the acknowledgement until the connection is lost or back: `None`, though it may still come.
    pub async fn acknowledged_while_connected(
        &mut self,
    ) -> Option<Result<Acknowledgement, JetStreamError>> {
        let mut states = self.states.clone();
        tokio::select! {
            biased;
            acknowledged = self.acknowledged() => Some(acknowledged),
            Ok(()) = states.changed() => None,
        }
    }
}

impl Connection {
    /// Sends messages to the stream that takes their subjects. An error means that nothing was sent that will be stored.
    pub async fn send_append(
        &self,
        append: Append,
        deadline: Instant,
    ) -> Result<PendingAck, JetStreamError> {
        if self.state() == ConnectionState::Disconnected {
            return Err(JetStreamError::NotConnected);
        }
        let mut messages = prepare(append)?;
        let Some((subject, headers, payload)) = messages.pop() else {
            return Err(JetStreamError::misunderstood("an append", "no message"));
        };
        let reply = self.replies().expect();
        let pending = PendingAck {
            // Listened to from before anything is sent.
            complaints: self.permission_violations(),
            states: self.state_changes(),
            subject: subject.clone(),
            reply,
        };
        let sending = async {
            let client = self.client();
            // Only the last message asks for an answer; what precedes it is not stored without it.
            for (subject, headers, payload) in messages {
                client
                    .publish_with_headers(subject, headers, payload)
                    .await?;
            }
            let reply = pending.reply.subject.clone();
            client
                .publish_with_reply_and_headers(subject, reply, headers, payload)
                .await
        };
        match timeout_at(deadline, sending).await {
            Ok(Ok(())) => Ok(pending),
            Ok(Err(error)) => Err(publish_error(&pending.subject, error).into()),
            // In time or not at all: the connection's queue is full, and the message that would have committed the
            // append is not in it.
            Err(_) => Err(JetStreamError::NotConnected),
        }
    }

    /// Stores messages; the sequence of the last one.
    pub(crate) async fn append(&self, append: Append) -> Result<u64, JetStreamError> {
        let deadline = Instant::now() + DEADLINE;
        let mut pending = self.send_append(append, deadline).await?;
        match timeout_at(deadline, pending.acknowledged()).await {
            Ok(acknowledged) => Ok(acknowledged?.sequence),
            Err(_) => Err(self.unanswered(&pending.subject, DEADLINE).into()),
        }
    }
}

/// Subject, headers and body of each message.
fn prepare(append: Append) -> Result<Vec<(String, HeaderMap, Bytes)>, JetStreamError> {
    let Append {
        stream,
        messages,
        batch,
    } = append;
    let size = messages.len();
    let batch = batch.or_else(|| messages.first().and_then(|first| first.id.clone()));
    let batch = batch.filter(|_| 1 < size);
    let mut prepared = Vec::with_capacity(size);
    for (number, message) in (1..).zip(messages) {
        let mut headers = parse_headers(&message.headers)
            .map_err(|error| JetStreamError::misunderstood(&message.subject, error))?;
        if let Some(id) = message.id {
            headers.insert(NATS_MESSAGE_ID, id);
        }
        if let Some(stream) = stream {
            headers.insert(NATS_EXPECTED_STREAM, stream);
        }
        match message.expected {
            Expected::LastOnSubject(last) => {
                headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
            }
            Expected::LastOfStream(last) => {
                headers.insert(NATS_EXPECTED_LAST_SEQUENCE, last.to_string());
            }
            Expected::Anything => {}
        }
        if let Some(batch) = &batch {
            headers.insert(NATS_BATCH_ID, batch.as_str());
            headers.insert(NATS_BATCH_SEQUENCE, number.to_string());
            if number == size {
                headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
            }
        }
        prepared.push((message.subject, headers, message.payload));
    }
    Ok(prepared)
}
