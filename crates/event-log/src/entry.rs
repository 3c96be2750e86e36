//! One stored message. It is believed to be an event only when it is decoded.

use assent_contract::codec::{self, DecodedEvent, Unreadable};
use assent_contract::event_hash::EventHash;
use assent_contract::names::aggregate_of_event_subject;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use async_nats::jetstream::message::StreamMessage;
use async_nats::{HeaderMap, Message, Subject};
use bytes::Bytes;
use jiff::Timestamp;

/// A message of the stream, as it is stored. Nothing of it is read before it is asked for.
#[derive(Clone, Debug)]
pub struct LogEntry {
    sequence: Sequence,
    /// Of the Unix epoch, as the server tells it.
    nanoseconds: i128,
    subject: Subject,
    headers: Option<HeaderMap>,
    payload: Bytes,
}

impl LogEntry {
    pub(crate) fn from_stream(message: StreamMessage) -> Self {
        Self {
            sequence: Sequence(message.sequence),
            nanoseconds: message.time.unix_timestamp_nanos(),
            subject: message.subject,
            headers: Some(message.headers),
            payload: message.payload,
        }
    }

    /// A message that came with what the server says about it in headers: their names begin with
    /// `Nats-`, and none of them is part of an event.
    pub(crate) fn given(
        sequence: Sequence,
        nanoseconds: i128,
        subject: Subject,
        message: Message,
    ) -> Self {
        Self {
            sequence,
            nanoseconds,
            subject,
            headers: message.headers,
            payload: message.payload,
        }
    }

    /// Its place in the log.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The subject it is stored on.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whose event it claims to be, by its subject; `None` for a subject that is not ours.
    pub fn aggregate(&self) -> Option<Aggregate> {
        aggregate_of_event_subject(&self.subject)
    }

    /// When the server stored it, by the server's clock. A time that can't be is the epoch.
    pub fn recorded_at(&self) -> Timestamp {
        Timestamp::from_nanosecond(self.nanoseconds).unwrap_or_default()
    }

    /// The trace that it was recorded in.
    pub fn traceparent(&self) -> Option<&str> {
        self.header("traceparent")
    }

    /// Its body, as it is stored.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Its headers, as they are stored: in the order of their names, as the server keeps no other
    /// that a client could tell.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers: Vec<_> = self.all_headers().collect();
        headers.sort_unstable();
        headers
    }

    /// The event, if it can be read.
    pub fn decode(&self) -> Result<DecodedEvent, Unreadable> {
        codec::decode(&self.subject, |name| self.header(name), &self.payload)
    }

    /// The hash that the next event on the subject has to name.
    pub fn hash(&self) -> EventHash {
        EventHash::compute(&self.subject, self.all_headers(), &self.payload)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter().flat_map(HeaderMap::iter);
        headers.flat_map(|(name, values)| {
            let name: &str = name.as_ref();
            values.iter().map(move |value| (name, value.as_str()))
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.as_ref()?.get(name)?;
        Some(value.as_str())
    }
}
