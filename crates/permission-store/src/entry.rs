//! What comes in from the log, and what is told after it was applied.

use assent_domain::event::{Aggregate, Event};
use assent_domain::ids::Sequence;
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::PermissionSet;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub sequence: Sequence,
    /// The account or user that its subject names; `None` where it names neither.
    pub aggregate: Option<Aggregate>,
    /// What it says.
    pub content: Content,
    /// The hash by which the next event on its subject names it: a log that was rolled back uses sequences again.
    pub hash: [u8; 32],
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// This happened.
    Event(Event),
    /// Something that can't be read, and might take a permission away.
    Unreadable,
    /// Nothing: it is no event, and an operator declared it void.
    Void,
}

/// An account or user that is different from an event on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateChange {
    /// Who.
    pub aggregate: Aggregate,
    /// The event.
    pub sequence: Sequence,
    /// The company's authorization method as of that event.
    pub method: AuthorizationMethod,
    /// What may be done for the user as of that event; `None` where the company changed.
    pub effective: Option<PermissionSet>,
}
