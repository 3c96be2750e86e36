//! One stored message. It is believed to be an event only when it is decoded.

use assent_contract::codec::{self, DecodedEvent, Unreadable};
use assent_contract::event_hash::EventHash;
use assent_contract::names::aggregate_of_event_subject;
use assent_contract::structured::{LoggedMessage, is_transport_header};
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::JetStreamError;
use assent_messaging::jetstream::{Place, StoredMessage};
use jiff::Timestamp;

/// A message of the stream, as it is stored. Nothing of it is read before it is asked for.
#[derive(Clone, Debug)]
pub struct LogEntry(StoredMessage);

impl From<StoredMessage> for LogEntry {
    fn from(message: StoredMessage) -> Self {
        Self(message)
    }
}

/// A message that could not be stored as it is.
#[derive(Debug, thiserror::Error)]
#[error("message {sequence} can't be a message of a log")]
pub struct NoMessage {
    sequence: u64,
    #[source]
    source: JetStreamError,
}

impl LogEntry {
    /// A message as it is in an export of a log. When it was stored is not known: [`Self::recorded_at`] is the epoch.
    pub fn from_export(message: &LoggedMessage) -> Result<Self, NoMessage> {
        let LoggedMessage {
            sequence,
            subject,
            headers,
            body,
        } = message;
        StoredMessage::kept_elsewhere(*sequence, subject, headers, body.clone())
            .map(Self)
            .map_err(|source| NoMessage {
                sequence: *sequence,
                source,
            })
    }

    /// The message as it can be kept elsewhere: without the headers of the transport. Of several values of one header
    /// the order is kept.
    pub fn to_export(&self) -> LoggedMessage {
        let mut headers: Vec<_> = self.0.headers().collect();
        headers.retain(|(name, _)| !is_transport_header(name));
        headers.sort_by_key(|(name, _)| *name);
        LoggedMessage {
            sequence: self.sequence().0,
            subject: self.subject().to_owned(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: self.payload().to_vec(),
        }
    }

    /// The message's sequence in the log.
    pub fn sequence(&self) -> Sequence {
        Sequence(self.0.sequence())
    }

    /// The subject it is stored on.
    pub fn subject(&self) -> &str {
        self.0.subject()
    }

    /// Whose event it claims to be, by its subject; `None` for a subject that is not ours.
    pub fn aggregate(&self) -> Option<Aggregate> {
        aggregate_of_event_subject(self.subject())
    }

    /// When the server stored it, by the server's clock. A time that can't be is the epoch.
    pub fn recorded_at(&self) -> Timestamp {
        self.0.stored_at()
    }

    /// The trace that it was recorded in.
    pub fn traceparent(&self) -> Option<&str> {
        self.header("traceparent")
    }

    /// The message's body, as it is stored.
    pub fn payload(&self) -> &[u8] {
        self.0.payload()
    }

    /// The message's headers, as they are stored: in the order of their names, as the server keeps no other
    /// that a client could tell.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers: Vec<_> = self.0.headers().collect();
        headers.sort_unstable();
        headers
    }

    /// The event, if it can be read.
    pub fn decode(&self) -> Result<DecodedEvent, Unreadable> {
        codec::decode(self.subject(), |name| self.header(name), self.payload())
    }

    /// The hash that the next event on the subject has to name.
    pub fn hash(&self) -> EventHash {
        EventHash::compute(self.subject(), self.0.headers(), self.payload())
    }

    /// Where and when it was stored, by which the same sequence of another log is told apart.
    pub(crate) fn place(&self) -> Place {
        self.0.place()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }
}
