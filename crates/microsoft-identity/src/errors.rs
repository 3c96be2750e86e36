//! What a refusal of Microsoft's means for a consent.

use std::fmt;

use url::form_urlencoded;
use uuid::Uuid;

/// What to do about a refusal. Only [`ErrorClass::Declined`] is a person's "no"; only [`ErrorClass::ConsentMissing`]
/// and [`ErrorClass::TenantAbsent`] say that there is no consent. All others say nothing about what stands.
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
        codes: Vec<u32>,
        correlation_id: Option<Uuid>,
        trace_id: Option<Uuid>,
    ) -> Self {
        Self {
            class: classify(error, suberror, None, &codes),
            error: harmless(error),
            suberror: suberror.map(harmless),
            codes,
            correlation_id,
            trace_id,
        }
    }

    /// The one line about a refusal.
    pub(crate) fn log(&self, step: &'static str) {
        tracing::warn!(
            step,
            class = self.class.as_str(),
            error = self.error,
            suberror = self.suberror,
            codes = ?self.codes,
            correlation_id = ?self.correlation_id,
            trace_id = ?self.trace_id,
            "Microsoft refused a request"
        );
    }
}

/// Decides what a refusal means.
///
/// First what `error` alone settles, then the first number that is known, then `suberror` and `error`. A number can
/// make a refusal more precise, but [`ErrorClass::Declined`], the only class that records somebody's will, also needs
/// an `error` that admits it. Whatever is left is [`ErrorClass::Undetermined`], which changes nothing: a wrong "nobody
/// knows" costs a question, a wrong "declined" is a lie in a record.
pub fn classify(
    error: &str,
    suberror: Option<&str>,
    error_subcode: Option<&str>,
    codes: &[u32],
) -> ErrorClass {
    match error {
        "invalid_client" => return ErrorClass::OurFault,
        "temporarily_unavailable" => return ErrorClass::TryAgain,
        _ => {}
    }
    if let Some(class) = codes.iter().find_map(|code| class_of_code(*code)) {
        let is_unbacked_no = class == ErrorClass::Declined && !admits_declining(error);
        return if is_unbacked_no {
            ErrorClass::Undetermined
        } else {
            class
        };
    }
    match suberror {
        Some("consent_required") => return ErrorClass::ConsentMissing,
        Some(
            "basic_action"
            | "additional_action"
            | "message_only"
            | "user_password_expired"
            | "bad_token"
            | "ux_not_allowed"
            | "interrupted_user",
        ) => return ErrorClass::InteractionRequired,
        Some("token_expired") => return ErrorClass::SessionEnded,
        Some("client_mismatch") => return ErrorClass::OurFault,
        Some("protection_policy_required") => return ErrorClass::AdministratorApprovalRequired,
        _ => {}
    }
    if error_subcode == Some("cancel") {
        // Declined, or blocked at "Need admin approval" and gone back: the same words for both.
        return ErrorClass::Undetermined;
    }
    match error {
        "consent_required" => ErrorClass::ConsentMissing,
        "interaction_required"
        | "login_required"
        | "bad_token"
        | "ux_not_allowed"
        | "interrupted_user" => ErrorClass::InteractionRequired,
        "invalid_request"
        | "invalid_scope"
        | "invalid_resource"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "unsupported_response_type" => ErrorClass::OurFault,
        "invalid_tenant" => ErrorClass::TenantAbsent,
        "server_error" => ErrorClass::TryAgain,
        // `access_denied`, `permission_denied`, `invalid_grant` and everything unknown.
        _ => ErrorClass::Undetermined,
    }
}

fn admits_declining(error: &str) -> bool {
    matches!(
        error,
        "access_denied" | "consent_required" | "permission_denied"
    )
}

/// What the documented and the observed numbers mean here.
fn class_of_code(code: u32) -> Option<ErrorClass> {
    let class = match code {
        65004 => ErrorClass::Declined,
        // May not consent; the consent workflow; a risky application; assignment required; Conditional Access and other
        // policies; cross-tenant policies; the resource or its licence is missing in the tenant.
        90093
        | 90094
        | 90095
        | 900_941
        | 900_981
        | 50105
        | 53000..=53004
        | 53011
        | 530_032
        | 530_034
        | 530_035
        | 500_212
        | 500_213
        | 500_011
        | 650_052 => ErrorClass::AdministratorApprovalRequired,
        65001 => ErrorClass::ConsentMissing,
        50020 | 16000 | 50034 | 51004 | 90072 => ErrorClass::WrongTenantOrUser,
        // The application: not found, disabled. The tenant: not found, or in another cloud.
        700_016 | 700_011 | 7_000_112 | 70001 | 90002 | 90038 | 900_382 | 900_432 => {
            ErrorClass::TenantAbsent
        }
        50072 | 50074 | 50076 | 50078 | 50079 | 50097 | 50158 => ErrorClass::InteractionRequired,
        70008 | 700_082 | 70043 | 50173 | 50057 => ErrorClass::SessionEnded,
        54005 => ErrorClass::AlreadyRedeemed,
        90090 => ErrorClass::TryAgain,
        // Registration, redirect address, credential, PKCE, the wrong tenant path or cloud.
        50011 | 65005 | 650_056 | 650_057 | 700_084 | 7_000_215 | 7_000_222 | 700_027
        | 7_000_218 | 700_005 | 700_023 | 501_481 | 50147 | 900_144 => ErrorClass::OurFault,
        _ => return None,
    };
    Some(class)
}

/// Every `AADSTS<number>` of a text, in order, each once, eight at most.
fn codes_in_description(description: &str) -> Vec<u32> {
    let mut codes = Vec::new();
    for rest in description.split("AADSTS").skip(1) {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(Ok(code)) = rest.get(..digits).map(str::parse)
            && !codes.contains(&code)
            && codes.len() < 8
        {
            codes.push(code);
        }
    }
    codes
}

/// `code` of `https://login.microsoftonline.com/error?code=65004`.
fn code_in_uri(uri: &str) -> Option<u32> {
    let (_, query) = uri.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "code")
        .and_then(|(_, code)| code.parse().ok())
}

fn id_after(label: &str, description: &str) -> Option<Uuid> {
    let (_, rest) = description.split_once(label)?;
    rest.trim_start()
        .get(..36)
        .and_then(|id| Uuid::try_parse(id).ok())
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
