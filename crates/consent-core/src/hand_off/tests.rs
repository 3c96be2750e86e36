use assent_domain::ids::{AccountId, Epoch, UserId};
use assent_domain::permissions::PermissionSet;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{HandOff, HandOffClosed, HandOffStage, HandOffState, HandOffToken};
use crate::cutoff::{Generation, Present};
use crate::flow::{HandOffPurpose, Route};
use crate::names::Names;

const FLOW: Uuid = Uuid::from_u128(1);
const LATER_FLOW: Uuid = Uuid::from_u128(2);

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

fn sam() -> UserId {
    UserId::parse("sam").unwrap()
}

/// A link of a hundred minutes.
fn link() -> (HandOff, HandOffToken) {
    let account = AccountId::parse("acme").unwrap();
    let token = HandOffToken::new(account.clone(), Uuid::now_v7());
    let hand_off = HandOff {
        id: token.id,
        account,
        requested_by: sam(),
        generation: Generation::default(),
        made_in: Some(0),
        is_outdated: false,
        names: Names::default(),
        purpose: HandOffPurpose::Approval,
        permissions: PermissionSet::EVERYTHING.into(),
        mailboxes_in_exchange_online: false,
        tenant: None,
        tenant_domain: None,
        secret: token.digest(),
        created_at: at(0),
        expires_at: at(100),
        opened_at: None,
        stage: HandOffStage::Idle,
    };
    (hand_off, token)
}

#[test]
fn from_waiting_to_completed() {
    let (mut link, _) = link();
    assert_eq!(link.state(at(1)), HandOffState::Waiting);
    link.note_opened(at(2));
    link.note_opened(at(3));
    assert_eq!(
        (link.state(at(3)), link.opened_at),
        (HandOffState::Opened, Some(at(2)))
    );
    link.begin(FLOW, at(4)).unwrap();
    assert_eq!(link.state(at(4)), HandOffState::Started);
    link.refused(FLOW, "declined", at(5));
    assert_eq!(link.state(at(5)), HandOffState::Refused);
    link.begin(LATER_FLOW, at(6)).unwrap();
    // The first flow again, late: it says nothing about the second.
    link.refused(FLOW, "declined", at(6));
    assert_eq!(link.state(at(6)), HandOffState::Started);
    link.claim(LATER_FLOW, at(7)).unwrap();
    link.complete(Uuid::nil(), at(7));
    assert_eq!(link.state(at(200)), HandOffState::Completed);
    assert_eq!(link.begin(FLOW, at(8)), Err(HandOffClosed::Completed));
    assert_eq!(link.claim(FLOW, at(8)), Err(HandOffClosed::Completed));
    assert_eq!(link.cancel(sam(), at(8)), Err(HandOffClosed::Completed));
}

#[test]
fn a_cancelled_link_begins_and_records_nothing() {
    let (mut link, _) = link();
    link.begin(FLOW, at(1)).unwrap();
    link.cancel(sam(), at(2)).unwrap();
    link.cancel(sam(), at(3)).unwrap();
    assert_eq!(link.claim(FLOW, at(3)), Err(HandOffClosed::Cancelled));
    assert_eq!(link.begin(LATER_FLOW, at(3)), Err(HandOffClosed::Cancelled));
    link.refused(FLOW, "hand_off_closed", at(4));
    assert_eq!(link.state(at(4)), HandOffState::Cancelled);
}

#[test]
fn either_the_consent_or_the_cancellation_comes_first() {
    let (mut link, _) = link();
    link.begin(FLOW, at(1)).unwrap();
    link.claim(FLOW, at(2)).unwrap();
    assert_eq!(link.cancel(sam(), at(2)), Err(HandOffClosed::Completing));
    assert_eq!(
        link.claim(LATER_FLOW, at(2)),
        Err(HandOffClosed::Completing)
    );
    // Whoever claimed it died.
    link.cancel(sam(), at(3)).unwrap();
}

