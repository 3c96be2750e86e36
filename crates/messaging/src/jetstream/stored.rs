//! Messages as a stream stores them, read one by one from the stream's leader.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessage;
use async_nats::{HeaderMap, HeaderValue, Message, Subject};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::JetStreamError;
use crate::connection::Connection;
use crate::message::parse_headers;

/// A message that a stream holds.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    sequence: u64,
    stored_at: Timestamp,
    subject: Subject,
    headers: Option<HeaderMap>,
    payload: Bytes,
}

/// Where and when a message was stored: tells it from any other, also of a stream that was created anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The message's sequence in its stream.
    pub sequence: u64,
    /// When the server stored it, to the nanosecond.
    pub stored_at: Timestamp,
}

impl StoredMessage {
    fn from_raw(message: StreamMessage) -> Self {
        let nanoseconds = message.time.unix_timestamp_nanos();
        Self {
            sequence: message.sequence,
            // A time that can't be is the epoch.
            stored_at: Timestamp::from_nanosecond(nanoseconds).unwrap_or_default(),
            subject: message.subject,
            headers: Some(message.headers),
            payload: message.payload,
        }
    }

    /// A message as it was kept elsewhere, when it was stored being unknown. An error for a subject or a header that no
    /// message can have.
    pub fn kept_elsewhere(
        sequence: u64,
        subject: &str,
        headers: &[(String, String)],
        payload: impl Into<Bytes>,
    ) -> Result<Self, JetStreamError> {
        let headers = parse_headers(headers)
            .map_err(|error| JetStreamError::misunderstood(subject, error))?;
        if subject.is_empty() || subject.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(JetStreamError::misunderstood(
                subject,
                "no subject of a message",
            ));
        }
        Ok(Self {
            sequence,
            stored_at: Timestamp::UNIX_EPOCH,
            subject: subject.into(),
            headers: Some(headers),
            payload: payload.into(),
        })
    }

    /// A message as a direct get gives it: what the server says about it is in headers that begin with `Nats-`.
    pub(super) fn from_direct(message: Message) -> Option<Self> {
        let header = |name| header(message.headers.as_ref(), name);
        Some(Self {
            sequence: header("Nats-Sequence")?.parse().ok()?,
            stored_at: header("Nats-Time-Stamp")?.parse().ok()?,
            subject: header("Nats-Subject")?.into(),
            headers: message.headers,
            payload: message.payload,
        })
    }

    /// The message's sequence in its stream.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When the server stored it, by the server's clock.
    pub fn stored_at(&self) -> Timestamp {
        self.stored_at
    }

    /// Where and when it was stored.
    pub fn place(&self) -> Place {
        Place {
            sequence: self.sequence,
            stored_at: self.stored_at,
        }
    }

    /// The subject it is stored on.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The value of a header; the first, where there are several. Names are case-sensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers.as_ref(), name)
    }

    /// All headers, in no particular order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter().flat_map(HeaderMap::iter);
        headers.flat_map(|(name, values)| {
            let name: &str = name.as_ref();
            values.iter().map(move |value| (name, value.as_str()))
        })
    }

    /// The message's body.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }
}

fn header<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    headers?.get(name).map(HeaderValue::as_str)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Get<'a> {
    At { seq: u64 },
    Last { last_by_subj: &'a str },
    Next { seq: u64, next_by_subj: &'a str },
}

#[derive(Deserialize)]
struct Got {
    message: RawMessage,
}

impl Connection {
    /// The message of a stream with this sequence, read from the stream's leader: what was acknowledged before is seen.
    pub async fn message_at(
        &self,
        stream: &str,
        sequence: u64,
        deadline: Duration,
    ) -> Result<Option<StoredMessage>, JetStreamError> {
        self.get(stream, &Get::At { seq: sequence }, deadline).await
    }

    /// The last message of a stream on a subject, read from the stream's leader. A direct get might be answered by a
    /// replica that has not heard of it yet.
    pub async fn last_message(
        &self,
        stream: &str,
        subject: &str,
        deadline: Duration,
    ) -> Result<Option<StoredMessage>, JetStreamError> {
        let last = Get::Last {
            last_by_subj: subject,
        };
        self.get(stream, &last, deadline).await
    }

    /// The first message of a stream on a subject from a sequence on, read from the stream's leader.
    pub async fn next_message(
        &self,
        stream: &str,
        subject: &str,
        from: u64,
        deadline: Duration,
    ) -> Result<Option<StoredMessage>, JetStreamError> {
        let next = Get::Next {
            seq: from,
            next_by_subj: subject,
        };
        self.get(stream, &next, deadline).await
    }

    async fn get(
        &self,
        stream: &str,
        which: &Get<'_>,
        deadline: Duration,
    ) -> Result<Option<StoredMessage>, JetStreamError> {
        let api = format!("STREAM.MSG.GET.{stream}");
        match self.call::<Got>(&api, which, deadline).await {
            Ok(Got { message }) => StreamMessage::try_from(message)
                .map(|message| Some(StoredMessage::from_raw(message)))
                .map_err(|error| JetStreamError::misunderstood(stream, error)),
            Err(error) if error.is_no_message() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
