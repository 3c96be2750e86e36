//! The decision what a refusal means.

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
        // Besides a wrong credential or registration, it is said of a service that the tenant has not subscribed to.
        ("invalid_client", Some(ErrorClass::AdministratorApprovalRequired)) => {
            return ErrorClass::AdministratorApprovalRequired;
        }
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
    class_of_error(&error)
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

/// What the documented and the observed numbers mean here.
fn class_of_code(code: u32) -> Option<ErrorClass> {
    let class =
        match code {
            65004 => ErrorClass::Declined,
            // May not consent; the consent workflow; a risky application; assignment required; Conditional Access, device
            // and age policies; tenant restrictions and cross-tenant policies; a guest account that was switched off; the
            // application or the resource, or its licence, is missing or switched off in the tenant.
            90093
            | 90094
            | 90095
            | 900_941
            | 900_981
            | 90099
            | 90123
            | 50002
            | 50005
            | 50105
            | 50127
            | 50129
            | 50131
            | 50155
            | 51000
            | 53000..=53004
            | 53009..=53011
            | 54000
            | 530_003
            | 530_032
            | 530_034
            | 530_035
            | 500_011
            | 500_014
            | 500_021
            | 500_022
            | 500_212
            | 500_213
            | 500_571
            | 650_051
            | 650_052
            | 650_054
            | 1_000_031
            | 1_000_104 => ErrorClass::AdministratorApprovalRequired,
            65001 => ErrorClass::ConsentMissing,
            // Not of this tenant, a guest who has not accepted the invitation, a personal account.
            50020 | 16000 | 16003 | 50014 | 50034 | 50197 | 51004 | 90072 | 90084 | 500_200
            | 500_202 | 500_208 | 9_002_332 => ErrorClass::WrongTenantOrUser,
            // The application: not found, disabled. The tenant: not found, blocked for inactivity, or in another cloud.
            700_016 | 700_011 | 7_000_112 | 70001 | 90002 | 90038 | 900_382 | 900_432
            | 5_000_225 => ErrorClass::TenantAbsent,
            // A second factor, a device, a password that has to be changed, an account that is locked for a while, a choice
            // of accounts, a page of Microsoft's that was left.
            16001 | 16002 | 50053 | 50055 | 50058 | 50072 | 50074 | 50076 | 50078 | 50079
            | 50097 | 50125 | 50135 | 50140 | 50144 | 50158 | 50199 | 700_020 => {
                ErrorClass::InteractionRequired
            }
            70008 | 700_082 | 70043 | 50057 | 50085 | 50089 | 50132 | 50133 | 50139 | 50173 => {
                ErrorClass::SessionEnded
            }
            54005 => ErrorClass::AlreadyRedeemed,
            // Microsoft's own services, the tenant's share of them, and a directory on the customer's premises.
            40010 | 50033 | 50087 | 50088 | 50166 | 50196 | 80001 | 80002 | 80014 | 90006
            | 90012 | 90024 | 90033 | 90055 | 90090 | 90091 => ErrorClass::TryAgain,
            // Registration, redirect address, scopes, PKCE, the wrong tenant path.
            28002 | 28003 | 50001 | 50011 | 50194 | 65002 | 70004 | 500_112 | 65005 | 650_053
            | 650_056 | 650_057 | 700_022 | 700_084 | 700_005 | 501_481 | 50147 | 900_144
            | 900_971 => ErrorClass::OurFault,
            code if is_of_a_credential(code) => ErrorClass::OurFault,
            _ => return None,
        };
    Some(class)
}

/// A wrong or expired secret; an assertion that is missing, badly signed, badly addressed or out of its time; a
/// certificate that is not registered.
fn is_of_a_credential(code: u32) -> bool {
    matches!(
        code,
        50012
            | 50013
            | 50027
            | 50048
            | 70002
            | 700_021
            | 700_023
            | 700_024
            | 700_025
            | 700_027
            | 700_030
            | 7_000_215
            | 7_000_216
            | 7_000_218
            | 7_000_222
    )
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

    /// Whether Microsoft believed who we are, and then refused the code.
    pub(crate) fn is_about_the_grant(&self) -> bool {
        self.error.eq_ignore_ascii_case("invalid_grant")
    }
}
