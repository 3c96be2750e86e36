//! "Record a withdrawal."

use super::{given, given_nothing};
use crate::decide::withdrawal::RecordWithdrawal;
use crate::permissions::Permission;
use crate::samples::{
    ALL_BUT_EMAIL, CALENDAR, EMAIL, EVERYTHING, NOTHING, acme, administered, ana, auto_granted,
    granted, kinds, revoked, withdrawn,
};

fn withdraw(permissions: impl IntoIterator<Item = Permission>) -> RecordWithdrawal {
    RecordWithdrawal {
        account: acme(),
        user: ana(),
        permissions: kinds(permissions),
    }
}

#[test]
fn what_is_gone_at_microsoft_is_gone() {
    given([granted(0, EVERYTHING)])
        .when(withdraw([Permission::Email]))
        .then([withdrawn(0, [Permission::Email])])
        .then_effective(ALL_BUT_EMAIL);
}

#[test]
fn automatic_grants_end_in_the_same_way() {
    given(administered(1, EVERYTHING))
        .and([auto_granted(1, 1, EVERYTHING)])
        .when(withdraw(Permission::ALL))
        .then([withdrawn(1, Permission::ALL)])
        .then_effective(NOTHING);
}

#[test]
fn only_what_was_granted_is_withdrawn() {
    given([granted(0, CALENDAR)])
        .when(withdraw(Permission::ALL))
        .then([withdrawn(0, [Permission::Calendar])]);
}

#[test]
fn where_nothing_was_granted_nothing_is_recorded() {
    given_nothing()
        .when(withdraw(Permission::ALL))
        .then_nothing();
    given([granted(0, EMAIL), revoked(0, [Permission::Email])])
        .when(withdraw(Permission::ALL))
        .then_nothing();
    given([granted(0, EVERYTHING)])
        .when(withdraw([]))
        .then_nothing();
}

#[test]
fn what_an_earlier_epoch_granted_is_not_there_to_withdraw() {
    given([granted(0, EVERYTHING)])
        .and(administered(1, EVERYTHING))
        .when(withdraw(Permission::ALL))
        .then_nothing();
}
