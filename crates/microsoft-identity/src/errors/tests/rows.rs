//! Microsoft's table of refusals, each row on the three surfaces where it arrives.

use serde_json::{Value, json};

use super::super::ErrorClass::{
    AdministratorApprovalRequired, AlreadyRedeemed, ConsentMissing, Declined, InteractionRequired,
    OurFault, SessionEnded, TenantAbsent, TryAgain, WrongTenantOrUser,
};
use super::super::{AuthorizationError, ErrorClass, TokenRefusal};
use crate::callbacks::{UnverifiedAdminConsentCallback, UnverifiedAuthorizeCallback};

/// One row of Microsoft's table: numbers that mean the same, the `error`s that they were documented or seen with on
/// each surface, and the `suberror`s that may come along.
pub(super) struct Row {
    pub(super) codes: &'static [u32],
    authorize: &'static [&'static str],
    admin_consent: &'static [&'static str],
    token: &'static [&'static str],
    suberrors: &'static [&'static str],
    pub(super) class: ErrorClass,
}

const fn row(
    codes: &'static [u32],
    [authorize, admin_consent, token]: [&'static [&'static str]; 3],
    suberrors: &'static [&'static str],
    class: ErrorClass,
) -> Row {
    Row {
        codes,
        authorize,
        admin_consent,
        token,
        suberrors,
        class,
    }
}

