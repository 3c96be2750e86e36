//! What a refusal of Microsoft's means for a flow, and what is kept of it for whoever looks it up.

use assent_domain::refusal::Refusal;
use assent_metrics::gateway::MICROSOFT_OUR_FAULT;
use assent_microsoft_identity::{AuthorizationError, ErrorClass};
use assent_service_kit::error_chain::with_sources;

use super::outcome::{state_of, state_of_failure};
use super::{FlowFailure, FlowState, Purpose, RefusalDetails};

/// How many numbers are kept of one refusal; a genuine one has one, rarely two.
const MOST_NUMBERS: usize = 3;

/// From whom we have an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorSource {
    /// The token endpoint answered it to us.
    TokenEndpoint,
    /// The browser's address had the error as a parameter, which anybody can make up.
    Browser,
}

/// Microsoft's refusal, as a flow ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MicrosoftRefusal {
    ends_in: RefusalOutcome,
    details: Option<RefusalDetails>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefusalOutcome {
    Refused(Refusal),
    Failed(FlowFailure),
}

impl MicrosoftRefusal {
    /// Three kinds of "no" are never mixed: the person declined, the person may not decide, and nobody knows.
    ///
    /// A browser can bring any error it likes: only what Microsoft itself answered to us is an operator's business.
    pub(crate) fn new(error: &AuthorizationError, source: ErrorSource, purpose: &Purpose) -> Self {
        if error.class == ErrorClass::OurFault {
            tell_whoever_it_concerns(error, source);
        }
        Self {
            ends_in: classify(error, purpose),
            details: details(error, source),
        }
    }

    pub(super) const fn state(&self) -> FlowState {
        match self.ends_in {
            RefusalOutcome::Refused(refusal) => state_of(refusal),
            RefusalOutcome::Failed(failure) => state_of_failure(failure),
        }
    }

    pub(super) const fn refusal(&self) -> Option<Refusal> {
        match self.ends_in {
            RefusalOutcome::Refused(refusal) => Some(refusal),
            RefusalOutcome::Failed(_) => None,
        }
    }

    pub(super) const fn code(&self) -> &'static str {
        match self.ends_in {
            RefusalOutcome::Refused(refusal) => refusal.code(),
            RefusalOutcome::Failed(failure) => failure.as_str(),
        }
    }

    pub(super) fn details(&self) -> Option<RefusalDetails> {
        self.details.clone()
    }
}

fn classify(error: &AuthorizationError, purpose: &Purpose) -> RefusalOutcome {
    let is_of_administrator = match purpose {
        Purpose::AdministratorConsent { .. } => true,
        Purpose::OwnConsent { .. } => false,
        Purpose::Connection { .. } => {
            if let Some(failure) = without_a_page(error) {
                return RefusalOutcome::Failed(failure);
            }
            false
        }
    };
    match error.class {
        ErrorClass::Declined => RefusalOutcome::Refused(Refusal::Declined),
        ErrorClass::AdministratorApprovalRequired
            if is_of_administrator && error.needs_consent_by_an_administrator() =>
        {
            RefusalOutcome::Refused(Refusal::NotAnAdministrator)
        }
        ErrorClass::AdministratorApprovalRequired => {
            RefusalOutcome::Refused(Refusal::AdministratorApprovalRequired)
        }
        ErrorClass::WrongTenantOrUser if is_of_administrator => {
            RefusalOutcome::Refused(Refusal::TenantMismatch)
        }
        ErrorClass::WrongTenantOrUser => RefusalOutcome::Refused(Refusal::IdentityMismatch),
        ErrorClass::Undetermined => RefusalOutcome::Refused(Refusal::Undetermined),
        // Our own second callback: the first one has the answer.
        ErrorClass::AlreadyRedeemed => RefusalOutcome::Refused(Refusal::FlowAlreadyUsed),
        ErrorClass::InteractionRequired => RefusalOutcome::Failed(FlowFailure::InteractionRequired),
        ErrorClass::SessionEnded => RefusalOutcome::Failed(FlowFailure::SessionEnded),
        // These two say that there is no consent. But an error names nobody, so there is nobody of whom it could be
        // recorded.
        ErrorClass::ConsentMissing => RefusalOutcome::Failed(FlowFailure::ConsentMissing),
        ErrorClass::TenantAbsent => RefusalOutcome::Failed(FlowFailure::TenantAbsent),
        ErrorClass::TryAgain => RefusalOutcome::Failed(FlowFailure::MicrosoftUnavailable),
        ErrorClass::OurFault => RefusalOutcome::Failed(FlowFailure::ApplicationMisconfigured),
    }
}

