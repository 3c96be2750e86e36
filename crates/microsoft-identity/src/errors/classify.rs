//! The decision what a refusal means.

use super::table::{class_of_code, is_of_a_credential, is_of_consent};
use super::{AuthorizationError, ErrorClass};

/// Decides what a refusal means.
///
/// First what `error` alone settles, then the numbers, then `suberror` and `error`. A number can make a refusal more
/// precise, but [`ErrorClass::Declined`], the only class that records somebody's will, also needs an `error` that
/// admits it. Whatever is left is [`ErrorClass::Undetermined`], which changes nothing: a wrong "nobody knows" costs a
/// question, a wrong "declined" is a lie in a record.
///
/// Known numbers may contradict each other. Then our own fault wins, because an operator can look at it; else the
/// first number whose class changes no consent; else nobody knows. So a "no", a missing consent and an absent tenant
/// are believed only where no other known number disagrees.
pub fn classify(
    error: &str,
    suberror: Option<&str>,
    error_subcode: Option<&str>,
    codes: &[u32],
) -> ErrorClass {
    let error = error.trim().to_ascii_lowercase();
    let by_number = class_of_codes(codes);
    match (error.as_str(), by_number) {
        ("temporarily_unavailable", _) => return ErrorClass::TryAgain,
        // Besides a wrong credential or registration, it is said of what one tenant lacks: a service that it has not
        // subscribed to, our service principal.
        ("invalid_client", Some(class)) if is_one_customers(class) => return class,
        ("invalid_client", _) => return ErrorClass::OurFault,
        (error, Some(ErrorClass::Declined)) if !admits_declining(error) => {
            return ErrorClass::Undetermined;
        }
        (_, Some(class)) => return class,
        (_, None) => {}
    }
    if let Some(class) = class_of_suberror(suberror) {
        return class;
    }
    if error_subcode.is_some_and(|subcode| subcode.trim().eq_ignore_ascii_case("cancel")) {
        // Declined, or blocked at "Need admin approval" and gone back: the same words for both.
        return ErrorClass::Undetermined;
    }
    let class = class_of_error(&error);
    if class == ErrorClass::OurFault && !codes.is_empty() {
        // A number that is not known can be anything, also one customer's trouble: a personal account comes as
        // `invalid_request`.
        return ErrorClass::Undetermined;
    }
    class
}

/// Whether it is the matter of one person or of one tenant, and says nothing about any other.
fn is_one_customers(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::AdministratorApprovalRequired
            | ErrorClass::TenantAbsent
            | ErrorClass::WrongTenantOrUser
            | ErrorClass::InteractionRequired
    )
}

fn class_of_suberror(suberror: Option<&str>) -> Option<ErrorClass> {
    let class = match suberror?.trim().to_ascii_lowercase().as_str() {
        "consent_required" => ErrorClass::ConsentMissing,
        // MSAL's list: a page of Microsoft's can solve it, or at least tell the person what is in the way.
        "basic_action"
        | "additional_action"
        | "message_only"
        | "user_password_expired"
        | "bad_token"
        | "ux_not_allowed"
        | "interrupted_user" => ErrorClass::InteractionRequired,
        "token_expired" => ErrorClass::SessionEnded,
        "client_mismatch" => ErrorClass::OurFault,
        "protection_policy_required" => ErrorClass::AdministratorApprovalRequired,
        _ => return None,
    };
    Some(class)
}

fn class_of_error(error: &str) -> ErrorClass {
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

/// One class for all numbers; `None` if none is known.
fn class_of_codes(codes: &[u32]) -> Option<ErrorClass> {
    let known: Vec<ErrorClass> = codes.iter().copied().filter_map(class_of_code).collect();
    let first = *known.first()?;
    let agreed = known.iter().all(|class| *class == first);
    let class = if agreed {
        first
    } else if known.contains(&ErrorClass::OurFault) {
        ErrorClass::OurFault
    } else {
        let harmless = known.into_iter().find(|class| !changes_a_consent(*class));
        harmless.unwrap_or(ErrorClass::Undetermined)
    };
    Some(class)
}

fn changes_a_consent(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Declined | ErrorClass::ConsentMissing | ErrorClass::TenantAbsent => true,
        ErrorClass::AdministratorApprovalRequired
        | ErrorClass::Undetermined
        | ErrorClass::InteractionRequired
        | ErrorClass::SessionEnded
        | ErrorClass::WrongTenantOrUser
        | ErrorClass::OurFault
        | ErrorClass::AlreadyRedeemed
        | ErrorClass::TryAgain => false,
    }
}

impl AuthorizationError {
    /// Whether Microsoft did not believe who we are, rather than anything about the request. That is said before a
    /// code is looked at, so the same request may be made again with another credential.
    pub(crate) fn is_about_our_credential(&self) -> bool {
        let all_say_so = self.codes.iter().all(|code| is_of_a_credential(*code));
        let none_denies_it = self
            .codes
            .iter()
            .all(|code| is_of_a_credential(*code) || class_of_code(*code).is_none());
        if self.error.eq_ignore_ascii_case("invalid_client") {
            none_denies_it
        } else {
            all_say_so && !self.codes.is_empty()
        }
    }

    /// Whether an administrator's consent is what is missing, and no policy, licence or assignment that would stand in an
    /// administrator's way as well.
    pub fn needs_consent_by_an_administrator(&self) -> bool {
        self.class == ErrorClass::AdministratorApprovalRequired
            && self.codes.iter().any(|code| is_of_consent(*code))
    }

    /// Whether Microsoft believed who we are, and then refused the code.
    pub(crate) fn is_about_the_grant(&self) -> bool {
        self.error.eq_ignore_ascii_case("invalid_grant")
    }
}
