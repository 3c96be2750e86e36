//! What a refusal of Microsoft's means for a consent.

mod classify;
mod numbers;
mod table;
mod token_refusal;

use std::fmt;

use uuid::Uuid;

pub use classify::classify;
use numbers::{MOST, code_in_uri, codes_in_description, id_after};
pub(crate) use table::credential_advice;
pub(crate) use token_refusal::TokenRefusal;

/// What to do about a refusal. Only [`ErrorClass::Declined`] is a person's "no"; which ones say that there is no consent (any
/// more) is told by [`AuthorizationError::consent_end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The person read the question and said no.
    Declined,
    /// The person may not decide, or somebody who administers the tenant has to change something first.
    AdministratorApprovalRequired,
    /// Nobody can tell: cancelled, blocked and gone back, or an error that is not known. The default.
    Undetermined,
    /// The person has to sign in, confirm or enrol something, then it can go on.
    InteractionRequired,
    /// The session ended (password change, inactivity, sign-in frequency, disabled user). The consent still stands.
    SessionEnded,
    /// Signed in with an account that does not belong to this tenant.
    WrongTenantOrUser,
    /// Our registration, credential or request is wrong: alarm an operator, change nobody's consent.
    OurFault,
    /// The tenant, or our application in it, does not exist there or is switched off.
    TenantAbsent,
    /// There is no consent (any more) that covers what was asked.
    ConsentMissing,
    /// The code was redeemed before: a duplicate callback, never a refusal.
    AlreadyRedeemed,
    /// Microsoft is unwell for a moment.
    TryAgain,
}

impl ErrorClass {
    /// A stable name for records, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::AdministratorApprovalRequired => "administrator_approval_required",
            Self::Undetermined => "undetermined",
            Self::InteractionRequired => "interaction_required",
            Self::SessionEnded => "session_ended",
            Self::WrongTenantOrUser => "wrong_tenant_or_user",
            Self::OurFault => "our_fault",
            Self::TenantAbsent => "tenant_absent",
            Self::ConsentMissing => "consent_missing",
            Self::AlreadyRedeemed => "already_redeemed",
            Self::TryAgain => "try_again",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose consent a refusal says to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentEnd {
    /// Of one person.
    User,
    /// Of everybody in the tenant: the application, or what it asks for, is not there (any more).
    Tenant,
}

/// Whether a refusal of something that was consented to says that the consent is gone. A session that ended, a policy that holds
/// somebody up, a fault of ours or a bad hour of Microsoft's says nothing about it.
///
/// Besides a missing consent and an absent application, it is so where the tenant has not got the resource (500011), or has not
/// subscribed to it (650052): a consent names a resource of the tenant's, and is gone with it. Whoever meets these two in a
/// sign-in needs an administrator, who has to bring the resource back, so that is their class.
pub fn consent_end(class: ErrorClass, codes: &[u32]) -> Option<ConsentEnd> {
    match class {
        ErrorClass::ConsentMissing => Some(ConsentEnd::User),
        ErrorClass::TenantAbsent => Some(ConsentEnd::Tenant),
        ErrorClass::AdministratorApprovalRequired => {
            let is_known = !codes.is_empty();
            (is_known && codes.iter().copied().all(table::is_of_an_absent_resource))
                .then_some(ConsentEnd::Tenant)
        }
        ErrorClass::Declined
        | ErrorClass::Undetermined
        | ErrorClass::InteractionRequired
        | ErrorClass::SessionEnded
        | ErrorClass::WrongTenantOrUser
        | ErrorClass::OurFault
        | ErrorClass::AlreadyRedeemed
        | ErrorClass::TryAgain => None,
    }
}

/// A refusal, from a callback or from the token endpoint. Its texts are bounded and harmless to log; Microsoft's
/// description, which holds user names, is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Microsoft refused ({class}): {error} {codes:?}")]
#[non_exhaustive]
pub struct AuthorizationError {
    /// What it means.
    pub class: ErrorClass,
    /// The OAuth error.
    pub error: String,
    /// Microsoft's refinement of it.
    pub suberror: Option<String>,
    /// The numbers of `AADSTS…`: hints, not a contract.
    pub codes: Vec<u32>,
    /// For Microsoft's support.
    pub correlation_id: Option<Uuid>,
    /// For Microsoft's support.
    pub trace_id: Option<Uuid>,
}

impl AuthorizationError {
    /// From the parameters of a callback. The numbers stand in the description and in the address of the error's page.
    pub(crate) fn from_callback(
        error: &str,
        suberror: Option<&str>,
        error_subcode: Option<&str>,
        description: Option<&str>,
        error_uri: Option<&str>,
    ) -> Self {
        let description = description.unwrap_or_default();
        let mut codes = codes_in_description(description);
        if let Some(code) = error_uri.and_then(code_in_uri)
            && !codes.contains(&code)
        {
            codes.push(code);
        }
        Self {
            class: classify(error, suberror, error_subcode, &codes),
            error: harmless(error),
            suberror: suberror.or(error_subcode).map(harmless),
            codes,
            correlation_id: id_after("Correlation ID:", description),
            trace_id: id_after("Trace ID:", description),
        }
    }

    /// From the token endpoint's JSON.
    pub(crate) fn from_token_endpoint(
        error: &str,
        suberror: Option<&str>,
        mut codes: Vec<u32>,
        correlation_id: Option<Uuid>,
        trace_id: Option<Uuid>,
    ) -> Self {
        codes.truncate(MOST);
        Self {
            class: classify(error, suberror, None, &codes),
            error: harmless(error),
            suberror: suberror.map(harmless),
            codes,
            correlation_id,
            trace_id,
        }
    }

    /// Whether it says that a consent is gone, and whose; see [`consent_end`].
    pub fn consent_end(&self) -> Option<ConsentEnd> {
        consent_end(self.class, &self.codes)
    }

    /// The one line about a refusal.
    pub(crate) fn log(&self, step: &'static str) {
        tracing::warn!(
            step,
            class = self.class.as_str(),
            error = self.error,
            suberror = self.suberror,
            codes = ?self.codes,
            correlation_id = self.correlation_id.map(tracing::field::display),
            trace_id = self.trace_id.map(tracing::field::display),
            "Microsoft refused a request"
        );
    }
}

/// An error name is a short identifier; anything else came from somebody who writes into our log.
fn harmless(text: &str) -> String {
    let is_identifier = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.len() <= 64 && text.chars().all(is_identifier) {
        text.to_owned()
    } else {
        "unrecognised".to_owned()
    }
}

#[cfg(test)]
mod tests;
