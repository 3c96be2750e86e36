//! "Grant own permissions" and "revoke own permissions"; and the user's no at Microsoft.

use super::{given, given_nothing};
use crate::account::IllegalEvent;
use crate::decide::own_consent::{
    DeclineOwnPermissions, GrantOwnPermissions, RevokeOwnPermissions, begin,
};
use crate::ids::{Cloud, Epoch, Sequence};
use crate::permissions::{Kinds, Permission, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, CONTACTS, EMAIL, EVERYTHING, NOTHING, SENDING,
    USERS_FULL, USERS_LIMITED, acme, administered, ana, ana_at_microsoft, another_tenant,
    auto_granted, colleague, consented, declined, granted, granted_by, kinds, mode_changed,
    person_of, revoked, scopes, tenant_in, withdrawn,
};
use crate::user::UserState;

/// After whatever the tests tell: the flow is a new one.
const LATER: Sequence = Sequence(100);

fn grant(epoch: u64, asked: PermissionSet, held: PermissionSet) -> GrantOwnPermissions {
    GrantOwnPermissions {
        account: acme(),
        user: ana(),
        begun_in: Epoch(epoch),
        begun_after: LATER,
        asked,
        held,
        scopes: scopes(),
        identity: ana_at_microsoft(),
        expected: Some(ana_at_microsoft()),
    }
}

fn decline(epoch: u64, asked: impl IntoIterator<Item = Permission>) -> DeclineOwnPermissions {
    DeclineOwnPermissions {
        account: acme(),
        user: ana(),
        begun_in: Epoch(epoch),
        asked: kinds(asked),
    }
}

fn revoke(permissions: impl IntoIterator<Item = Permission>) -> RevokeOwnPermissions {
    RevokeOwnPermissions {
        account: acme(),
        user: ana(),
        permissions: kinds(permissions),
        under_way: Kinds::NONE,
    }
}

#[test]
fn what_was_ticked_is_asked_for() {
    let account = given_nothing().account;
    assert_eq!(begin(&account, kinds(Permission::ALL)), Ok(EVERYTHING));
    assert_eq!(begin(&account, kinds([Permission::Email])), Ok(EMAIL));
    assert_eq!(begin(&account, kinds([Permission::Calendar])), Ok(CALENDAR));
}

#[test]
fn more_email_than_the_company_syncs_is_never_asked_for() {
    let account = given([mode_changed(USERS_FULL, USERS_LIMITED)]).account;
    assert_eq!(begin(&account, kinds([Permission::Email])), Ok(SENDING));
    assert_eq!(
        begin(&account, kinds(Permission::ALL)),
        Ok(ALL_BUT_EMAIL.join(SENDING))
    );
}

#[test]
fn nothing_ticked_is_nothing_to_ask_for() {
    assert_eq!(
        begin(&given_nothing().account, Kinds::NONE),
        Err(Refusal::NothingSelected)
    );
}

#[test]
fn a_grant_is_what_was_asked_for_and_is_held() {
    given_nothing()
        .when(grant(0, EVERYTHING, EVERYTHING))
        .then([granted(0, EVERYTHING)])
        .then_effective(EVERYTHING);
}

#[test]
fn less_than_asked_is_a_partial_grant() {
    given_nothing()
        .when(grant(0, EVERYTHING, CALENDAR.join(SENDING)))
        .then([granted(0, CALENDAR.join(SENDING))])
        .then_effective(CALENDAR.join(SENDING));
}

#[test]
fn an_old_consent_at_microsoft_does_not_come_back_to_life() {
    given([
        granted(0, EVERYTHING),
        revoked(0, [Permission::Email, Permission::Contacts]),
    ])
    .when(grant(0, CONTACTS, EVERYTHING))
    .then([granted(0, CONTACTS)])
    .then_effective(ALL_BUT_EMAIL);
}

