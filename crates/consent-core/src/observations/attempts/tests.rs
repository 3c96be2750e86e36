use jiff::SignedDuration;

use super::*;

const EPOCH: Epoch = Epoch(3);

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

fn flow(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn tenant(number: u128) -> Tenant {
    Tenant {
        cloud: assent_domain::ids::Cloud::Worldwide.into(),
        id: Uuid::from_u128(number),
    }
}

fn kinds(permissions: &[Permission]) -> Kinds {
    kinds_from_list(permissions)
}

fn asking(epoch: Epoch, tenant: Option<Tenant>, kinds: Kinds) -> AttemptedConsent {
    AttemptedConsent {
        epoch,
        tenant,
        permissions: PermissionSet::EVERYTHING.only(kinds),
    }
}

fn met_in(attempts: &Attempts, (epoch, tenant): (Epoch, Option<Tenant>)) -> Vec<Permission> {
    let all = [
        Permission::Calendar,
        Permission::Contacts,
        Permission::Email,
    ];
    let met = |permission: &Permission| {
        attempts.lead_nowhere(asking(epoch, tenant, Kinds::ALL), *permission, |_| false)
    };
    all.into_iter().filter(met).collect()
}

fn met(attempts: &Attempts) -> Vec<Permission> {
    met_in(attempts, (EPOCH, None))
}

fn sent(number: u128, doubtful: &[Permission], minute: i64) -> Attempts {
    let mut attempts = Attempts::default();
    let doubtful = kinds(doubtful);
    attempts.note_start(
        flow(number),
        asking(EPOCH, None, doubtful),
        doubtful,
        at(minute),
    );
    attempts
}

#[test]
fn whoever_is_on_the_way_has_met_a_dead_end_at_once() {
    let attempts = sent(1, &[Permission::Calendar], 0);
    assert_eq!(met(&attempts), [Permission::Calendar]);
    // After a change of method everybody starts anew.
    assert_eq!(met_in(&attempts, (EPOCH.next(), None)), []);
}

#[test]
fn the_first_attempt_may_still_complete_whatever_was_begun_meanwhile() {
    let mut attempts = sent(1, &[Permission::Calendar, Permission::Email], 0);
    let contacts = asking(EPOCH, None, kinds(&[Permission::Contacts]));
    attempts.note_start(flow(2), contacts, Kinds::NONE, at(1));
    let both = kinds(&[Permission::Calendar, Permission::Email]);
    attempts.note_grant((EPOCH, tenant(1)), flow(1), both);
    assert_eq!(met(&attempts), []);
}

#[test]
fn what_ended_otherwise_was_no_dead_end() {
    let mut attempts = sent(1, &[Permission::Calendar], 0);
    attempts.note_end(flow(1));
    assert_eq!(met(&attempts), []);

    // Each attempt speaks for itself.
    let mut attempts = sent(1, &[Permission::Calendar], 0);
    let email = kinds(&[Permission::Email]);
    attempts.note_start(flow(2), asking(EPOCH, None, email), email, at(1));
    attempts.note_end(flow(2));
    assert_eq!(met(&attempts), [Permission::Calendar]);
}

#[test]
fn what_was_not_among_what_was_granted_led_nowhere() {
    let mut attempts = sent(1, &[Permission::Calendar, Permission::Email], 0);
    attempts.note_grant((EPOCH, tenant(1)), flow(1), kinds(&[Permission::Email]));
    attempts.note_end(flow(1));
    assert_eq!(met(&attempts), [Permission::Calendar]);
}

#[test]
fn a_cancellation_says_nothing_of_what_users_may_consent_to() {
    let mut attempts = sent(1, &[], 0);
    attempts.unanswered(flow(1));
    assert_eq!(met(&attempts), []);
    let mut attempts = sent(1, &[Permission::Email], 0);
    attempts.unanswered(flow(1));
    assert_eq!(met(&attempts), [Permission::Email]);
}

#[test]
fn a_refusal_is_for_what_was_doubtful_or_else_for_all() {
    let asked = asking(
        EPOCH,
        None,
        kinds(&[Permission::Calendar, Permission::Contacts]),
    );
    let mut attempts = sent(1, &[Permission::Calendar], 0);
    attempts.blocked(flow(1), asked, at(1));
    assert_eq!(met(&attempts), [Permission::Calendar]);
    let mut attempts = sent(1, &[], 0);
    attempts.blocked(flow(1), asked, at(1));
    assert_eq!(met(&attempts), [Permission::Calendar, Permission::Contacts]);
}

#[test]
fn what_somebody_got_since_leads_nowhere_no_more() {
    let mut attempts = sent(1, &[Permission::Calendar], 5);
    let nowhere = |attempts: &Attempts, opened: i64| {
        let is_open_since = |moment| moment <= at(opened);
        attempts.lead_nowhere(
            asking(EPOCH, None, Kinds::ALL),
            Permission::Calendar,
            is_open_since,
        )
    };
    assert!(nowhere(&attempts, 4));
    assert!(!nowhere(&attempts, 6));
    // To go away is no answer, a refusal is one, and newer.
    let mut refused = attempts.clone();
    attempts.unanswered(flow(1));
    assert!(!nowhere(&attempts, 6));
    refused.blocked(
        flow(1),
        asking(EPOCH, None, kinds(&[Permission::Calendar])),
        at(7),
    );
    assert!(nowhere(&refused, 6));
}

#[test]
fn another_tenant_is_another_matter() {
    let mut attempts = Attempts::default();
    let calendar = kinds(&[Permission::Calendar]);
    let asked = asking(EPOCH, Some(tenant(1)), calendar);
    attempts.note_start(flow(1), asked, calendar, at(0));
    assert_eq!(met_in(&attempts, (EPOCH, Some(tenant(2)))), []);
    for here in [Some(tenant(1)), None] {
        assert_eq!(met_in(&attempts, (EPOCH, here)), [Permission::Calendar]);
    }
    attempts.note_grant((EPOCH, tenant(2)), flow(2), calendar);
    assert_eq!(met(&attempts), [Permission::Calendar]);
    attempts.note_grant((EPOCH, tenant(1)), flow(3), calendar);
    assert_eq!(met(&attempts), []);
}

#[test]
fn an_answer_to_a_question_of_before_the_change_of_method_changes_nothing() {
    let mut attempts = sent(1, &[Permission::Calendar], 0);
    let email = kinds(&[Permission::Email]);
    attempts.note_start(flow(2), asking(EPOCH.next(), None, email), email, at(1));
    attempts.blocked(
        flow(1),
        asking(EPOCH, None, kinds(&[Permission::Calendar])),
        at(2),
    );
    attempts.note_grant((EPOCH, tenant(1)), flow(1), email);
    assert_eq!(met_in(&attempts, (EPOCH.next(), None)), [Permission::Email]);
}

#[test]
fn what_is_under_way_is_known_until_it_is_over() {
    let mut attempts = sent(1, &[Permission::Calendar], 0);
    let email = kinds(&[Permission::Email]);
    attempts.note_start(flow(2), asking(EPOCH, None, email), Kinds::NONE, at(10));
    let both = kinds(&[Permission::Calendar, Permission::Email]);
    assert_eq!(attempts.under_way(EPOCH, at(24)), both);
    // Fifteen minutes at Microsoft, and ten to confirm.
    assert_eq!(attempts.under_way(EPOCH, at(25)), email);
    assert_eq!(attempts.under_way(EPOCH.next(), at(24)), Kinds::NONE);
    attempts.note_end(flow(2));
    assert_eq!(
        attempts.under_way(EPOCH, at(24)),
        kinds(&[Permission::Calendar])
    );
}

#[test]
fn no_more_is_kept_in_mind_than_anybody_has_in_hand() {
    let mut attempts = sent(0, &[Permission::Calendar], 0);
    let (email, all) = (kinds(&[Permission::Email]), Kinds::ALL);
    for number in (1..).take(MOST_UNDER_WAY) {
        attempts.note_start(flow(number), asking(EPOCH, None, email), Kinds::NONE, at(1));
    }
    assert_eq!(attempts.under_way.len(), MOST_UNDER_WAY);
    assert_eq!(attempts.under_way(EPOCH, at(1)), email);
    // Nor is it forgotten what led nowhere.
    assert_eq!(met(&attempts), [Permission::Calendar]);

    for number in 100..300 {
        let elsewhere = asking(EPOCH, Some(tenant(number)), all);
        attempts.note_start(flow(number), elsewhere, all, at(2));
    }
    assert_eq!(attempts.dead_ends.len(), MOST_DEAD_ENDS);
}

#[test]
fn a_record_of_an_earlier_release_is_read() {
    let record = r#"{"epoch": 3, "dead_ends": [{"permission": "calendar", "at": "2026-11-01T00:00:00Z"}],
        "open": {"flow": "00000000-0000-0000-0000-000000000001", "doubtful": ["email"], "begun_at": "2026-11-01T00:00:00Z"}}"#;
    let attempts: Attempts = serde_json::from_str(record).unwrap();
    assert_eq!(met(&attempts), [Permission::Calendar]);
}

#[test]
fn who_was_not_allowed_to_read_may_be_asked_to_let_send() {
    let email = kinds(&[Permission::Email]);
    let limited = AttemptedConsent {
        permissions: PermissionSet {
            email: EmailLevel::Limited,
            ..PermissionSet::NOTHING
        },
        ..asking(EPOCH, None, email)
    };
    let nowhere =
        |attempts: &Attempts, asked| attempts.lead_nowhere(asked, Permission::Email, |_| false);
    let mut attempts = sent(1, &[Permission::Email], 0);
    assert!(!nowhere(&attempts, limited));
    attempts.note_start(flow(2), limited, email, at(1));
    for asked in [limited, asking(EPOCH, None, email)] {
        assert!(nowhere(&attempts, asked));
    }
}
