//! The mark of the log's end, which the gateway keeps beside the log: an event that is known to be in it.

use assent_contract::event_hash::EventHash;
use assent_domain::ids::Sequence;
use serde::{Deserialize, Serialize};

use crate::stream::StreamIdentity;

/// An event that is known to be in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Of which log, as the server writes when it was created.
    created: String,
    /// Its place.
    sequence: u64,
    /// What is there.
    hash: String,
}

impl Mark {
    /// The key of the mark, among what is learnt beside the log.
    pub const KEY: &str = "event-log";

    /// The mark of an event: the log it is in, its place and its hash.
    pub fn new(log: &StreamIdentity, sequence: Sequence, hash: EventHash) -> Self {
        Self {
            created: log.to_string(),
            sequence: sequence.0,
            hash: hash.to_string(),
        }
    }

    /// Which log it is of.
    pub fn log(&self) -> StreamIdentity {
        StreamIdentity::new(self.created.as_str())
    }

    /// The event's place in it.
    pub fn sequence(&self) -> Sequence {
        Sequence(self.sequence)
    }

    /// Whether it is of an event with this hash.
    pub fn is_of(&self, hash: EventHash) -> bool {
        self.hash == hash.to_string()
    }

    /// Whether the other one is of the same log, and later.
    pub fn is_before(&self, other: &Self) -> bool {
        self.created == other.created && self.sequence < other.sequence
    }
}