#[test]
fn nothing_of_what_was_asked_for_is_no_grant() {
    given_nothing()
        .when(grant(0, CALENDAR, CONTACTS))
        .then_refused(Refusal::ScopesMissing);
}

#[test]
fn what_is_held_already_records_nothing() {
    given([granted(0, EVERYTHING)])
        .when(grant(0, CALENDAR.join(SENDING), EVERYTHING))
        .then_nothing()
        .then_effective(EVERYTHING);
}

#[test]
fn the_same_permissions_by_another_person_at_microsoft_are_news() {
    let other = colleague();
    let known = given([granted(0, EVERYTHING)])
        .when(GrantOwnPermissions {
            identity: other,
            expected: None,
            ..grant(0, CALENDAR, CALENDAR)
        })
        .then([granted_by(other, 0, CALENDAR)])
        .then_effective(CALENDAR);
    assert_eq!(known.user.identity, Some(other));
    assert_eq!(known.user.answered, kinds([Permission::Calendar]));
}

#[test]
fn a_higher_level_of_email_adds_to_the_lower() {
    given([granted(0, SENDING)])
        .when(grant(0, EMAIL, EMAIL))
        .then([granted(0, EMAIL)])
        .then_effective(EMAIL);
}

#[test]
fn sync_that_was_limited_meanwhile_caps_the_grant() {
    given([mode_changed(USERS_FULL, USERS_LIMITED)])
        .when(grant(0, EMAIL, EMAIL))
        .then([granted(0, EMAIL)])
        .then_effective(SENDING)
        .and([mode_changed(USERS_LIMITED, USERS_FULL)])
        .then_effective(EMAIL);
}

#[test]
fn a_limited_grant_stays_limited_when_sync_becomes_full() {
    given([
        mode_changed(USERS_FULL, USERS_LIMITED),
        granted(0, SENDING),
        mode_changed(USERS_LIMITED, USERS_FULL),
    ])
    .then_effective(SENDING);
}

#[test]
fn only_the_expected_person_can_finish() {
    for expected in [
        person_of(another_tenant()),
        person_of(tenant_in(Cloud::China)),
        colleague(),
    ] {
        given_nothing()
            .when(GrantOwnPermissions {
                expected: Some(expected),
                ..grant(0, EVERYTHING, EVERYTHING)
            })
            .then_refused(Refusal::IdentityMismatch);
    }
}

#[test]
fn where_nobody_is_expected_anybody_can_finish() {
    given_nothing()
        .when(GrantOwnPermissions {
            expected: None,
            ..grant(0, EVERYTHING, EVERYTHING)
        })
        .then([granted(0, EVERYTHING)]);
}

#[test]
fn clouds_that_are_not_served_grant_nothing() {
    for cloud in [Cloud::GccHigh, Cloud::Dod, Cloud::China] {
        given_nothing()
            .when(GrantOwnPermissions {
                identity: person_of(tenant_in(cloud)),
                expected: None,
                ..grant(0, EVERYTHING, EVERYTHING)
            })
            .then_refused(Refusal::UnsupportedCloud);
    }
}

#[test]
fn users_neither_grant_nor_decline_nor_revoke_under_the_administrators_method() {
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    assert_eq!(
        begin(&known.account, kinds(Permission::ALL)),
        Err(Refusal::ManagedByAdministrator)
    );
    for epoch in [0, 1] {
        known
            .clone()
            .when(grant(epoch, EVERYTHING, EVERYTHING))
            .then_refused(Refusal::ManagedByAdministrator);
        known
            .clone()
            .when(decline(epoch, Permission::ALL))
            .then_refused(Refusal::ManagedByAdministrator);
    }
    known
        .when(revoke(Permission::ALL))
        .then_refused(Refusal::ManagedByAdministrator);
}