/// What a page of Microsoft's would have been for, where none may be shown. The word that `error` is says it only where
/// no number says better: Microsoft calls a missing consent `interaction_required`, too.
fn without_a_page(error: &AuthorizationError) -> Option<FlowFailure> {
    match (error.class, error.error.as_str()) {
        (ErrorClass::ConsentMissing, _) => Some(FlowFailure::ConsentRequired),
        (ErrorClass::AdministratorApprovalRequired, _)
            if error.needs_consent_by_an_administrator() =>
        {
            Some(FlowFailure::ConsentRequired)
        }
        (ErrorClass::SessionEnded, _) | (ErrorClass::InteractionRequired, "login_required") => {
            Some(FlowFailure::LoginRequired)
        }
        (ErrorClass::InteractionRequired | ErrorClass::AdministratorApprovalRequired, _) => {
            Some(FlowFailure::InteractionRequired)
        }
        (
            ErrorClass::Declined
            | ErrorClass::Undetermined
            | ErrorClass::WrongTenantOrUser
            | ErrorClass::OurFault
            | ErrorClass::TenantAbsent
            | ErrorClass::AlreadyRedeemed
            | ErrorClass::TryAgain,
            _,
        ) => None,
    }
}

/// The numbers are digits, wherever they come from. Words are kept where Microsoft itself said them: those of a browser
/// would be anybody's words on our page.
fn details(error: &AuthorizationError, source: ErrorSource) -> Option<RefusalDetails> {
    match error.class {
        // There is nothing to look up.
        ErrorClass::Declined | ErrorClass::AlreadyRedeemed => return None,
        ErrorClass::AdministratorApprovalRequired
        | ErrorClass::Undetermined
        | ErrorClass::InteractionRequired
        | ErrorClass::SessionEnded
        | ErrorClass::WrongTenantOrUser
        | ErrorClass::OurFault
        | ErrorClass::TenantAbsent
        | ErrorClass::ConsentMissing
        | ErrorClass::TryAgain => {}
    }
    let numbers: Vec<u32> = error.codes.iter().copied().take(MOST_NUMBERS).collect();
    if numbers.is_empty() {
        return match source {
            ErrorSource::TokenEndpoint => Some(RefusalDetails {
                error: Some(error.error.clone()),
                ..RefusalDetails::default()
            }),
            ErrorSource::Browser => None,
        };
    }
    let needs_administrator = error.class == ErrorClass::AdministratorApprovalRequired;
    Some(RefusalDetails {
        numbers,
        error: None,
        // A link would lead the administrator against the same wall.
        is_beyond_consent: needs_administrator && !error.needs_consent_by_an_administrator(),
    })
}

fn tell_whoever_it_concerns(error: &AuthorizationError, source: ErrorSource) {
    match source {
        ErrorSource::TokenEndpoint if !is_about_the_code(error) => {
            tracing::error!(
                operator_alarm = "microsoft_refused_us",
                error = %with_sources(error),
                "Microsoft refused our own registration, credential or request"
            );
            MICROSOFT_OUR_FAULT.increment(1);
        }
        ErrorSource::TokenEndpoint | ErrorSource::Browser => tracing::info!(
            error = %with_sources(error),
            "a browser brought an error that would be our own fault, or a code that leads to one"
        ),
    }
}

/// Whether Microsoft complains of the code: and that is what the browser brought. A code of another flow, another
/// address or another tenant is nobody's fault but of whoever brings it.
fn is_about_the_code(error: &AuthorizationError) -> bool {
    // Of another PKCE challenge, tenant or redirect address than it was acquired with; malformed; missing.
    const OF_THE_CODE: [u32; 7] = [
        501_481, 50_147, 700_005, 7_000_012, 500_112, 9_002_313, 900_144,
    ];
    error.error == "invalid_grant" || error.codes.iter().any(|code| OF_THE_CODE.contains(code))
}
