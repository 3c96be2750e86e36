//! How far telling all anew is, as each message of it says.

use std::fmt;

use assent_contract::names;
use assent_domain::event::Aggregate;

/// How far telling all anew is: first "nothing" of those whom the log does not know, then all that
/// it does know. Each message says it, so that whoever comes next goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RepublishProgress {
    Begun,
    Unknown(Aggregate),
    Known(Aggregate),
}

impl fmt::Display for RepublishProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun => f.write_str("begun"),
            Self::Unknown(last) => write!(f, "unknown {}", names::change_subject(last)),
            Self::Known(last) => write!(f, "known {}", names::change_subject(last)),
        }
    }
}

impl RepublishProgress {
    /// What can't be read begins anew.
    pub(super) fn parse(text: &str) -> Self {
        let aggregate = |subject| names::aggregate_of_change_subject(subject);
        match text.split_once(' ') {
            Some(("unknown", subject)) => aggregate(subject).map_or(Self::Begun, Self::Unknown),
            Some(("known", subject)) => aggregate(subject).map_or(Self::Begun, Self::Known),
            Some(_) | None => Self::Begun,
        }
    }
}
