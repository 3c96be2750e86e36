//! The rules behind the table of refusals, and what is taken out of a description.

mod rows;

use serde_json::json;

use self::rows::{TABLE, at_authorize, at_token_endpoint};
use super::ErrorClass::{
    AdministratorApprovalRequired, ConsentMissing, Declined, InteractionRequired, OurFault,
    SessionEnded, TenantAbsent, TryAgain, Undetermined,
};
use super::numbers::codes_in_description;
use super::*;

#[test]
fn only_65004_under_an_error_that_admits_it_is_a_no() {
    let errors = [
        "access_denied",
        "consent_required",
        "permission_denied",
        "invalid_grant",
        "invalid_request",
        "invalid_client",
        "server_error",
        "interaction_required",
        "login_required",
        "temporarily_unavailable",
        "something_new",
        "",
    ];
    let known: Vec<u32> = TABLE.iter().flat_map(|row| row.codes).copied().collect();
    for error in errors {
        for code in known
            .iter()
            .copied()
            .chain([0, 1, 65003, 123_456, u32::MAX])
        {
            for subcode in [None, Some("cancel")] {
                let admits =
                    ["access_denied", "consent_required", "permission_denied"].contains(&error);
                let class = classify(error, None, subcode, &[code]);
                assert_eq!(
                    class == Declined,
                    admits && code == 65004,
                    "{error} {subcode:?} {code}: {class}"
                );
            }
        }
        for suberror in ["consent_required", "basic_action", "declined", "cancel"] {
            assert_ne!(
                classify(error, Some(suberror), Some("cancel"), &[]),
                Declined,
                "{error} {suberror}"
            );
        }
    }
    assert_eq!(
        classify("invalid_grant", None, None, &[65004]),
        Undetermined
    );
}

#[test]
fn what_is_unknown_is_undetermined() {
    for error in [
        "access_denied",
        "permission_denied",
        "invalid_grant",
        "something_new",
        "",
        "🦀",
        "access denied",
    ] {
        for codes in [&[][..], &[1], &[123_456, 999_999_999]] {
            for (suberror, subcode) in [
                (None, None),
                (None, Some("cancel")),
                (Some("something_newer"), Some("newest")),
            ] {
                assert_eq!(
                    classify(error, suberror, subcode, codes),
                    Undetermined,
                    "{error} {suberror:?} {codes:?}"
                );
            }
        }
    }
    // Cancelled, or blocked and gone back: an error that would mean something alone means nothing then.
    assert_eq!(
        classify("consent_required", None, Some("cancel"), &[]),
        Undetermined
    );
}

#[test]
fn an_unknown_number_makes_no_fault_of_ours() {
    for error in [
        "invalid_request",
        "invalid_scope",
        "invalid_resource",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    ] {
        assert_eq!(
            classify(error, None, None, &[1_234_567]),
            Undetermined,
            "{error}"
        );
    }
    // Who does not believe us says so, whatever else.
    assert_eq!(
        classify("invalid_client", None, None, &[1_234_567]),
        OurFault
    );
}

#[test]
fn no_number_has_two_rows() {
    let mut seen = std::collections::HashSet::new();
    for code in TABLE.iter().flat_map(|row| row.codes) {
        assert!(seen.insert(code), "{code}");
    }
}

#[test]
fn msals_rule_for_interaction() {
    for error in [
        "interaction_required",
        "login_required",
        "bad_token",
        "ux_not_allowed",
        "interrupted_user",
    ] {
        assert_eq!(
            classify(error, None, None, &[]),
            InteractionRequired,
            "{error}"
        );
    }
    for suberror in [
        "message_only",
        "additional_action",
        "basic_action",
        "user_password_expired",
        "bad_token",
        "ux_not_allowed",
        "interrupted_user",
    ] {
        for error in ["invalid_grant", "interaction_required"] {
            assert_eq!(
                classify(error, Some(suberror), None, &[]),
                InteractionRequired,
                "{error} {suberror}"
            );
        }
    }
    // MSAL asks again for consent as well, which is more than an interaction.
    assert_eq!(
        classify("consent_required", None, None, &[]),
        ConsentMissing
    );
    assert_eq!(
        classify("invalid_grant", Some("consent_required"), None, &[]),
        ConsentMissing
    );
    // What only MSAL.NET knows.
    assert_eq!(
        classify("invalid_grant", Some("token_expired"), None, &[]),
        SessionEnded
    );
    assert_eq!(
        classify("invalid_grant", Some("client_mismatch"), None, &[]),
        OurFault
    );
    let policy = classify(
        "invalid_grant",
        Some("protection_policy_required"),
        None,
        &[],
    );
    assert_eq!(policy, AdministratorApprovalRequired);
}

