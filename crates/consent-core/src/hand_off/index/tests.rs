use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::PermissionSet;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::{HandOffsOfAccount, HandOffsOfUser, MOST_LISTED};
use crate::cutoff::Generation;
use crate::flow::HandOffPurpose;
use crate::hand_off::{HandOff, HandOffStage, HandOffToken};
use crate::limits::{LINKS_A_DAY, OPEN_LINKS};
use crate::names::Names;

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

fn link(by: &str, expires_at: Timestamp) -> HandOff {
    let account = AccountId::parse("acme").unwrap();
    let token = HandOffToken::new(account.clone(), Uuid::now_v7());
    HandOff {
        id: token.id,
        account,
        requested_by: UserId::parse(by).unwrap(),
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
        expires_at,
        opened_at: None,
        stage: HandOffStage::Idle,
    }
}

#[test]
fn twenty_links_a_day_whatever_became_of_them() {
    let mut links = HandOffsOfUser::default();
    for number in 0..20 {
        assert_eq!(links.add(at(number)), Ok(()));
    }
    assert_eq!(
        links.add(at(30)),
        Err(SignedDuration::from_mins(24 * 60 - 30))
    );
    assert_eq!(links.add(at(24 * 60)), Ok(()));
    assert_eq!(links.add(at(24 * 60)), Err(SignedDuration::from_mins(1)));
}

#[test]
fn a_clock_that_was_ahead_locks_nobody_out() {
    let mut links = HandOffsOfUser::default();
    for _ in 0..LINKS_A_DAY {
        links.add(at(60 * 24 * 365)).unwrap();
    }
    assert_eq!(links.add(at(0)), Ok(()));
}

#[test]
fn a_user_sees_their_own_however_many_others_made() {
    let mut links = HandOffsOfAccount::default();
    let own = link("ana", at(10_000));
    links.add(&own, at(0));
    for _ in 0..3 * MOST_LISTED {
        let others = link("mallory", at(10_000));
        links.add(&others, at(0));
        links.mark_over(&[others.id]);
    }
    assert_eq!(links.newest(None).count(), MOST_LISTED);
    let ana = UserId::parse("ana").unwrap();
    assert_eq!(links.newest(Some(&ana)).collect::<Vec<_>>(), [own.id]);
    assert_eq!(links.open(at(1)), [own.id]);
    assert!(links.has_room(at(1)));
}

proptest! {
    /// Whatever is made, and ends, in whatever order: the record stays small, and an open link stays in it.
    #[test]
    fn the_record_is_bounded_and_loses_no_open_link(steps in prop::collection::vec((any::<bool>(), 0_i64..300, any::<prop::sample::Index>()), 0..400)) {
        let mut links = HandOffsOfAccount::default();
        let mut open = Vec::new();
        for (number, (ends, minutes, which)) in steps.into_iter().enumerate() {
            let now = at(i64::try_from(number).unwrap());
            open.retain(|(_, expires_at)| *expires_at > now);
            if links.has_room(now) {
                let made = link("ana", now + SignedDuration::from_mins(minutes));
                links.add(&made, now);
                open.push((made.id, made.expires_at));
            }
            if ends && !open.is_empty() {
                let (ended, _) = open.remove(which.index(open.len()));
                links.mark_over(&[ended]);
            }
            open.retain(|(_, expires_at)| *expires_at > now);
            let expected: Vec<_> = open.iter().map(|(id, _)| *id).collect();
            prop_assert_eq!(links.open(now), expected);
            prop_assert!(open.len() <= OPEN_LINKS);
            prop_assert!(links.newest(None).count() <= MOST_LISTED);
        }
    }
}
