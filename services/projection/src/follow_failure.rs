//! Why the log is not followed, what to do about it, and how to tell it.

use assent_contract::names;
use assent_domain::ids::Sequence;
use assent_event_log::{FollowError, OpenError, ReadError};
use assent_permission_store::ApplyError;
use assent_service_kit::error_chain::with_sources;

use crate::served_view::as_metric;

/// Why following stopped, for now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowFailure {
    #[error("the event log can't be opened")]
    Open(#[source] OpenError),
    #[error("the event log can't be read")]
    Read(#[source] ReadError),
    #[error("the event log can't be followed")]
    Follow(#[source] FollowError),
    #[error("the view can't be opened")]
    View(#[source] assent_permission_store::OpenError),
    #[error("the view can't be written")]
    Apply(#[source] ApplyError),
    #[error("the log has another event where the view has {0}")]
    OtherEvents(Sequence),
    #[error("a reader found the view damaged")]
    Damaged,
    #[error("a record that the view rests on, of a message that is void, is gone")]
    VoidGone,
    #[error("what runs beside following the log ended")]
    Ended,
    #[error("the view was not built: the program is stopping")]
    Stopping,
}

/// Whether the view can still be believed.
pub(crate) enum Recovery {
    /// Follow again from where it is.
    Resume,
    /// It is not of this log, or damaged.
    Rebuild,
}

/// The log, compared with what it was.
pub(crate) enum Log {
    /// The same, as far as is known.
    AsItWas,
    /// Not there.
    Gone,
    /// Another one, or set back to an earlier state.
    Another,
}

impl FollowFailure {
    pub(crate) fn recovery(&self) -> Recovery {
        match self {
            Self::Damaged
            | Self::OtherEvents(_)
            | Self::Apply(ApplyError::Damaged(_))
            | Self::Follow(FollowError::StreamReplaced { .. } | FollowError::RolledBack { .. }) => {
                Recovery::Rebuild
            }
            Self::Open(_)
            | Self::Read(_)
            | Self::View(_)
            | Self::VoidGone
            | Self::Ended
            | Self::Stopping
            | Self::Apply(ApplyError::Gap { .. })
            | Self::Follow(
                FollowError::Gap { .. } | FollowError::NotThere | FollowError::Refused(_),
            ) => Recovery::Resume,
        }
    }

    /// Whether the log is gone, or another one than it was. Until there is a view of the one that
    /// there is, what the view says must not be answered.
    pub(crate) fn log_is(&self) -> Log {
        match self {
            Self::Open(OpenError::NotThere)
            | Self::Read(ReadError::NotThere)
            | Self::Follow(FollowError::NotThere) => Log::Gone,
            Self::OtherEvents(_)
            | Self::Follow(FollowError::StreamReplaced { .. } | FollowError::RolledBack { .. }) => {
                Log::Another
            }
            Self::Open(_)
            | Self::Read(_)
            | Self::Follow(_)
            | Self::View(_)
            | Self::Apply(_)
            | Self::Damaged
            | Self::VoidGone
            | Self::Ended
            | Self::Stopping => Log::AsItWas,
        }
    }

    /// Counts it. A gap is shown by its place: somebody has to restore the event that is missing.
    pub(crate) fn report(&self) {
        metrics::counter!("assent_projection_troubles_total").increment(1);
        if let Self::Follow(FollowError::Gap { sequence }) = self {
            tracing::error!(operator_alarm = "gap", %sequence, "an event is missing from the log");
            metrics::gauge!("assent_projection_gap_at_sequence").set(as_metric(sequence.0));
        }
        let incident = match self {
            Self::Follow(FollowError::RolledBack { .. }) => "event_log_cut_short",
            Self::OtherEvents(_) | Self::Follow(FollowError::StreamReplaced { .. }) => {
                "event_log_replaced"
            }
            Self::Open(_)
            | Self::Read(_)
            | Self::Follow(_)
            | Self::View(_)
            | Self::Apply(_)
            | Self::Damaged
            | Self::VoidGone
            | Self::Ended
            | Self::Stopping => return,
        };
        tracing::error!(operator_alarm = incident, error = %with_sources(self), "the log is not the one that was followed");
    }

    /// The event that nothing goes on without.
    pub(crate) fn missing(&self) -> Option<Sequence> {
        match self {
            Self::Follow(FollowError::Gap { sequence }) => Some(*sequence),
            Self::Open(_)
            | Self::Read(_)
            | Self::Follow(_)
            | Self::View(_)
            | Self::Apply(_)
            | Self::OtherEvents(_)
            | Self::Damaged
            | Self::VoidGone
            | Self::Ended
            | Self::Stopping => None,
        }
    }

    /// What an operator reads in `/readyz`.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Open(OpenError::NotThere)
            | Self::Read(ReadError::NotThere)
            | Self::Follow(FollowError::NotThere) => format!(
                "stream {} does not exist yet: start consent-gateway",
                names::EVENT_STREAM
            ),
            Self::Follow(FollowError::Gap { sequence }) => waits_for(*sequence),
            Self::Follow(error @ FollowError::RolledBack { .. }) => {
                format!("event_log_cut_short: {error}; restore the stream from a backup")
            }
            Self::Follow(error @ FollowError::StreamReplaced { .. }) => {
                format!("event_log_replaced: {error}; restore the stream from a backup")
            }
            Self::Open(_)
            | Self::Read(_)
            | Self::Follow(_)
            | Self::View(_)
            | Self::Apply(_)
            | Self::OtherEvents(_)
            | Self::Damaged
            | Self::VoidGone
            | Self::Ended
            | Self::Stopping => with_sources(self).to_string(),
        }
    }
}

/// What an operator reads while an event is missing.
pub(crate) fn waits_for(sequence: Sequence) -> String {
    format!(
        "event {sequence} is missing from the log, or damaged in it: nothing after it is applied; restore the stream \
         from a backup"
    )
}
