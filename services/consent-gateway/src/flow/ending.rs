//! How a flow ends, and what others are told of it.

use assent_contract::problem::code;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{AuthorizationError, ErrorClass};
use assent_service_kit::telemetry::chain;

use super::{FlowState, FlowView, Purpose, Stage};
use crate::failure::Failure;
use crate::use_cases::learn::wants_an_administrator;
use crate::wording;

/// How a flow ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is on the log.
    Completed(Completion),
    /// The rules are against it, or somebody said no.
    Refused(Refusal),
    /// Something else was in the way. Nobody's consent changed because of it.
    SetBack(Setback),
}

/// What there is to say of a flow that is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// What was asked for and not granted, in words.
    pub(crate) not_granted: Option<String>,
    /// What is wrong with the mailbox, as a code.
    pub(crate) mailbox_trouble: Option<&'static str>,
}

/// What was in the way, where it was nobody's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setback {
    /// Microsoft wants the person to do something first.
    InteractionRequired,
    /// The person's session at Microsoft is over.
    SessionEnded,
    /// Microsoft says that there is no consent.
    ConsentMissing,
    /// The tenant, or our application in it, is not there or is switched off.
    TenantAbsent,
    /// Microsoft refuses our registration, credential or request.
    ApplicationMisconfigured,
    /// Microsoft did not answer, or not sensibly.
    MicrosoftUnavailable,
    /// Microsoft's answer carried an ID token that proves nothing.
    InvalidIdToken,
    /// The administrator's link was cancelled or is over.
    HandOffClosed,
    /// Others kept changing the same thing.
    ConcurrentChange,
    /// It could not be recorded.
    EventLogUnavailable,
    /// The log is damaged, so nothing can be recorded until it is restored.
    EventLogDamaged,
}

/// From whom we have an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The token endpoint answered it to us.
    ByMicrosoft,
    /// It stood in the address that a browser came with.
    ByTheBrowser,
}

impl Setback {
    /// The stable name.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InteractionRequired => "interaction_required",
            Self::SessionEnded => "session_ended",
            Self::ConsentMissing => "consent_missing",
            Self::TenantAbsent => "tenant_absent",
            Self::ApplicationMisconfigured => "application_misconfigured",
            Self::MicrosoftUnavailable => "microsoft_unavailable",
            Self::InvalidIdToken => "invalid_id_token",
            Self::HandOffClosed => "hand_off_closed",
            Self::ConcurrentChange => "concurrent_change",
            Self::EventLogUnavailable => "event_log_unavailable",
            Self::EventLogDamaged => code::EVENT_LOG_DAMAGED,
        }
    }

    /// Where trying again can't help before something else has changed, the flow counts as refused.
    const fn state(self) -> FlowState {
        match self {
            Self::TenantAbsent | Self::InvalidIdToken | Self::HandOffClosed => FlowState::Refused,
            Self::InteractionRequired
            | Self::SessionEnded
            | Self::ConsentMissing
            | Self::ApplicationMisconfigured
            | Self::MicrosoftUnavailable
            | Self::ConcurrentChange
            | Self::EventLogUnavailable
            | Self::EventLogDamaged => FlowState::Undetermined,
        }
    }
}

impl Ending {
    /// It is on the log, and there is nothing else to say.
    pub(crate) fn completed() -> Self {
        Self::Completed(Completion::default())
    }

