//! What is kept in JetStream, and where: the one list of it.

use std::fmt;

use crate::names::{
    CHANGE_STREAM, EVENT_STREAM, FLOW_BUCKET, HAND_OFF_BUCKET, OBSERVATION_BUCKET,
    OPERATION_STREAM, SESSION_BUCKET,
};

/// A stream or bucket of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// The event log.
    Events,
    /// What operators did with it.
    Operations,
    /// The last change of each account and user: derived from the log.
    Changes,
    /// The flows under way.
    Flows,
    /// The sessions of the settings pages.
    Sessions,
    /// The links for administrators, and what ended of whom.
    HandOffs,
    /// What was learnt of Microsoft, and the mark of the log's end.
    Observations,
}

impl Store {
    /// All of them, the log first.
    pub const ALL: [Self; 7] = [
        Self::Events,
        Self::Operations,
        Self::Changes,
        Self::Flows,
        Self::Sessions,
        Self::HandOffs,
        Self::Observations,
    ];

    /// The key-value buckets among them.
    pub const BUCKETS: [Self; 4] = [
        Self::Flows,
        Self::Sessions,
        Self::HandOffs,
        Self::Observations,
    ];

    /// Its public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => EVENT_STREAM,
            Self::Operations => OPERATION_STREAM,
            Self::Changes => CHANGE_STREAM,
            Self::Flows => FLOW_BUCKET,
            Self::Sessions => SESSION_BUCKET,
            Self::HandOffs => HAND_OFF_BUCKET,
            Self::Observations => OBSERVATION_BUCKET,
        }
    }

    /// Whether it is a key-value bucket.
    pub const fn is_bucket(self) -> bool {
        match self {
            Self::Events | Self::Operations | Self::Changes => false,
            Self::Flows | Self::Sessions | Self::HandOffs | Self::Observations => true,
        }
    }

    /// The stream that it is to JetStream.
    pub fn stream(self) -> String {
        let prefix = if self.is_bucket() { "KV_" } else { "" };
        format!("{prefix}{}", self.name())
    }
}

/// As people call it: "bucket CONSENT_FLOWS".
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_bucket() { "bucket" } else { "stream" };
        write!(f, "{kind} {}", self.name())
    }
}