#[test]
fn an_expired_link_begins_nothing_and_what_it_began_may_end() {
    let (mut link, _) = link();
    link.begin(FLOW, at(99)).unwrap();
    assert_eq!(link.state(at(100)), HandOffState::Expired);
    assert_eq!(link.begin(LATER_FLOW, at(100)), Err(HandOffClosed::Expired));
    link.claim(FLOW, at(101)).unwrap();
}

#[test]
fn a_link_ends_with_its_epoch_and_with_its_makers_right() {
    let another = Present::numbered(7);
    let outdated: [fn(&mut HandOff, &Present); 3] = [
        |link, _| link.note_epoch(Epoch(1)),
        |link, another| link.note_generation(another),
        |link, _| {
            link.made_in = None;
            link.note_epoch(Epoch(0));
        },
    ];
    for outdate in outdated {
        let (mut link, _) = link();
        link.note_epoch(Epoch(0));
        link.note_generation(&Present::numbered(0));
        link.begin(FLOW, at(1)).unwrap();
        outdate(&mut link, &another);
        assert_eq!(link.state(at(2)), HandOffState::Expired);
        assert_eq!(link.require_open(at(2)), Err(HandOffClosed::Outdated));
        assert_eq!(link.begin(LATER_FLOW, at(2)), Err(HandOffClosed::Outdated));
        assert_eq!(link.claim(FLOW, at(2)), Err(HandOffClosed::Outdated));
        link.cancel(sam(), at(2)).unwrap();
        assert_eq!(link.state(at(2)), HandOffState::Expired);
    }
    // What was completed or cancelled before stays so.
    let (mut link, _) = link();
    link.claim(FLOW, at(1)).unwrap();
    link.complete(Uuid::nil(), at(1));
    link.note_epoch(Epoch(1));
    assert_eq!(link.state(at(2)), HandOffState::Completed);
}

#[test]
fn what_a_flow_could_not_record_it_may_try_again() {
    let (mut link, _) = link();
    link.begin(FLOW, at(1)).unwrap();
    link.claim(FLOW, at(1)).unwrap();
    link.claim(FLOW, at(1)).unwrap();
    assert_eq!(
        link.claim(LATER_FLOW, at(1)),
        Err(HandOffClosed::Completing)
    );
    link.complete(Uuid::nil(), at(1));
    assert_eq!(link.claim(FLOW, at(1)), Err(HandOffClosed::Completed));
}

#[test]
fn however_often_strangers_begin_the_link_stays_open() {
    let (mut link, _) = link();
    for _ in 0..1_000 {
        link.begin(FLOW, at(1)).unwrap();
    }
    link.claim(LATER_FLOW, at(2)).unwrap();
}

#[test]
fn a_token_opens_its_own_link_only() {
    let (hand_off, token) = link();
    let back = HandOffToken::parse(&token.expose()).unwrap();
    assert!(back.id == hand_off.id && back.opens(&hand_off));
    let other = HandOffToken::new(hand_off.account.clone(), hand_off.id);
    assert!(!other.opens(&hand_off));
    let exposed = token.expose();
    let secret = exposed.rsplit('.').next().unwrap();
    assert!(!format!("{token:?} {hand_off:?}").contains(secret));
    for forged in ["", "acme", "acme.x.y", "acme..y", "a b.019.z"] {
        assert!(HandOffToken::parse(forged).is_none(), "{forged}");
    }
    assert!(HandOffToken::parse(&format!("{}.x", token.expose())).is_none());
}

/// Gateways of two releases share the records.
#[test]
fn a_purpose_is_stored_under_the_name_that_it_always_had() {
    let (link, _) = link();
    let stored = serde_json::to_value(&link).unwrap();
    assert_eq!(stored.get("aim"), Some(&"approval".into()), "{stored}");
    let route = Route::HandOff {
        id: FLOW,
        purpose: HandOffPurpose::AdministratorConsent,
    };
    assert_eq!(
        serde_json::to_value(route).unwrap(),
        serde_json::json!({"hand_off": {"id": FLOW, "aim": "administrator_consent"}})
    );
}
