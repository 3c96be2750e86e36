//! "Change method or email sync."

use super::{given, given_nothing};
use crate::account::IllegalEvent;
use crate::decide::mode_change::ChangeMode;
use crate::event::{Event, ModeChanged};
use crate::ids::Epoch;
use crate::ids::Sequence;
use crate::mode::{EmailSync, Mode};
use crate::permissions::Permission;
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, EVERYTHING, NOTHING, SENDING, USERS_FULL, USERS_LIMITED, acme,
    administered, auto_granted, consented, granted, mode_changed, revoked, superadmin,
};

fn change_to(to: Mode) -> ChangeMode {
    ChangeMode {
        account: acme(),
        by: superadmin(),
        to,
    }
}

#[test]
fn email_sync_can_be_limited_and_starts_no_epoch() {
    let known = given([granted(0, EVERYTHING)])
        .when(change_to(USERS_LIMITED))
        .then([mode_changed(USERS_FULL, USERS_LIMITED)])
        .then_effective(ALL_BUT_EMAIL.join(SENDING));
    assert_eq!(known.account.epoch, Epoch(0));
}

#[test]
fn a_capped_grant_counts_in_full_when_sync_is_full_again() {
    given([
        granted(0, EVERYTHING),
        mode_changed(USERS_FULL, USERS_LIMITED),
    ])
    .when(change_to(USERS_FULL))
    .then([mode_changed(USERS_LIMITED, USERS_FULL)])
    .then_effective(EVERYTHING);
}

#[test]
fn a_revoked_grant_does_not_come_back_when_sync_is_full_again() {
    given([
        granted(0, EVERYTHING),
        mode_changed(USERS_FULL, USERS_LIMITED),
        revoked(0, [Permission::Email]),
    ])
    .when(change_to(USERS_FULL))
    .then([mode_changed(USERS_LIMITED, USERS_FULL)])
    .then_effective(ALL_BUT_EMAIL);
}

#[test]
fn users_can_be_put_in_charge_again_and_start_from_nothing() {
    let known = given([granted(0, EVERYTHING)])
        .and(administered(1, EVERYTHING))
        .and([auto_granted(1, 1, EVERYTHING)])
        .when(change_to(USERS_FULL))
        .then([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .then_effective(NOTHING);
    assert_eq!(known.account.epoch, Epoch(2));
}

#[test]
fn method_and_sync_can_change_at_once() {
    given(administered(1, EVERYTHING))
        .when(change_to(USERS_LIMITED))
        .then([mode_changed(ADMINISTRATOR, USERS_LIMITED)])
        .and([granted(2, EVERYTHING)])
        .then_effective(ALL_BUT_EMAIL.join(SENDING));
}

#[test]
fn what_is_so_already_records_nothing() {
    given_nothing().when(change_to(USERS_FULL)).then_nothing();
    given([mode_changed(USERS_FULL, USERS_LIMITED)])
        .when(change_to(USERS_LIMITED))
        .then_nothing();
    given(administered(1, EVERYTHING))
        .when(change_to(ADMINISTRATOR))
        .then_nothing();
}

#[test]
fn the_administrators_method_is_only_reached_through_microsoft() {
    given_nothing()
        .when(change_to(ADMINISTRATOR))
        .then_refused(Refusal::AdministratorConsentRequired);
}

#[test]
fn email_sync_rests_while_the_administrator_decides() {
    given(administered(1, EVERYTHING))
        .when(change_to(Mode {
            email_sync: EmailSync::Limited,
            ..ADMINISTRATOR
        }))
        .then_refused(Refusal::ManagedByAdministrator);
}

#[test]
fn a_change_that_can_not_have_happened_is_illegal() {
    let account = given_nothing().account;
    let evolve = |event: &Event| account.clone().evolve(Sequence(1), event);

    let from_elsewhere = mode_changed(ADMINISTRATOR, USERS_FULL);
    assert_eq!(evolve(&from_elsewhere), Err(IllegalEvent::FromAnotherMode));
    let to_itself = mode_changed(USERS_FULL, USERS_FULL);
    assert_eq!(evolve(&to_itself), Err(IllegalEvent::NoChange));
    let without_consent = mode_changed(USERS_FULL, ADMINISTRATOR);
    assert_eq!(evolve(&without_consent), Err(IllegalEvent::WithoutConsent));
    let of_a_user = granted(0, EVERYTHING);
    assert_eq!(evolve(&of_a_user), Err(IllegalEvent::WrongAggregate));

    let known = given([consented(1, EVERYTHING)]);
    let on_another_consent = Event::ModeChanged(ModeChanged {
        account: acme(),
        from: USERS_FULL,
        to: ADMINISTRATOR,
        consent: Some(crate::samples::consent_id(2)),
        changed_by: superadmin().user().clone(),
    });
    assert_eq!(
        known
            .account
            .clone()
            .evolve(Sequence(2), &on_another_consent),
        Err(IllegalEvent::WithoutConsent)
    );
    assert_eq!(
        known.account.evolve(Sequence(1), &consented(2, EVERYTHING)),
        Err(IllegalEvent::OutOfOrder)
    );
}