#[test]
fn an_error_without_numbers() {
    for (error, class) in [
        ("invalid_client", OurFault),
        ("invalid_request", OurFault),
        ("invalid_scope", OurFault),
        ("invalid_resource", OurFault),
        ("unauthorized_client", OurFault),
        ("unsupported_grant_type", OurFault),
        ("unsupported_response_type", OurFault),
        ("invalid_tenant", TenantAbsent),
        ("server_error", TryAgain),
        ("temporarily_unavailable", TryAgain),
    ] {
        assert_eq!(classify(error, None, None, &[]), class, "{error}");
    }
}

#[test]
fn numbers_that_contradict_each_other_change_nobodys_consent() {
    let changes = [Declined, ConsentMissing, TenantAbsent];
    for (one, other) in TABLE
        .iter()
        .flat_map(|one| TABLE.iter().map(move |other| (one, other)))
    {
        let (first, second) = (one.codes[0], other.codes[0]);
        let class = classify("access_denied", None, None, &[7, first, second]);
        if one.class == other.class {
            assert_eq!(class, one.class, "{first} {second}");
        } else {
            assert!(!changes.contains(&class), "{first} {second}: {class}");
            assert!(
                class == Undetermined || class == one.class || class == other.class,
                "{first} {second}: {class}"
            );
            let is_our_fault = one.class == OurFault || other.class == OurFault;
            assert_eq!(class == OurFault, is_our_fault, "{first} {second}: {class}");
        }
    }
    // The order only decides between two that are equally harmless.
    assert_eq!(
        classify("access_denied", None, None, &[65004, 90094]),
        AdministratorApprovalRequired
    );
    assert_eq!(
        classify("access_denied", None, None, &[90094, 65004]),
        AdministratorApprovalRequired
    );
    assert_eq!(
        classify("invalid_grant", None, None, &[65001, 700_016]),
        Undetermined
    );
    assert_eq!(
        classify("invalid_grant", None, None, &[50076, 50173]),
        InteractionRequired
    );
    assert_eq!(
        classify("invalid_grant", None, None, &[50173, 50076]),
        SessionEnded
    );
}

#[test]
fn our_own_fault_never_becomes_anybodys_refusal() {
    for code in [65004, 65001, 50173, 54005, 90090, 500_112, 1] {
        assert_eq!(
            classify("invalid_client", None, None, &[code]),
            OurFault,
            "{code}"
        );
    }
    assert_eq!(
        classify("temporarily_unavailable", None, None, &[65004]),
        TryAgain
    );
}

#[test]
fn only_a_credential_that_was_not_believed_calls_for_another() {
    let refusal = |error: &str, codes: &[u32]| {
        at_token_endpoint(&json!({"error": error, "error_codes": codes})).is_about_our_credential()
    };
    for codes in [
        &[][..],
        &[7_000_215],
        &[7_000_222],
        &[700_027],
        &[7_000_218],
        &[700_024, 700_027],
        &[999_999],
    ] {
        assert!(refusal("invalid_client", codes), "{codes:?}");
    }
    assert!(refusal("unauthorized_client", &[7_000_222]));
    // An address that is not registered, a service without a licence, a code that was redeemed before.
    for codes in [500_112, 650_052, 54005, 65004] {
        assert!(!refusal("invalid_client", &[codes]), "{codes}");
        assert!(!refusal("invalid_client", &[7_000_215, codes]), "{codes}");
    }
    for error in [
        "invalid_grant",
        "unauthorized_client",
        "temporarily_unavailable",
    ] {
        assert!(!refusal(error, &[]), "{error}");
        assert!(!refusal(error, &[54005]), "{error}");
    }
}

