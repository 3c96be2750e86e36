//! How a flow ends, and what others are told of it.

use assent_domain::refusal::Refusal;
use assent_microsoft_identity::AuthorizationError;

use super::{FlowState, FlowView, MicrosoftsNo, Purpose, Said, Stage};
use crate::failure::Failure;
use crate::flow_failure::{FlowFailure, Remark};
use crate::messages;

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
    ByMicrosoft(MicrosoftsNo),
}

/// What there is to say of a flow that is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CompletionNotes {
    /// What was asked for and not granted, in words.
    pub(crate) not_granted: Option<String>,
    /// What is wrong with the mailbox, as a code.
    pub(crate) mailbox_trouble: Option<&'static str>,
}

impl FlowFailure {
    /// Where trying again can't help before something else has changed, the flow counts as refused.
    pub(super) const fn state(self) -> FlowState {
        match self {
            Self::TenantAbsent | Self::InvalidIdToken | Self::HandOffClosed => FlowState::Refused,
            Self::InteractionRequired
            | Self::SessionEnded
            | Self::ConsentMissing
            | Self::ConsentNotYetEffective
            | Self::ApplicationMisconfigured
            | Self::MicrosoftUnavailable
            | Self::ConcurrentChange
            | Self::EventLogUnavailable
            | Self::EventLogDamaged
            | Self::StoreFull
            | Self::StoreUnavailable
            | Self::Interrupted => FlowState::Undetermined,
        }
    }
}

impl FlowOutcome {
    /// A completed flow of which there is nothing more to say.
    pub(crate) fn completed() -> Self {
        Self::Completed(CompletionNotes::default())
    }

    /// What Microsoft's "no" means for a flow.
    pub(crate) fn from_microsoft(
        error: &AuthorizationError,
        said: Said,
        purpose: &Purpose,
    ) -> Self {
        Self::ByMicrosoft(MicrosoftsNo::of(error, said, purpose))
    }

    /// The outcome of a flow whose last step was a decision on the log.
    pub(crate) fn of(result: Result<Self, Failure>) -> Self {
        match result {
            Ok(outcome) => outcome,
            Err(Failure::Refused(refusal)) => Self::Refused(refusal),
            Err(Failure::ConcurrentChange) => Self::Failed(FlowFailure::ConcurrentChange),
            Err(Failure::MicrosoftUnreachable { .. } | Failure::MicrosoftNonsense(_)) => {
                Self::Failed(FlowFailure::MicrosoftUnavailable)
            }
            Err(Failure::Damaged(_) | Failure::LogNotBelieved(_)) => {
                Self::Failed(FlowFailure::EventLogDamaged)
            }
            Err(Failure::StoreFull { store, .. }) => {
                tracing::error!(store, "a flow could not be recorded: the store is full");
                Self::Failed(FlowFailure::StoreFull)
            }
            Err(Failure::StoreUnavailable { store, .. }) => {
                tracing::error!(
                    store,
                    "a flow could not be recorded: the store can't be used"
                );
                Self::Failed(FlowFailure::StoreUnavailable)
            }
            Err(failure) => {
                tracing::error!(?failure, "a flow could not be recorded");
                Self::Failed(FlowFailure::EventLogUnavailable)
            }
        }
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
            Self::Failed(failure) => failure.state(),
            Self::ByMicrosoft(no) => no.state(),
        }
    }

    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Completed(completion) => completion.mailbox_trouble.or_else(|| {
                completion
                    .not_granted
                    .is_some()
                    .then_some(Remark::PartialGrant.code())
            }),
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Failed(failure) => Some(failure.code()),
            Self::ByMicrosoft(no) => Some(no.code()),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Completed(completion) => {
                let not_granted = completion.not_granted.as_deref().map(|names| {
                    format!(
                        "{} Not granted: {names}.",
                        messages::of(Remark::PartialGrant.code())
                    )
                });
                let mailbox = completion
                    .mailbox_trouble
                    .map(messages::of)
                    .map(str::to_owned);
                let sentences: Vec<String> = not_granted.into_iter().chain(mailbox).collect();
                (!sentences.is_empty()).then(|| sentences.join(" "))
            }
            Self::Refused(_) | Self::Failed(_) => {
                self.code().map(|code| messages::of(code).to_owned())
            }
            Self::ByMicrosoft(no) => Some(no.detail()),
        }
    }
}

impl From<FlowOutcome> for FlowView {
    fn from(outcome: FlowOutcome) -> Self {
        Self {
            state: outcome.state(),
            code: outcome.code().map(str::to_owned),
            detail: outcome.detail(),
        }
    }
}

impl From<FlowOutcome> for Stage {
    fn from(outcome: FlowOutcome) -> Self {
        let FlowView {
            state,
            code,
            detail,
        } = outcome.into();
        Self::Ended {
            state,
            code,
            detail,
        }
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
        | Refusal::ConsentSuperseded => FlowState::Refused,
    }
}

#[cfg(test)]
mod tests;