const DENIED: &[&str] = &["access_denied"];
const GRANT: &[&str] = &["invalid_grant"];
const NEVER: &[&str] = &[];

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    row(&[65001], [&["consent_required", "interaction_required", "access_denied"], &["access_denied", "consent_required"], GRANT], &["consent_required"], ConsentMissing),
    row(&[65004], [&["access_denied", "consent_required"], &["access_denied", "consent_required", "permission_denied"], NEVER], &[], Declined),
    row(&[90094], [DENIED, DENIED, GRANT], &[], AdministratorApprovalRequired),
    row(&[90095], [DENIED, DENIED, GRANT], &[], AdministratorApprovalRequired),
    row(&[90093], [DENIED, &["access_denied", "permission_denied"], GRANT], &[], AdministratorApprovalRequired),
    row(&[900_941, 900_981], [DENIED, DENIED, GRANT], &[], AdministratorApprovalRequired),
    row(&[90090], [&["server_error"], &["server_error"], &["server_error", "invalid_grant"]], &[], TryAgain),
    row(&[50020, 16000, 50034, 51004, 90072], [&["access_denied", "invalid_request", "interaction_required"], DENIED, &["invalid_grant", "invalid_request"]], &["basic_action"], WrongTenantOrUser),
    row(&[500_011], [&["invalid_resource"], &["invalid_resource", "access_denied"], &["invalid_resource", "invalid_grant"]], &[], AdministratorApprovalRequired),
    row(&[650_052], [&["invalid_client", "access_denied"], &["invalid_client", "access_denied"], &["invalid_client", "invalid_grant"]], &[], AdministratorApprovalRequired),
    row(&[65005, 650_056, 650_057], [&["invalid_client", "invalid_resource", "access_denied"], &["invalid_client", "access_denied"], &["invalid_resource", "invalid_client", "invalid_grant"]], &[], OurFault),
    row(&[700_016, 700_011], [&["unauthorized_client"], &["unauthorized_client"], &["unauthorized_client", "invalid_request"]], &[], TenantAbsent),
    row(&[7_000_112, 70001], [&["unauthorized_client"], &["unauthorized_client"], &["unauthorized_client"]], &[], TenantAbsent),
    row(&[50105], [&["interaction_required", "access_denied"], &["interaction_required", "access_denied"], &["invalid_grant", "interaction_required"]], &[], AdministratorApprovalRequired),
    row(&[53003, 53000, 53001, 53002, 53004, 530_032, 530_034, 530_035, 53011], [&["access_denied", "interaction_required"], &["access_denied", "interaction_required"], &["invalid_grant", "interaction_required"]], &["message_only", "additional_action"], AdministratorApprovalRequired),
    row(&[50076, 50074, 50078, 50079, 50072], [&["interaction_required", "login_required"], &["interaction_required"], &["invalid_grant", "interaction_required"]], &["basic_action"], InteractionRequired),
    row(&[50158, 50097], [&["interaction_required"], &["interaction_required"], &["invalid_grant", "interaction_required"]], &["additional_action", "basic_action"], InteractionRequired),
    row(&[54005], [NEVER, NEVER, GRANT], &[], AlreadyRedeemed),
    row(&[70008, 700_082], [NEVER, NEVER, GRANT], &["token_expired", "bad_token"], SessionEnded),
    row(&[70043], [NEVER, NEVER, &["invalid_grant", "interaction_required"]], &["token_expired", "bad_token"], SessionEnded),
    row(&[50173], [NEVER, NEVER, GRANT], &["bad_token"], SessionEnded),
    row(&[50057], [&["access_denied", "invalid_request"], DENIED, GRANT], &[], SessionEnded),
    row(&[700_084], [NEVER, NEVER, GRANT], &[], OurFault),
    row(&[7_000_215, 7_000_222, 700_027, 7_000_218], [NEVER, NEVER, &["invalid_client", "unauthorized_client", "invalid_request"]], &[], OurFault),
    row(&[500_212, 500_213], [DENIED, DENIED, &["invalid_grant", "access_denied"]], &[], AdministratorApprovalRequired),
    row(&[90002, 90038, 900_382, 900_432], [&["invalid_request", "invalid_tenant"], &["invalid_request", "invalid_tenant"], &["invalid_request", "invalid_tenant", "invalid_grant"]], &[], TenantAbsent),
    // One customer's trouble, under whichever error: never told as ours.
    row(&[500_014, 650_051, 650_054, 90099, 1_000_031, 51000], [&["invalid_resource", "unauthorized_client", "access_denied"], &["invalid_resource", "access_denied"], &["invalid_resource", "unauthorized_client", "invalid_client", "invalid_grant"]], &[], AdministratorApprovalRequired),
    row(&[50002, 500_021, 500_022, 1_000_104, 90123], [DENIED, DENIED, &["invalid_grant", "access_denied"]], &[], AdministratorApprovalRequired),
    row(&[500_571], [&["access_denied", "invalid_request"], DENIED, &["invalid_grant", "invalid_request"]], &[], AdministratorApprovalRequired),
    row(&[501_051], [&["access_denied"], DENIED, &["invalid_grant", "invalid_request"]], &[], AdministratorApprovalRequired),
    row(&[50005, 50127, 50129, 50131, 50155, 50187, 53005, 53008, 53009, 53010, 53012, 54000, 135_011, 700_003], [&["access_denied", "interaction_required", "invalid_request"], &["access_denied", "interaction_required"], &["invalid_grant", "interaction_required", "invalid_request"]], &["message_only", "additional_action"], AdministratorApprovalRequired),
    row(&[530_001, 530_002, 530_003, 530_004, 530_021, 530_031, 530_033], [&["access_denied", "interaction_required"], &["access_denied", "interaction_required"], &["invalid_grant", "interaction_required"]], &["message_only", "additional_action"], AdministratorApprovalRequired),
    // What the tenant's own identity provider, directory, certificates or rules for claims do.
    row(&[20001, 20012, 20033, 40008, 40009, 40015, 50008, 50017, 50042, 50043, 50107, 50124, 50146, 50161, 50170, 50177, 50178, 80012, 501_241, 501_461, 501_621, 5_000_819], [&["access_denied", "invalid_request", "server_error"], &["access_denied", "invalid_request"], &["invalid_grant", "invalid_request"]], &[], AdministratorApprovalRequired),
    row(&[16003, 50014, 50059, 50128, 50197, 90027, 90084, 500_200, 500_202, 500_207, 500_208, 500_341, 9_002_332], [&["access_denied", "invalid_request", "interaction_required", "unauthorized_client"], DENIED, &["invalid_grant", "invalid_request", "invalid_client"]], &["basic_action"], WrongTenantOrUser),
    row(&[5_000_224, 5_000_225, 90043], [&["interaction_required", "access_denied", "invalid_request"], &["interaction_required", "access_denied"], &["interaction_required", "invalid_grant", "invalid_request"]], &[], TenantAbsent),
    row(&[7_000_229], [&["unauthorized_client", "invalid_client"], &["unauthorized_client"], &["invalid_client", "unauthorized_client"]], &[], TenantAbsent),
    row(&[16001, 16002, 50015, 50053, 50055, 50056, 50058, 50064, 50086, 50125, 50126, 50135, 50136, 50140, 50142, 50144, 50168, 50192, 50199, 50201, 51006, 160_011, 160_021, 500_121, 500_581, 501_314, 700_020, 9_002_341], [&["interaction_required", "login_required", "access_denied", "invalid_request"], &["interaction_required", "access_denied"], &["invalid_grant", "interaction_required", "invalid_request"]], &["basic_action", "user_password_expired"], InteractionRequired),
    row(&[50085, 50089, 50132, 50133, 50139, 50143, 70044], [&["login_required", "access_denied", "invalid_request"], DENIED, &["invalid_grant", "invalid_request"]], &["bad_token", "token_expired"], SessionEnded),
    row(&[40010, 50000, 50033, 50087, 50088, 50166, 50196, 70012, 80001, 80002, 80005, 80007, 80010, 80013, 80014, 90006, 90012, 90024, 90033, 90036, 90055, 90091, 90092, 500_881], [&["server_error", "access_denied", "invalid_request"], &["server_error"], &["server_error", "invalid_grant", "invalid_request"]], &[], TryAgain),
    row(&[90008], [&["consent_required", "access_denied"], DENIED, &["invalid_grant", "invalid_request"]], &["consent_required"], ConsentMissing),
    row(&[28002, 28003, 50001, 50194, 65002, 70004, 70011, 500_013, 500_111, 500_113, 650_053, 700_009, 700_022, 700_051, 700_054, 900_971], [&["invalid_request", "invalid_scope", "invalid_resource", "access_denied"], &["invalid_request"], &["invalid_request", "invalid_scope", "invalid_resource", "invalid_grant"]], &[], OurFault),
    row(&[50011, 70003, 70005, 70007, 90004, 90005, 90013, 90014, 90015, 90023, 90056, 90100, 90102, 90117, 90121, 900_144, 900_561, 901_002, 9_000_411, 9_001_023, 9_002_313], [&["invalid_request"], &["invalid_request"], &["invalid_request", "unsupported_grant_type", "invalid_grant"]], &[], OurFault),
    row(&[50012, 50013, 50027, 50048, 70002, 70021, 700_021, 700_023, 700_024, 700_025, 700_026, 700_030, 700_211, 700_212, 700_213, 7_000_216], [NEVER, NEVER, &["invalid_client", "unauthorized_client", "invalid_request"]], &[], OurFault),
    row(&[501_481, 501_491, 50147, 700_005, 7_000_012, 9_002_325], [&["invalid_request"], NEVER, &["invalid_grant", "invalid_request"]], &[], OurFault),
];

