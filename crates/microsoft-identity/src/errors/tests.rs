//! The table of refusals, and what is taken out of a description.

use super::ErrorClass::{
    AdministratorApprovalRequired, AlreadyRedeemed, ConsentMissing, Declined, InteractionRequired,
    OurFault, SessionEnded, TenantAbsent, TryAgain, Undetermined, WrongTenantOrUser,
};
use super::*;

type Case = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    &'static [u32],
    ErrorClass,
);

const REFUSALS: &[Case] = &[
    // The three noes.
    ("access_denied", None, None, &[65004], Declined),
    ("consent_required", None, None, &[65004], Declined),
    ("permission_denied", None, None, &[65004], Declined),
    ("access_denied", None, Some("cancel"), &[65004], Declined),
    ("invalid_grant", None, None, &[65004], Undetermined),
    (
        "access_denied",
        None,
        None,
        &[90093],
        AdministratorApprovalRequired,
    ),
    (
        "access_denied",
        None,
        Some("cancel"),
        &[90094],
        AdministratorApprovalRequired,
    ),
    (
        "access_denied",
        None,
        None,
        &[90095],
        AdministratorApprovalRequired,
    ),
    (
        "access_denied",
        None,
        None,
        &[900_941],
        AdministratorApprovalRequired,
    ),
    (
        "access_denied",
        None,
        None,
        &[900_981],
        AdministratorApprovalRequired,
    ),
    (
        "interaction_required",
        None,
        None,
        &[50105],
        AdministratorApprovalRequired,
    ),
    (
        "access_denied",
        None,
        None,
        &[53003],
        AdministratorApprovalRequired,
    ),
    (
        "invalid_grant",
        Some("message_only"),
        None,
        &[530_032],
        AdministratorApprovalRequired,
    ),
    ("access_denied", None, Some("cancel"), &[], Undetermined),
    ("access_denied", None, None, &[], Undetermined),
    ("permission_denied", None, None, &[], Undetermined),
    ("access_denied", None, None, &[123_456], Undetermined),
    // Consent.
    (
        "invalid_grant",
        Some("consent_required"),
        None,
        &[65001],
        ConsentMissing,
    ),
    (
        "invalid_grant",
        Some("consent_required"),
        None,
        &[],
        ConsentMissing,
    ),
    ("consent_required", None, None, &[], ConsentMissing),
    // Interaction and sessions.
    (
        "invalid_grant",
        Some("basic_action"),
        None,
        &[50076],
        InteractionRequired,
    ),
    (
        "interaction_required",
        None,
        None,
        &[50076],
        InteractionRequired,
    ),
    ("login_required", None, None, &[], InteractionRequired),
    ("invalid_grant", None, None, &[50173], SessionEnded),
    ("invalid_grant", None, None, &[70043], SessionEnded),
    ("invalid_grant", None, None, &[700_082], SessionEnded),
    ("invalid_grant", None, None, &[70008], SessionEnded),
    ("invalid_grant", None, None, &[50057], SessionEnded),
    (
        "invalid_grant",
        Some("token_expired"),
        None,
        &[],
        SessionEnded,
    ),
    // Who, where.
    ("access_denied", None, None, &[50020], WrongTenantOrUser),
    ("invalid_request", None, None, &[90072], WrongTenantOrUser),
    ("unauthorized_client", None, None, &[700_016], TenantAbsent),
    ("invalid_request", None, None, &[90002], TenantAbsent),
    (
        "unauthorized_client",
        None,
        None,
        &[7_000_112],
        TenantAbsent,
    ),
    ("invalid_tenant", None, None, &[], TenantAbsent),
    // Our own fault never becomes anybody's refusal.
    ("invalid_client", None, None, &[7_000_215], OurFault),
    ("invalid_client", None, None, &[65004], OurFault),
    ("invalid_client", None, None, &[], OurFault),
    ("invalid_grant", None, None, &[501_481], OurFault),
    ("invalid_request", None, None, &[50011], OurFault),
    ("invalid_scope", None, None, &[], OurFault),
    // Codes.
    ("invalid_grant", None, None, &[54005], AlreadyRedeemed),
    // Moments.
    ("temporarily_unavailable", None, None, &[], TryAgain),
    ("server_error", None, None, &[90090], TryAgain),
    ("server_error", None, None, &[], TryAgain),
    // The default.
    ("invalid_grant", None, None, &[], Undetermined),
    (
        "something_new",
        Some("something_newer"),
        Some("newest"),
        &[],
        Undetermined,
    ),
    ("", None, None, &[], Undetermined),
];

#[test]
fn the_table_of_refusals() {
    for (error, suberror, subcode, codes, expected) in REFUSALS {
        assert_eq!(
            classify(error, *suberror, *subcode, codes),
            *expected,
            "{error} {suberror:?} {subcode:?} {codes:?}"
        );
    }
}

#[test]
fn the_first_known_number_decides() {
    assert_eq!(
        classify("access_denied", None, None, &[1, 90094, 65004]),
        AdministratorApprovalRequired
    );
}

#[test]
fn numbers_are_found_and_bounded() {
    assert_eq!(
        codes_in_description("AADSTS65004: no. AADSTS65004 AADSTSx AADSTS99999999999 AADSTS90094"),
        [65004, 90094]
    );
    assert_eq!(
        codes_in_description(&"AADSTS1 AADSTS2 AADSTS3 AADSTS4 AADSTS5 ".repeat(9)).len(),
        5
    );
    assert_eq!(
        code_in_uri("https://login.microsoftonline.com/error?code=50020"),
        Some(50020)
    );
}

#[test]
fn nobody_writes_into_the_log() {
    let refusal =
        AuthorizationError::from_callback("x\ny=1", Some(&"a".repeat(65)), None, None, None);
    assert_eq!(
        (refusal.error.as_str(), refusal.suberror.as_deref()),
        ("unrecognised", Some("unrecognised"))
    );
}
