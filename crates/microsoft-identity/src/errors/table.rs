//! What Microsoft's numbers mean here: those of its list of error codes (and some seen in the wild that are not on it)
//! that can meet a sign-in, a consent or the redemption of a code.
//!
//! What is not here is shown on Microsoft's own pages and never told to an application, belongs to protocols that are
//! not spoken here (SAML, WS-Federation, the device code flow), or is new.

use super::ErrorClass;

pub(super) fn class_of_code(code: u32) -> Option<ErrorClass> {
    // Policies have whole ranges: Conditional Access, devices, risk.
    if matches!(code, 53000..=53012 | 530_000..=530_099) {
        return Some(ErrorClass::AdministratorApprovalRequired);
    }
    let of_code = GROUPS.iter().find(|(codes, _)| codes.contains(&code));
    of_code.map(|(_, class)| *class)
}

/// Whether it is about who may consent: a user may not, also because of the consent workflow or a risky application.
pub(super) fn is_of_consent(code: u32) -> bool {
    matches!(code, 90_093..=90_095 | 900_941 | 900_981)
}

/// Whether the tenant has not got what is asked for: its service principal is not there, or it has not subscribed to it.
pub(super) fn is_of_an_absent_resource(code: u32) -> bool {
    matches!(code, 500_011 | 650_052)
}

/// Whether it is about our credential: a wrong or expired secret; an assertion that is missing, badly signed, badly addressed or out of its time; a
/// certificate that is not registered.
pub(super) fn is_of_a_credential(code: u32) -> bool {
    OF_A_CREDENTIAL.contains(&code)
}

const GROUPS: [(&[u32], ErrorClass); 11] = [
    (&[65004], ErrorClass::Declined),
    (&[65001, 90008], ErrorClass::ConsentMissing),
    (&[54005], ErrorClass::AlreadyRedeemed),
    (
        FOR_AN_ADMINISTRATOR,
        ErrorClass::AdministratorApprovalRequired,
    ),
    (OF_ANOTHER_ACCOUNT, ErrorClass::WrongTenantOrUser),
    (OF_AN_ABSENT_TENANT, ErrorClass::TenantAbsent),
    (UP_TO_THE_PERSON, ErrorClass::InteractionRequired),
    (OF_A_SESSION, ErrorClass::SessionEnded),
    (OF_A_MOMENT, ErrorClass::TryAgain),
    (OF_OUR_REQUEST, ErrorClass::OurFault),
    (OF_A_CREDENTIAL, ErrorClass::OurFault),
];

/// Somebody who administers the tenant decides, or has to change something.
const FOR_AN_ADMINISTRATOR: &[u32] = &[
    // May not consent (see `is_of_consent`), or a partner's access.
    90093, 90094, 90095, 900_941, 900_981, 90099,
    // The user is not assigned to the application, or it is closed to everybody for now.
    50105, 501_051, 1_000_031,
    // Conditional Access, devices, age: what is outside of the ranges.
    50005, 50127, 50129, 50131, 50155, 50187, 54000, 135_011, 700_003,
    // Tenant restrictions, cross-tenant policies, a guest account that was switched off.
    50002, 90123, 500_021, 500_022, 500_212, 500_213, 500_571, 1_000_104,
    // The resource, or the licence for it, is missing or switched off in the tenant; a feature as well.
    51000, 500_011, 500_014, 650_051, 650_052, 650_054,
    // The tenant's own identity provider, second-factor provider or directory does not do its part; certificates that
    // users sign in with; claims that the tenant transforms.
    20001, 20012, 20033, 40008, 40009, 40015, 50008, 50017, 50042, 50043, 50107, 50124, 50146,
    50161, 50170, 50177, 50178, 80012, 501_241, 501_461, 501_621, 5_000_819,
];

/// Not of this tenant, deleted from it, a guest who has not accepted the invitation, a personal account.
const OF_ANOTHER_ACCOUNT: &[u32] = &[
    16000, 16003, 50014, 50020, 50034, 50059, 50128, 50197, 51004, 90027, 90072, 90084, 500_200,
    500_202, 500_207, 500_208, 500_341, 9_002_332,
];

/// The application: not found, without a service principal, disabled. The tenant: not found, blocked, deleted, or in
/// another cloud.
const OF_AN_ABSENT_TENANT: &[u32] = &[
    70001, 90002, 90038, 90043, 700_011, 700_016, 900_382, 900_432, 5_000_224, 5_000_225,
    7_000_112, 7_000_229,
];

/// A second factor, a device, a password that has to be typed, changed or found, an account that is locked for a while, a
/// choice of accounts, a page of Microsoft's that was left.
const UP_TO_THE_PERSON: &[u32] = &[
    16001, 16002, 50015, 50053, 50055, 50056, 50058, 50064, 50072, 50074, 50076, 50078, 50079,
    50086, 50097, 50125, 50126, 50135, 50136, 50140, 50142, 50144, 50158, 50168, 50192, 50199,
    50201, 51006, 160_011, 160_021, 500_121, 500_581, 501_314, 700_020, 9_002_341,
];

/// Passwords changed, sign-in frequency, inactivity, a disabled user: the consent still stands.
const OF_A_SESSION: &[u32] = &[
    50057, 50085, 50089, 50132, 50133, 50139, 50143, 50173, 70008, 70043, 70044, 700_082,
];

/// Microsoft's own services, the tenant's share of them, and a directory on the customer's premises.
const OF_A_MOMENT: &[u32] = &[
    40010, 50000, 50033, 50087, 50088, 50166, 50196, 70012, 80001, 80002, 80005, 80007, 80010,
    80013, 80014, 90006, 90012, 90024, 90033, 90036, 90055, 90090, 90091, 90092, 500_881,
];

/// Registration, redirect address, resource and scopes, PKCE, the wrong tenant path, a request that can't be read.
const OF_OUR_REQUEST: &[u32] = &[
    // The registration, and what is asked for by it.
    28002, 28003, 50001, 50011, 50194, 65002, 65005, 70004, 70011, 500_013, 500_111, 500_112,
    500_113, 650_053, 650_056, 650_057, 700_009, 700_022, 700_051, 700_054, 700_084, 900_971,
    // The code, and how it was asked for.
    50147, 501_481, 501_491, 700_005, 7_000_012, 9_002_325, // The form of the request.
    70003, 70005, 70007, 90004, 90005, 90013, 90014, 90015, 90023, 90056, 90100, 90102, 90117,
    90121, 900_144, 900_561, 901_002, 9_000_411, 9_001_023, 9_002_313,
];

const OF_A_CREDENTIAL: &[u32] = &[
    50012, 50013, 50027, 50048, 70002, 70021, 700_021, 700_023, 700_024, 700_025, 700_027, 700_026,
    700_030, 700_211, 700_212, 700_213, 7_000_215, 7_000_216, 7_000_218, 7_000_222,
];

/// What an operator can do about a credential that Microsoft refuses with this number.
pub(crate) fn credential_advice(code: u32) -> &'static str {
    match code {
        7_000_222 => {
            "the client secret has expired: create a new one in the app registration and configure it"
        }
        7_000_215 | 70002 => "the client secret is wrong: configure its value, not its id",
        700_027 | 700_030 | 50012 | 50013 => {
            "the certificate is not registered, or has expired: upload it in the app registration"
        }
        700_024 => "the clock of this machine is wrong",
        7_000_218 | 7_000_216 => "no credential arrived: configure one",
        700_021 | 700_023 | 50027 => {
            "the client id or the authority does not fit the app registration"
        }
        _ => "compare the configuration with the app registration",
    }
}
