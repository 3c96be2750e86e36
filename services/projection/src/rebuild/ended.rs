//! Why a rebuild ended without a new view.

use assent_contract::rebuild::{RebuildComparison, RebuildOutcome};
use assent_contract::words::RebuildRefusal;
use assent_event_log::{FollowError, ReadError};
use assent_permission_store::{ApplyError, Damage, NotAdopted, OpenError};
use assent_service_kit::error_chain::with_sources;

use crate::follow_failure::{FollowFailure, Log};

/// Why it ended, or for now.
#[derive(Debug)]
pub(super) enum Ended {
    /// What is served stays.
    Refused(Refusal),
    /// It is begun again in a moment.
    ForNow(String),
}

/// Why what is served stays.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: RebuildRefusal,
    pub(super) detail: String,
    pub(super) comparison: Option<RebuildComparison>,
}

impl Ended {
    pub(super) fn refused(reason: RebuildRefusal, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal {
            reason,
            detail: detail.into(),
            comparison: None,
        })
    }
}

/// What the operating system says of a full disk, whoever passes it on.
const NO_SPACE: &str = "No space left on device";

fn broken(error: &(dyn std::error::Error + 'static)) -> Ended {
    let detail = with_sources(error).to_string();
    let reason = if detail.contains(NO_SPACE) {
        RebuildRefusal::NoSpace
    } else {
        RebuildRefusal::Broken
    };
    Ended::refused(reason, detail)
}

impl From<Damage> for Ended {
    fn from(damage: Damage) -> Self {
        broken(&damage)
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        broken(&error)
    }
}

impl From<ApplyError> for Ended {
    fn from(error: ApplyError) -> Self {
        broken(&error)
    }
}

impl From<ReadError> for Ended {
    fn from(error: ReadError) -> Self {
        FollowFailure::Read(error).into()
    }
}

impl From<FollowError> for Ended {
    fn from(error: FollowError) -> Self {
        FollowFailure::Follow(error).into()
    }
}

impl From<FollowFailure> for Ended {
    fn from(failure: FollowFailure) -> Self {
        let detail = with_sources(&failure).to_string();
        if failure.missing().is_some() {
            return Self::refused(RebuildRefusal::EventMissing, detail);
        }
        match (failure.log_is(), &failure) {
            (Log::Another, _) => Self::refused(RebuildRefusal::AnotherLog, detail),
            (_, FollowFailure::Apply(error)) => broken(error),
            (Log::AsItWas | Log::Gone, _) => Self::ForNow(detail),
        }
    }
}

impl From<NotAdopted> for Ended {
    fn from(refused: NotAdopted) -> Self {
        match refused {
            NotAdopted::OtherLog(_) => {
                Self::refused(RebuildRefusal::AnotherLog, refused.to_string())
            }
            NotAdopted::OtherEvents(_) => {
                Self::refused(RebuildRefusal::LogLostEvents, refused.to_string())
            }
            NotAdopted::Damaged(damage) => damage.into(),
            NotAdopted::Elsewhere { .. } | NotAdopted::OtherVoids | NotAdopted::Busy => {
                Self::ForNow(refused.to_string())
            }
        }
    }
}

impl From<Refusal> for RebuildOutcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            reason: refusal.reason,
            detail: refusal.detail,
            comparison: refusal.comparison,
        }
    }
}
