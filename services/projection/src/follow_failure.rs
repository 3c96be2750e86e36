//! Why the log is not followed, what to do about it, and how to tell it.

use assent_contract::names;
use assent_contract::words::OperatorAlarm;
use assent_domain::ids::Sequence;
use assent_event_log::{FollowError, OpenError, ReadError};
use assent_metrics::projection::{GAP_AT_SEQUENCE, TROUBLES};
use assent_permission_store::ApplyError;
use assent_service_kit::error_chain::with_sources;

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
    /// The log that it was, as far as is known.
    AsItWas,
    /// Not there.
    Gone,
    /// Another one, or set back to an earlier state.
    Another,
}

impl FollowFailure {
    /// What it means for the view and for the log, and the alarm where the log is another one.
    const fn classify(&self) -> (Recovery, Log, Option<OperatorAlarm>) {
        match self {
            Self::Damaged | Self::Apply(ApplyError::Damaged(_)) => {
                (Recovery::Rebuild, Log::AsItWas, None)
            }
            Self::OtherEvents(_) | Self::Follow(FollowError::StreamReplaced { .. }) => (
                Recovery::Rebuild,
                Log::Another,
                Some(OperatorAlarm::EventLogReplaced),
            ),
            Self::Follow(FollowError::RolledBack { .. }) => (
                Recovery::Rebuild,
                Log::Another,
                Some(OperatorAlarm::EventLogCutShort),
            ),
            Self::Open(OpenError::NotThere)
            | Self::Read(ReadError::NotThere)
            | Self::Follow(FollowError::NotThere) => (Recovery::Resume, Log::Gone, None),
            Self::Open(_)
            | Self::Read(_)
            | Self::View(_)
            | Self::VoidGone
            | Self::Ended
            | Self::Stopping
            | Self::Apply(ApplyError::Gap { .. })
            | Self::Follow(FollowError::Gap { .. } | FollowError::Refused(_)) => {
                (Recovery::Resume, Log::AsItWas, None)
            }
        }
    }

    /// What to do with the view.
    pub(crate) const fn recovery(&self) -> Recovery {
        self.classify().0
    }

    /// Whether the log is gone, or another one than it was. Until there is a view of the one that
    /// there is, what the view says must not be answered.
    pub(crate) const fn log_is(&self) -> Log {
        self.classify().1
    }

    /// Counts it. A gap is shown by its place: somebody has to restore the event that is missing.
    pub(crate) fn report(&self) {
        TROUBLES.increment(1);
        if let Some(sequence) = self.missing() {
            tracing::error!(operator_alarm = "gap", %sequence, "an event is missing from the log");
            GAP_AT_SEQUENCE.set_count(sequence.0);
        }
        if let (.., Some(incident)) = self.classify() {
            tracing::error!(operator_alarm = incident.as_str(), error = %with_sources(self), "the log is not the one that was followed");
        }
    }

    /// The event that nothing goes on without.
    pub(crate) const fn missing(&self) -> Option<Sequence> {
        if let Self::Follow(FollowError::Gap { sequence }) = self {
            return Some(*sequence);
        }
        None
    }

    /// What an operator reads in `/readyz`.
    pub(crate) fn reason(&self) -> String {
        if let Some(sequence) = self.missing() {
            return waits_for(sequence);
        }
        match (self, self.classify()) {
            (_, (_, Log::Gone, _)) => format!(
                "stream {} does not exist yet: start consent-gateway",
                names::EVENT_STREAM
            ),
            (Self::Follow(error), (.., Some(incident))) => {
                let incident = incident.as_str();
                format!("{incident}: {error}; restore the stream from a backup")
            }
            _ => with_sources(self).to_string(),
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
