//! A message of the stream, and what its headers say of where telling has got to.

use assent_contract::names::CHANGE_STREAM;
use bytes::Bytes;

use crate::jetstream::StoredMessage;
use crate::message::Message;

/// The header that names the log: its stream, when that was created, and whatever tells the log
/// apart from what it was before it was set back.
pub const SOURCE: &str = "Assent-Source";
/// The header with the sequence, in the log, as of which a message is true.
pub const SEQUENCE: &str = "Assent-Sequence";
/// The header with the event up to which all is told.
pub(super) const TOLD_THROUGH: &str = "Assent-Told-Through";
/// The header with the hash of that event: a log that was set back uses its sequences again.
pub(super) const TOLD_HASH: &str = "Assent-Told-Hash";
/// The header that is there while all that stands is told anew, and says how far that is.
pub(super) const MENDED_THROUGH: &str = "Assent-Mended-Through";

/// Written by the server into what it republishes.
const NATS_STREAM: &str = "Nats-Stream";
const NATS_SEQUENCE: &str = "Nats-Sequence";

/// Where telling has got to. Every message of ours carries it, so that the last one tells it to
/// whoever goes on, and nothing has to be remembered elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The log that is told of.
    pub log: String,
    /// The event up to which all is told.
    pub through: u64,
    /// The hash of that event.
    pub hash: String,
    /// How far telling all anew is, while that is under way.
    pub mending: Option<String>,
}

/// What the headers of a message say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Nothing that a publisher of ours writes.
    Missing,
    /// A log and a sequence alone: as messages were before each carried the whole position.
    Old {
        /// The log.
        source: String,
        /// The event that made the change.
        sequence: u64,
    },
    /// All of it.
    Full {
        /// As of which event the message is true.
        sequence: u64,
        /// Where telling has got to with this message.
        position: Position,
    },
}

/// A message that the stream keeps, or that was heard on a subject of changes: ours or not.
#[derive(Clone, Debug)]
pub struct Told {
    /// The message's sequence in the stream; `None` for one that was heard and is in no stream.
    pub stream_sequence: Option<u64>,
    /// The public subject.
    pub subject: String,
    /// What it says.
    pub payload: Bytes,
    /// What its headers say.
    pub stamp: Stamp,
}

impl Told {
    /// A message that was heard live.
    pub fn heard(message: &Message) -> Self {
        let stored = message.header(NATS_STREAM) == Some(CHANGE_STREAM);
        let sequence = message.header(NATS_SEQUENCE).filter(|_| stored);
        Self {
            stream_sequence: sequence.and_then(|sequence| sequence.parse().ok()),
            subject: message.subject.clone(),
            stamp: stamp(|name| message.header(name)),
            payload: message.payload.clone(),
        }
    }

    pub(super) fn kept(message: &StoredMessage) -> Self {
        Self {
            stream_sequence: Some(message.sequence()),
            subject: message.subject().to_owned(),
            stamp: stamp(|name| message.header(name)),
            payload: message.payload().clone(),
        }
    }
}

fn stamp<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Stamp {
    let number = |name| header(name).and_then(|value| value.parse::<u64>().ok());
    let (Some(source), Some(sequence)) = (header(SOURCE), number(SEQUENCE)) else {
        return Stamp::Missing;
    };
    match (
        header(TOLD_THROUGH),
        number(TOLD_THROUGH),
        header(TOLD_HASH),
    ) {
        (None, _, None) => Stamp::Old {
            source: source.to_owned(),
            sequence,
        },
        (Some(_), Some(through), Some(hash)) => Stamp::Full {
            sequence,
            position: Position {
                log: source.to_owned(),
                through,
                hash: hash.to_owned(),
                mending: header(MENDED_THROUGH).map(str::to_owned),
            },
        },
        (Some(_), _, _) | (None, _, Some(_)) => Stamp::Missing,
    }
}