#[test]
fn letters_may_be_large_or_small() {
    assert_eq!(
        classify("Access_Denied", None, Some("Cancel"), &[]),
        Undetermined
    );
    assert_eq!(classify(" INVALID_CLIENT ", None, None, &[]), OurFault);
    assert_eq!(
        classify("invalid_grant", Some("Basic_Action"), None, &[]),
        InteractionRequired
    );
    let refusal = at_authorize("state=s&error=ACCESS_DENIED&error_description=aadsts65004%3A+no");
    assert_eq!(refusal.class, Declined);
}

#[test]
fn numbers_are_found_and_bounded() {
    assert_eq!(
        codes_in_description("AADSTS65004: no. AADSTS65004 AADSTSx AADSTS99999999999 AADSTS90094"),
        [65004, 90094]
    );
    let many: Vec<String> = (1..100).map(|code| format!("AADSTS{code}")).collect();
    assert_eq!(
        codes_in_description(&many.join(" ")),
        [1, 2, 3, 4, 5, 6, 7, 8]
    );
    for garbage in [
        "",
        "AADSTS",
        "AADSTS-65004",
        "AAD STS65004",
        "AADSTS\u{0665}",
        "ÄAADSTS",
        &"AADSTS".repeat(999),
    ] {
        assert!(codes_in_description(garbage).is_empty(), "{garbage}");
    }
    for (uri, code) in [
        (
            "https://login.microsoftonline.com/error?code=50020",
            Some(50020),
        ),
        (
            "https://login.microsoftonline.com/error?code=700016 ",
            Some(700_016),
        ),
        (
            "https://login.microsoftonline.com/error?x=1&code=50020#y",
            None,
        ),
        ("https://login.microsoftonline.com/error", None),
        ("?code=-1", None),
        ("code=50020", None),
    ] {
        assert_eq!(code_in_uri(uri), code, "{uri}");
    }
}

#[test]
fn an_odd_token_refusal_is_still_one() {
    let refusal = at_token_endpoint(&json!({
        "error": "invalid_grant", "suberror": 7, "error_codes": [1.5, -1, 5_000_000_000_u64, "65001", 50173], "trace_id": 1,
        "correlation_id": "no id", "error_description": {"text": "AADSTS65001"},
    }));
    assert_eq!(
        (refusal.class, refusal.codes.as_slice()),
        (SessionEnded, &[50173][..])
    );
    assert_eq!(
        (refusal.suberror, refusal.trace_id, refusal.correlation_id),
        (None, None, None)
    );
    let many: Vec<u32> = (1..100).collect();
    assert_eq!(
        at_token_endpoint(&json!({"error": "x", "error_codes": many}))
            .codes
            .len(),
        MOST
    );
    for no_refusal in [
        json!({}),
        json!({"error": {"code": "x"}}),
        json!([]),
        json!("invalid_grant"),
    ] {
        assert!(
            serde_json::from_str::<TokenRefusal>(&no_refusal.to_string()).is_err(),
            "{no_refusal}"
        );
    }
}

#[test]
fn nobody_writes_into_the_log() {
    let refusal =
        AuthorizationError::from_callback("x\ny=1", Some(&"a".repeat(65)), None, None, None);
    assert_eq!(
        (refusal.error.as_str(), refusal.suberror.as_deref()),
        ("unrecognised", Some("unrecognised"))
    );
    let refusal = at_token_endpoint(
        &json!({"error": "x", "error_description": "AADSTS1: ana@contoso.example"}),
    );
    assert!(
        !format!("{refusal:?} {refusal}").contains("contoso"),
        "{refusal:?}"
    );
}