#[test]
fn an_answer_to_a_question_of_an_earlier_epoch_is_none() {
    let known = given(administered(1, EVERYTHING)).and([mode_changed(ADMINISTRATOR, USERS_FULL)]);
    known
        .clone()
        .when(grant(0, EVERYTHING, EVERYTHING))
        .then_refused(Refusal::FlowExpired);
    known
        .when(decline(0, Permission::ALL))
        .then_refused(Refusal::FlowExpired);
}

#[test]
fn grants_of_an_earlier_epoch_count_no_more() {
    given([granted(0, EVERYTHING)])
        .and(administered(1, EVERYTHING))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .then_effective(NOTHING)
        .when(grant(2, CALENDAR, EVERYTHING))
        .then([granted(2, CALENDAR)])
        .then_effective(CALENDAR);
}

#[test]
fn a_grant_that_lands_after_the_switch_counts_for_nothing() {
    given(administered(1, EVERYTHING))
        .and([granted(0, EVERYTHING)])
        .then_effective(NOTHING)
        .and([auto_granted(1, 1, CALENDAR)])
        .then_effective(CALENDAR);
}

#[test]
fn a_late_event_leaves_a_newer_epoch_as_it_is() {
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, CALENDAR)]);
    let before = known.user.clone();
    let known = known
        .and([granted(0, EVERYTHING), revoked(0, Permission::ALL)])
        .then_effective(CALENDAR);
    let after = UserState {
        last_sequence: before.last_sequence,
        ..known.user
    };
    assert_eq!(after, before);
}

#[test]
fn a_user_can_revoke_at_any_time() {
    given([granted(0, EVERYTHING)])
        .when(revoke([Permission::Calendar]))
        .then([revoked(0, [Permission::Calendar])])
        .then_effective(CONTACTS.join(EMAIL));
}

#[test]
fn revoking_email_revokes_it_whole() {
    given([granted(0, EMAIL), mode_changed(USERS_FULL, USERS_LIMITED)])
        .when(revoke([Permission::Email]))
        .then([revoked(0, [Permission::Email])])
        .and([mode_changed(USERS_LIMITED, USERS_FULL)])
        .then_effective(NOTHING);
}

#[test]
fn only_what_is_held_is_revoked() {
    given([granted(0, CALENDAR)])
        .when(revoke(Permission::ALL))
        .then([revoked(0, [Permission::Calendar])]);
}

#[test]
fn revoking_what_is_not_held_records_nothing() {
    given_nothing().when(revoke(Permission::ALL)).then_nothing();
    given([granted(0, EVERYTHING), revoked(0, Permission::ALL)])
        .when(revoke(Permission::ALL))
        .then_nothing();
    given([granted(0, EVERYTHING)])
        .when(revoke([]))
        .then_nothing();
}

#[test]
fn what_an_earlier_epoch_granted_is_not_there_to_revoke() {
    given([granted(0, EVERYTHING)])
        .and(administered(1, EVERYTHING))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .when(revoke(Permission::ALL))
        .then_nothing();
}

#[test]
fn what_was_revoked_can_be_granted_again() {
    for end in [revoked::<Vec<_>>, declined::<Vec<_>>, withdrawn::<Vec<_>>] {
        given([
            granted(0, EVERYTHING),
            end(0, Vec::from([Permission::Email])),
        ])
        .then_effective(ALL_BUT_EMAIL)
        .when(grant(0, SENDING, EVERYTHING))
        .then([granted(0, SENDING)])
        .then_effective(ALL_BUT_EMAIL.join(SENDING));
    }
}

#[test]
fn a_no_is_recorded() {
    let known = given_nothing()
        .when(decline(0, Permission::ALL))
        .then([declined(0, Permission::ALL)])
        .then_effective(NOTHING);
    assert_eq!(known.user.answered, kinds(Permission::ALL));
}

#[test]
fn a_no_takes_nothing_away_that_is_held() {
    given([granted(0, CALENDAR)])
        .when(decline(0, Permission::ALL))
        .then([declined(0, [Permission::Contacts, Permission::Email])])
        .then_effective(CALENDAR);
}