    /// What Microsoft's "no" means for a flow. Three kinds of "no" are never mixed: the
    /// person declined, the person may not decide, and nobody knows.
    ///
    /// A browser can bring any error it likes: only what Microsoft itself answered to us is an operator's business.
    pub(crate) fn from_microsoft(
        error: &AuthorizationError,
        said: Said,
        purpose: &Purpose,
    ) -> Self {
        match error.class {
            ErrorClass::Declined => Self::Refused(Refusal::Declined),
            ErrorClass::AdministratorApprovalRequired => Self::Refused(match purpose {
                Purpose::AdministratorConsent { .. } if wants_an_administrator(error) => {
                    Refusal::NotAnAdministrator
                }
                Purpose::AdministratorConsent { .. } | Purpose::OwnConsent { .. } => {
                    Refusal::AdministratorApprovalRequired
                }
            }),
            ErrorClass::WrongTenantOrUser => Self::Refused(match purpose {
                Purpose::AdministratorConsent { .. } => Refusal::TenantMismatch,
                Purpose::OwnConsent { .. } => Refusal::IdentityMismatch,
            }),
            ErrorClass::Undetermined => Self::Refused(Refusal::Undetermined),
            // Our own second callback: the first one has the answer.
            ErrorClass::AlreadyRedeemed => Self::Refused(Refusal::FlowAlreadyUsed),
            ErrorClass::InteractionRequired => Self::SetBack(Setback::InteractionRequired),
            ErrorClass::SessionEnded => Self::SetBack(Setback::SessionEnded),
            // These two say that there is no consent. But an error names nobody, so there is nobody of whom it could
            // be recorded.
            ErrorClass::ConsentMissing => Self::SetBack(Setback::ConsentMissing),
            ErrorClass::TenantAbsent => Self::SetBack(Setback::TenantAbsent),
            ErrorClass::TryAgain => Self::SetBack(Setback::MicrosoftUnavailable),
            ErrorClass::OurFault => {
                match said {
                    Said::ByMicrosoft if !is_about_the_code(error) => {
                        tracing::error!(
                            operator_alarm = "microsoft_refused_us",
                            error = %chain(error),
                            "Microsoft refused our own registration, credential or request"
                        );
                        metrics::counter!("assent_microsoft_our_fault_total").increment(1);
                    }
                    Said::ByMicrosoft | Said::ByTheBrowser => tracing::info!(
                        error = %chain(error),
                        "a browser brought an error that would be our own fault, or a code that leads to one"
                    ),
                }
                Self::SetBack(Setback::ApplicationMisconfigured)
            }
        }
    }

    /// The ending of a flow whose last step was a decision on the log.
    pub(crate) fn of(result: Result<Self, Failure>) -> Self {
        match result {
            Ok(ending) => ending,
            Err(Failure::Refused(refusal)) => Self::Refused(refusal),
            Err(Failure::ConcurrentChange) => Self::SetBack(Setback::ConcurrentChange),
            Err(Failure::MicrosoftUnreachable { .. } | Failure::MicrosoftNonsense(_)) => {
                Self::SetBack(Setback::MicrosoftUnavailable)
            }
            Err(Failure::Damaged(_) | Failure::LogNotBelieved(_)) => {
                Self::SetBack(Setback::EventLogDamaged)
            }
            Err(failure) => {
                tracing::error!(?failure, "a flow could not be recorded");
                Self::SetBack(Setback::EventLogUnavailable)
            }
        }
    }

    fn state(&self) -> FlowState {
        match self {
            Self::Completed(_) => FlowState::Completed,
            Self::Refused(refusal) => state_of(*refusal),
            Self::SetBack(setback) => setback.state(),
        }
    }

    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Completed(completion) => completion
                .mailbox_trouble
                .or_else(|| completion.not_granted.is_some().then_some("partial_grant")),
            Self::Refused(refusal) => Some(refusal.code()),
            Self::SetBack(setback) => Some(setback.code()),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Completed(completion) => {
                let not_granted = completion
                    .not_granted
                    .as_deref()
                    .map(|names| format!("{} Not granted: {names}.", wording::of("partial_grant")));
                let mailbox = completion
                    .mailbox_trouble
                    .map(wording::of)
                    .map(str::to_owned);
                let sentences: Vec<String> = not_granted.into_iter().chain(mailbox).collect();
                (!sentences.is_empty()).then(|| sentences.join(" "))
            }
            Self::Refused(_) | Self::SetBack(_) => {
                self.code().map(|code| wording::of(code).to_owned())
            }
        }
    }
}

/// Whether Microsoft complains of the code: and that is what the browser brought. A code of another flow, another
/// address or another tenant is nobody's fault but of whoever brings it.
fn is_about_the_code(error: &AuthorizationError) -> bool {
    // Of another PKCE challenge, tenant or redirect address than it was acquired with; malformed; missing.
    const OF_THE_CODE: [u32; 6] = [501_481, 50_147, 700_005, 500_112, 9_002_313, 900_144];
    error.error == "invalid_grant" || error.codes.iter().any(|code| OF_THE_CODE.contains(code))
}

impl From<Ending> for FlowView {
    fn from(ending: Ending) -> Self {
        Self {
            state: ending.state(),
            code: ending.code().map(str::to_owned),
            detail: ending.detail(),
        }
    }
}

impl From<Ending> for Stage {
    fn from(ending: Ending) -> Self {
        let FlowView {
            state,
            code,
            detail,
        } = ending.into();
        Self::Ended {
            state,
            code,
            detail,
        }
    }
}

fn state_of(refusal: Refusal) -> FlowState {
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
        | Refusal::NotAdministratorConfigured
        | Refusal::ConsentSuperseded => FlowState::Refused,
    }
}

#[cfg(test)]
mod tests;
