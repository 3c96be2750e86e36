//! What a refusal of Microsoft's means for a flow, and what a person is told of it.

use assent_domain::refusal::Refusal;
use assent_microsoft_identity::{AuthorizationError, ErrorClass};
use assent_service_kit::error_chain::with_sources;

use super::outcome::state_of;
use super::{FlowFailure, FlowState, Purpose};
use crate::messages;

/// So many numbers are told of one refusal; a genuine one has one, rarely two.
const MOST_NUMBERS: usize = 3;

/// From whom we have an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The token endpoint answered it to us.
    ByMicrosoft,
    /// The browser's address had the error as a parameter, which anybody can make up.
    ByTheBrowser,
}

/// Microsoft's refusal, as a flow ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MicrosoftsNo {
    verdict: Verdict,
    sentence: &'static str,
    /// What Microsoft calls it, for whoever looks it up.
    named: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Refused(Refusal),
    Failed(FlowFailure),
}

impl MicrosoftsNo {
    /// Three kinds of "no" are never mixed: the person declined, the person may not decide, and nobody knows.
    ///
    /// A browser can bring any error it likes: only what Microsoft itself answered to us is an operator's business.
    pub(crate) fn of(error: &AuthorizationError, said: Said, purpose: &Purpose) -> Self {
        if error.class == ErrorClass::OurFault {
            tell_whoever_it_concerns(error, said);
        }
        let verdict = verdict(error, purpose);
        Self {
            verdict,
            sentence: sentence(verdict, error),
            named: named(error, said),
        }
    }

    pub(super) const fn state(&self) -> FlowState {
        match self.verdict {
            Verdict::Refused(refusal) => state_of(refusal),
            Verdict::Failed(failure) => failure.state(),
        }
    }

    pub(super) const fn refusal(&self) -> Option<Refusal> {
        match self.verdict {
            Verdict::Refused(refusal) => Some(refusal),
            Verdict::Failed(_) => None,
        }
    }

    pub(super) const fn code(&self) -> &'static str {
        self.verdict.code()
    }

    pub(super) fn detail(&self) -> String {
        match &self.named {
            Some(name) => format!("{} Microsoft answered {name}.", self.sentence),
            None => self.sentence.to_owned(),
        }
    }
}

impl Verdict {
    const fn code(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Failed(failure) => failure.code(),
        }
    }
}

fn verdict(error: &AuthorizationError, purpose: &Purpose) -> Verdict {
    let is_of_administrator = match purpose {
        Purpose::AdministratorConsent { .. } => true,
        Purpose::OwnConsent { .. } => false,
    };
    match error.class {
        ErrorClass::Declined => Verdict::Refused(Refusal::Declined),
        ErrorClass::AdministratorApprovalRequired
            if is_of_administrator && error.needs_consent_by_an_administrator() =>
        {
            Verdict::Refused(Refusal::NotAnAdministrator)
        }
        ErrorClass::AdministratorApprovalRequired => {
            Verdict::Refused(Refusal::AdministratorApprovalRequired)
        }
        ErrorClass::WrongTenantOrUser if is_of_administrator => {
            Verdict::Refused(Refusal::TenantMismatch)
        }
        ErrorClass::WrongTenantOrUser => Verdict::Refused(Refusal::IdentityMismatch),
        ErrorClass::Undetermined => Verdict::Refused(Refusal::Undetermined),
        // Our own second callback: the first one has the answer.
        ErrorClass::AlreadyRedeemed => Verdict::Refused(Refusal::FlowAlreadyUsed),
        ErrorClass::InteractionRequired => Verdict::Failed(FlowFailure::InteractionRequired),
        ErrorClass::SessionEnded => Verdict::Failed(FlowFailure::SessionEnded),
        // These two say that there is no consent. But an error names nobody, so there is nobody of whom it could be
        // recorded.
        ErrorClass::ConsentMissing => Verdict::Failed(FlowFailure::ConsentMissing),
        ErrorClass::TenantAbsent => Verdict::Failed(FlowFailure::TenantAbsent),
        ErrorClass::TryAgain => Verdict::Failed(FlowFailure::MicrosoftUnavailable),
        ErrorClass::OurFault => Verdict::Failed(FlowFailure::ApplicationMisconfigured),
    }
}

fn sentence(verdict: Verdict, error: &AuthorizationError) -> &'static str {
    let has_number = !error.codes.is_empty();
    if verdict == Verdict::Refused(Refusal::Undetermined) && has_number {
        return messages::UNKNOWN;
    }
    let needs_approval = verdict == Verdict::Refused(Refusal::AdministratorApprovalRequired);
    if needs_approval && has_number && !error.needs_consent_by_an_administrator() {
        // A link would lead the administrator against the same wall.
        return messages::IN_THE_WAY;
    }
    messages::of(verdict.code())
}

/// The numbers are digits, wherever they come from. Words are told where Microsoft itself said them: those of a browser
/// would be anybody's words on our page.
fn named(error: &AuthorizationError, said: Said) -> Option<String> {
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
    let numbers: Vec<String> = error
        .codes
        .iter()
        .take(MOST_NUMBERS)
        .map(|code| format!("AADSTS{code}"))
        .collect();
    match (numbers.is_empty(), said) {
        (false, _) => Some(numbers.join(" and ")),
        (true, Said::ByMicrosoft) => Some(error.error.clone()),
        (true, Said::ByTheBrowser) => None,
    }
}

fn tell_whoever_it_concerns(error: &AuthorizationError, said: Said) {
    match said {
        Said::ByMicrosoft if !is_about_the_code(error) => {
            tracing::error!(
                operator_alarm = "microsoft_refused_us",
                error = %with_sources(error),
                "Microsoft refused our own registration, credential or request"
            );
            metrics::counter!("assent_microsoft_our_fault_total").increment(1);
        }
        Said::ByMicrosoft | Said::ByTheBrowser => tracing::info!(
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
