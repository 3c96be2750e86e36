//! When a refusal of JetStream's means that there is no room.

/// Of JetStream's numbers for what it refuses, those by which a store is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The stream holds as much as it may.
    Stream,
    /// The server, or our account on it, holds or has reserved as much as it may, so nothing else takes anything, either.
    Server,
}

impl Full {
    /// What follows from a refusal, if it is about space.
    pub(super) fn from_refusal(code: u64, description: &str) -> Option<Self> {
        match code {
            // It stands for whatever keeps a message from being stored; its words tell what.
            10_077 if description.contains("maximum bytes") => Some(Self::Stream),
            // Of an account, of a server, of a reservation.
            10_002 | 10_023 | 10_047 => Some(Self::Server),
            _ if description.contains("no space left") => Some(Self::Server),
            _ => None,
        }
    }
}
