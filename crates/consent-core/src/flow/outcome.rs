//! How a flow ends, and what others are told of it.

use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::AuthorizationError;
use assent_service_kit::error_chain::with_sources;

use super::{
    ErrorSource, FlowStage, FlowState, FlowView, MicrosoftRefusal, OutcomeDetails, Purpose,
};
use crate::failure::Failure;
use crate::messages;
use assent_contract::words::{FlowFailure, Remark};

/// How a flow ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlowOutcome {
    /// What was consented to is on the log.
    Completed(CompletionNotes),
    /// The rules are against it, or somebody said no.
    Refused(Refusal),
    /// Something else was in the way. Nobody's consent changed because of it.
    Failed(FlowFailure),
    /// Microsoft said no.
    ByMicrosoft(MicrosoftRefusal),
}

/// What there is to say of a flow that is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CompletionNotes {
    /// What was asked for and not granted.
    pub(crate) not_granted: PermissionSet,
    /// What is wrong with the mailbox.
    pub(crate) mailbox_trouble: Option<Remark>,
}

impl FlowOutcome {
    /// A completed flow of which there is nothing more to say.
    pub(crate) fn completed() -> Self {
        Self::Completed(CompletionNotes::default())
    }

    /// What Microsoft's "no" means for a flow.
    pub(crate) fn from_microsoft(
        error: &AuthorizationError,
        source: ErrorSource,
        purpose: &Purpose,
    ) -> Self {
        Self::ByMicrosoft(MicrosoftRefusal::new(error, source, purpose))
    }

    /// The outcome of a flow whose last step failed.
    pub(crate) fn from_failure(failure: &Failure) -> Self {
        let ended_by = match failure {
            Failure::Refused(refusal) => return Self::Refused(*refusal),
            Failure::ConcurrentChange => FlowFailure::ConcurrentChange,
            Failure::MicrosoftUnreachable { .. } | Failure::MicrosoftNonsense(_) => {
                FlowFailure::MicrosoftUnavailable
            }
            Failure::LogUnavailable(_) => FlowFailure::EventLogUnavailable,
            Failure::Damaged(_) | Failure::LogNotBelieved(_) => FlowFailure::EventLogDamaged,
            Failure::Unreadable(_) => FlowFailure::EventUnreadable,
            Failure::StoreFull { .. } => FlowFailure::StoreFull,
            Failure::StoreUnavailable { .. } => FlowFailure::StoreUnavailable,
            Failure::ConsentsTenantAbsent => FlowFailure::TenantAbsent,
            // Each refuses a request, and what a flow ends in is none any more.
            Failure::Invalid(_)
            | Failure::Unauthenticated(_)
            | Failure::Forbidden(_)
            | Failure::NotFound(_)
            | Failure::AmbiguousTenant(_)
            | Failure::AlreadyAnswered
            | Failure::MessageIsAnEvent(_)
            | Failure::TooMany(_)
            | Failure::NotYetApplied
            | Failure::Internal(_) => FlowFailure::InternalError,
        };
        tracing::error!(
            code = ended_by.as_str(),
            error = %with_sources(failure),
            "a flow could not be recorded"
        );
        Self::Failed(ended_by)
    }

    /// What was refused, by whomever.
    pub(crate) const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::ByMicrosoft(no) => no.refusal(),
            Self::Completed(_) | Self::Failed(_) => None,
        }
    }

    fn state(&self) -> FlowState {
        match self {
            Self::Completed(_) => FlowState::Completed,
            Self::Refused(refusal) => state_of(*refusal),
            Self::Failed(failure) => state_of_failure(*failure),
            Self::ByMicrosoft(no) => no.state(),
        }
    }

    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Completed(completion) => {
                let is_partial = !completion.not_granted.is_nothing();
                let partial = is_partial.then_some(Remark::PartialGrant);
                completion.mailbox_trouble.or(partial).map(Remark::as_str)
            }
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Failed(failure) => Some(failure.as_str()),
            Self::ByMicrosoft(no) => Some(no.code()),
        }
    }

    fn details(&self) -> OutcomeDetails {
        match self {
            Self::Completed(completion) => OutcomeDetails {
                not_granted: (!completion.not_granted.is_nothing())
                    .then(|| completion.not_granted.into()),
                microsoft: None,
            },
            Self::ByMicrosoft(no) => OutcomeDetails {
                not_granted: None,
                microsoft: no.details(),
            },
            Self::Refused(_) | Self::Failed(_) => OutcomeDetails::default(),
        }
    }
}

impl From<FlowOutcome> for FlowView {
    fn from(outcome: FlowOutcome) -> Self {
        Self {
            state: outcome.state(),
            code: outcome.code().map(str::to_owned),
            detail: messages::for_outcome(outcome.code(), &outcome.details()),
        }
    }
}

impl From<FlowOutcome> for FlowStage {
    fn from(outcome: FlowOutcome) -> Self {
        Self::Ended {
            state: outcome.state(),
            code: outcome.code().map(str::to_owned),
            details: outcome.details(),
            detail: None,
        }
    }
}

/// Where trying again can't help before something else has changed, the flow counts as refused.
pub(super) const fn state_of_failure(failure: FlowFailure) -> FlowState {
    match failure {
        FlowFailure::TenantAbsent | FlowFailure::InvalidIdToken | FlowFailure::HandOffClosed => {
            FlowState::Refused
        }
        FlowFailure::InteractionRequired
        | FlowFailure::SessionEnded
        | FlowFailure::LoginRequired
        | FlowFailure::ConsentRequired
        | FlowFailure::ConsentMissing
        | FlowFailure::ConsentNotYetEffective
        | FlowFailure::ApplicationMisconfigured
        | FlowFailure::MicrosoftUnavailable
        | FlowFailure::ConcurrentChange
        | FlowFailure::EventLogUnavailable
        | FlowFailure::EventLogDamaged
        | FlowFailure::EventUnreadable
        | FlowFailure::StoreFull
        | FlowFailure::StoreUnavailable
        | FlowFailure::InternalError
        | FlowFailure::Interrupted => FlowState::Undetermined,
    }
}

pub(super) const fn state_of(refusal: Refusal) -> FlowState {
    match refusal {
        Refusal::Declined => FlowState::Declined,
        Refusal::Undetermined => FlowState::Undetermined,
        Refusal::FlowExpired => FlowState::Expired,
        Refusal::Forbidden
        | Refusal::AdministratorNotConfirmed
        | Refusal::NothingSelected
        | Refusal::FullSyncRequired
        | Refusal::UnsupportedCloud
        | Refusal::OnPremisesExchange
        | Refusal::TenantMismatch
        | Refusal::NotAnAdministrator
        | Refusal::ScopesMissing
        | Refusal::AdministratorApprovalRequired
        | Refusal::FlowAlreadyUsed
        | Refusal::ManagedByAdministrator
        | Refusal::AdministratorConsentRequired
        | Refusal::IdentityMismatch
        | Refusal::GuestAccount
        | Refusal::PersonalAccount
        | Refusal::NotAdministratorConfigured
        | Refusal::ConsentSuperseded
        | Refusal::ConsentWithdrawn => FlowState::Refused,
    }
}

#[cfg(test)]
mod tests;