/// The ways in which a callback was seen to carry one number.
fn callbacks(error: &str, suberror: Option<&str>, code: u32) -> Vec<String> {
    let description =
        format!("error_description=AADSTS{code}%3A+Something+about+ana%40contoso.example.");
    let uri = format!("error_uri=https%3A%2F%2Flogin.microsoftonline.com%2Ferror%3Fcode%3D{code}");
    let suberror = suberror.map_or_else(String::new, |name| format!("&suberror={name}"));
    let begin = format!("state=s&error={error}{suberror}");
    vec![
        format!("{begin}&{description}"),
        format!("{begin}&{uri}"),
        format!("{begin}&{description}&{uri}&error_subcode=cancel"),
        format!("admin_consent=True&{begin}&{description}&{uri}"),
    ]
}

pub(super) fn at_authorize(query: &str) -> AuthorizationError {
    let callback = UnverifiedAuthorizeCallback::parse(query).unwrap();
    callback.outcome.unwrap_err()
}

fn at_admin_consent(query: &str) -> AuthorizationError {
    let callback = UnverifiedAdminConsentCallback::parse(query).unwrap();
    callback.outcome.unwrap_err()
}

pub(super) fn at_token_endpoint(body: &Value) -> AuthorizationError {
    let refusal: TokenRefusal = serde_json::from_str(&body.to_string()).unwrap();
    refusal.into()
}

/// Every number of a row, with every suberror that may come along and with none.
fn variants(row: &Row) -> impl Iterator<Item = (u32, Option<&'static str>)> {
    row.codes.iter().flat_map(|code| {
        let suberrors = row.suberrors.iter().copied().map(Some);
        std::iter::once(None)
            .chain(suberrors)
            .map(|suberror| (*code, suberror))
    })
}

fn check_callbacks(row: &Row, errors: &[&str], parse: fn(&str) -> AuthorizationError) {
    for (code, suberror) in variants(row) {
        for query in errors
            .iter()
            .flat_map(|error| callbacks(error, suberror, code))
        {
            let refusal = parse(&query);
            assert_eq!(
                (refusal.class, refusal.codes),
                (row.class, vec![code]),
                "{query}"
            );
        }
    }
}

#[test]
fn every_row_on_both_callbacks() {
    for row in TABLE {
        check_callbacks(row, row.authorize, at_authorize);
        check_callbacks(row, row.admin_consent, at_admin_consent);
    }
}

#[test]
fn every_row_at_the_token_endpoint() {
    for row in TABLE {
        for (code, suberror) in variants(row) {
            for error in row.token {
                let description = format!("AADSTS{code}: Something about ana@contoso.example.");
                let whole = json!({
                    "error": error, "error_description": description, "error_codes": [code], "suberror": suberror,
                    "timestamp": "2026-11-24 01:53:44Z", "trace_id": "0b2d6e1e-1111-4222-8333-444455556666",
                    "correlation_id": "aaaaaaaa-1111-4222-8333-444455556666",
                    "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
                });
                let terse =
                    json!({"error": error, "error_description": description, "suberror": suberror});
                for body in [&whole, &terse] {
                    let refusal = at_token_endpoint(body);
                    assert_eq!(
                        (refusal.class, refusal.codes),
                        (row.class, vec![code]),
                        "{body}"
                    );
                }
            }
        }
    }
}
