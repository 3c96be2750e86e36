//! What becomes of each number.

/// What a user is told, and what an administrator is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) user: &'static str,
    pub(super) administrator: &'static str,
    /// Whether it is our own fault.
    pub(super) is_ours: bool,
}

const fn both(code: &'static str) -> Told {
    Told {
        user: code,
        administrator: code,
        is_ours: false,
    }
}

const APPROVAL: Told = both("administrator_approval_required");
const ANOTHER: Told = Told {
    user: "identity_mismatch",
    administrator: "tenant_mismatch",
    is_ours: false,
};
const ABSENT: Told = both("tenant_absent");
const PERSON: Told = both("interaction_required");
const SESSION: Told = both("session_ended");
const MOMENT: Told = both("microsoft_unavailable");
const OURS: Told = Told {
    is_ours: true,
    ..both("application_misconfigured")
};

/// Of the numbers of which the simulator knows the words.
#[rustfmt::skip]
const WITH_WORDS: &[(&[u64], Told)] = &[
    (&[65004], both("declined")),
    (&[90093, 90094, 90095, 900_941, 900_981], Told { administrator: "not_an_administrator", ..APPROVAL }),
    (&[500_011, 650_052, 50105, 53000, 53001, 53002, 53003, 53004, 53011, 530_032, 530_034, 530_035, 500_212, 500_213], APPROVAL),
    (&[65001], both("consent_missing")),
    (&[90090], MOMENT),
    (&[50020, 16000, 50034, 51004, 90072], ANOTHER),
    (&[700_016, 700_011, 7_000_112, 70001, 90002, 90038, 900_382, 900_432], ABSENT),
    (&[50072, 50074, 50076, 50078, 50079, 50097, 50158], PERSON),
    (&[70008, 700_082, 70043, 50173, 50057], SESSION),
    (&[54005], both("flow_already_used")),
    (&[65005, 650_056, 650_057, 700_084, 7_000_215, 7_000_222, 700_027, 7_000_218, 501_481, 50147, 700_005], OURS),
];

/// The others: the `error` on a page and that of the token endpoint with which they were seen, or would do most harm.
#[rustfmt::skip]
const WITHOUT_WORDS: &[(&[u64], [&str; 2], Told)] = &[
    // The application, the resource or a licence, in one tenant.
    (&[500_014, 650_051, 650_054, 1_000_031, 51000, 90099], ["unauthorized_client", "invalid_client"], APPROVAL),
    (&[7_000_229], ["unauthorized_client", "invalid_client"], ABSENT),
    (&[5_000_224, 5_000_225, 90043], ["interaction_required", "interaction_required"], ABSENT),
    // Policies, restrictions, guests, assignments.
    (&[50002, 500_021, 500_022, 1_000_104, 90123, 500_571, 501_051], ["invalid_request", "invalid_request"], APPROVAL),
    (&[50005, 50127, 50129, 50131, 50155, 50187, 53005, 53008, 53009, 53010, 53012, 54000, 135_011, 700_003], ["invalid_request", "invalid_request"], APPROVAL),
    (&[530_001, 530_002, 530_003, 530_004, 530_021, 530_031, 530_033], ["access_denied", "interaction_required"], APPROVAL),
    // The customer's own identity provider and directory.
    (&[20001, 20012, 20033, 40008, 40009, 40015, 50008, 50017, 50042, 50043, 50107, 50124, 50146, 50161, 50170, 50177, 50178, 80012, 501_241, 501_461, 501_621, 5_000_819], ["server_error", "invalid_request"], APPROVAL),
    // Personal accounts, and those of other tenants.
    (&[16003, 50014, 50059, 50128, 50197, 90027, 90084, 500_200, 500_202, 500_207, 500_208, 500_341, 9_002_332], ["unauthorized_client", "invalid_request"], ANOTHER),
    (&[16001, 16002, 50015, 50053, 50055, 50056, 50058, 50064, 50086, 50125, 50126, 50135, 50136, 50140, 50142, 50144, 50168, 50192, 50199, 50201, 51006, 160_011, 160_021, 500_121, 500_581, 501_314, 700_020, 9_002_341], ["login_required", "invalid_request"], PERSON),
    (&[50085, 50089, 50132, 50133, 50139, 50143, 70044], ["invalid_request", "invalid_grant"], SESSION),
    (&[40010, 50000, 50033, 50087, 50088, 50166, 50196, 70012, 80001, 80002, 80005, 80007, 80010, 80013, 80014, 90006, 90012, 90024, 90033, 90036, 90055, 90091, 90092, 500_881], ["server_error", "server_error"], MOMENT),
    (&[28002, 28003, 50001, 50011, 50194, 65002, 70004, 70011, 500_013, 500_111, 500_113, 650_053, 700_009, 700_022, 700_051, 700_054, 900_971, 501_491, 9_002_325], ["invalid_request", "invalid_request"], OURS),
    (&[70003, 70005, 70007, 90004, 90005, 90013, 90014, 90015, 90023, 90056, 90100, 90102, 90117, 90121, 900_144, 900_561, 901_002, 9_000_411, 9_001_023, 9_002_313], ["invalid_request", "invalid_request"], OURS),
    (&[50012, 50013, 50027, 50048, 70002, 70021, 700_021, 700_023, 700_024, 700_025, 700_026, 700_030, 700_211, 700_212, 700_213, 7_000_216], ["unauthorized_client", "invalid_client"], OURS),
    // What nobody knows, under errors that would be our fault without a number.
    (&[1_234_567], ["access_denied", "invalid_request"], both("undetermined")),
    (&[99], ["unauthorized_client", "unauthorized_client"], both("undetermined")),
    (&[4_294_967_295], ["something_new", "invalid_resource"], both("undetermined")),
];

pub(super) fn told_of(code: u64) -> Option<Told> {
    let with = WITH_WORDS.iter().map(|(codes, told)| (codes, told));
    let without = WITHOUT_WORDS.iter().map(|(codes, _, told)| (codes, told));
    let mut found = with
        .chain(without)
        .filter(|(codes, _)| codes.contains(&code));
    found.next().map(|(_, told)| *told)
}

/// Each number, with its `error` on a page and from the token endpoint.
pub(super) fn without_words() -> impl Iterator<Item = (u64, &'static str, &'static str)> {
    WITHOUT_WORDS
        .iter()
        .flat_map(|(codes, [on_a_page, from_token], _)| {
            codes
                .iter()
                .map(move |code| (*code, *on_a_page, *from_token))
        })
}
