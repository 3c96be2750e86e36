//! A message on a subject of changes that is not as it should be.

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_messaging::Told;

use super::judge::{Believed, believed};

/// A message that has to be told over: it is not one of ours, or not true, or not any more.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// `None` where it was only heard.
    pub(super) stream_sequence: Option<u64>,
    pub(super) subject: String,
    /// What a listener may have taken from it.
    pub(super) believed: Option<Believed>,
    /// Somebody else's. What a replica of ours told of somebody who was unblocked since is not.
    pub(super) is_foreign: bool,
}

impl Finding {
    /// Of somebody of whom the stream keeps nothing that is ours.
    pub(super) fn untold(aggregate: &Aggregate) -> Self {
        Self {
            stream_sequence: None,
            subject: names::change_subject(aggregate),
            believed: None,
            is_foreign: false,
        }
    }

    /// What one of ours told before a message that blocked somebody was declared void.
    pub(super) fn of_ours(told: &Told) -> Self {
        Self {
            is_foreign: false,
            ..Self::from(told)
        }
    }
}

impl From<&Told> for Finding {
    fn from(told: &Told) -> Self {
        Self {
            stream_sequence: told.stream_sequence,
            subject: told.subject.clone(),
            believed: believed(told),
            is_foreign: true,
        }
    }
}