/// Another flow may have been begun since, and would grant what was declined just now.
#[test]
fn a_second_no_is_one_as_well() {
    given([declined(0, Permission::ALL)])
        .when(decline(0, Permission::ALL))
        .then([declined(0, Permission::ALL)]);
    given([granted(0, EVERYTHING)])
        .when(decline(0, Permission::ALL))
        .then_nothing()
        .then_effective(EVERYTHING);
}

/// A flow that was begun when this much had happened to the user.
fn begun_after(sequence: u64, asked: PermissionSet) -> GrantOwnPermissions {
    GrantOwnPermissions {
        begun_after: Sequence(sequence),
        ..grant(0, asked, EVERYTHING)
    }
}

#[test]
fn what_was_said_no_to_after_the_flow_began_is_left_out() {
    for end in [revoked::<Vec<_>>, declined::<Vec<_>>] {
        let known = given([
            granted(0, CALENDAR),
            end(0, Vec::from([Permission::Calendar])),
        ]);
        for asked_before in [0, 1] {
            known
                .clone()
                .when(begun_after(asked_before, CALENDAR))
                .then_refused(Refusal::FlowExpired);
            known
                .clone()
                .when(begun_after(asked_before, ALL_BUT_EMAIL))
                .then([granted(0, CONTACTS)])
                .then_effective(CONTACTS);
        }
        known
            .when(begun_after(2, ALL_BUT_EMAIL))
            .then([granted(0, ALL_BUT_EMAIL)]);
    }
}

#[test]
fn a_no_rules_over_what_microsoft_granted_meanwhile() {
    given([declined(0, [Permission::Contacts])])
        .when(GrantOwnPermissions {
            held: CALENDAR,
            ..begun_after(0, CONTACTS)
        })
        .then_refused(Refusal::FlowExpired);
}

#[test]
fn a_yes_after_the_no_revives_no_older_flow() {
    given([
        granted(0, CALENDAR),
        revoked(0, [Permission::Calendar]),
        granted(0, CONTACTS),
    ])
    .when(begun_after(1, CALENDAR))
    .then_refused(Refusal::FlowExpired);
}

#[test]
fn a_withdrawal_at_microsoft_is_no_ones_no() {
    let known = given([
        granted(0, ALL_BUT_EMAIL),
        revoked(0, [Permission::Contacts]),
        withdrawn(0, Permission::ALL),
    ])
    .then_effective(NOTHING);
    assert_eq!(known.user.answered, kinds([Permission::Contacts]));
    known
        .when(begun_after(1, CALENDAR))
        .then([granted(0, CALENDAR)]);
}

#[test]
fn whoever_moves_to_another_mailbox_leaves_what_was_begun_for_the_old_one() {
    let other = colleague();
    given([granted(0, CALENDAR), granted_by(other, 0, EMAIL)])
        .then_effective(EMAIL)
        .when(begun_after(1, EVERYTHING))
        .then_refused(Refusal::FlowExpired);
}

#[test]
fn a_no_to_what_a_flow_asks_for_is_recorded_before_anything_is_held() {
    let no = RevokeOwnPermissions {
        under_way: kinds([Permission::Calendar]),
        ..revoke(Permission::ALL)
    };
    given([granted(0, CONTACTS)])
        .when(no)
        .then([revoked(0, [Permission::Calendar, Permission::Contacts])])
        .when(begun_after(1, CALENDAR))
        .then_refused(Refusal::FlowExpired);
}

#[test]
fn an_event_of_the_company_is_none_of_a_users() {
    let user = UserState::default();
    assert_eq!(
        user.clone().evolve(Sequence(1), &consented(1, EVERYTHING)),
        Err(IllegalEvent::WrongAggregate)
    );
    assert_eq!(
        user.evolve(Sequence(0), &granted(0, EVERYTHING)),
        Err(IllegalEvent::OutOfOrder)
    );
}
