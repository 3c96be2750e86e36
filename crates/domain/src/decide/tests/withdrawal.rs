//! "Record a withdrawal."

use super::{given, given_nothing};
use crate::decide::withdrawal::RecordWithdrawal;
use crate::ids::{MicrosoftIdentity, Sequence};
use crate::permissions::Permission;
use crate::samples::{
    ALL_BUT_EMAIL, CALENDAR, EMAIL, EVERYTHING, NOTHING, acme, administered, ana, ana_at_microsoft,
    another_tenant, auto_granted, colleague, granted, granted_by, kinds, person_of, revoked,
    withdrawn,
};

fn withdraw(permissions: impl IntoIterator<Item = Permission>) -> RecordWithdrawal {
    RecordWithdrawal {
        account: acme(),
        user: ana(),
        permissions: kinds(permissions),
        tenant: ana_at_microsoft().tenant.id,
        object_id: ana_at_microsoft().object_id,
        as_of: None,
    }
}

fn of(identity: MicrosoftIdentity) -> RecordWithdrawal {
    RecordWithdrawal {
        tenant: identity.tenant.id,
        object_id: identity.object_id,
        ..withdraw(Permission::ALL)
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

#[test]
fn what_is_gone_of_another_mailbox_takes_nothing_away() {
    for other in [colleague(), person_of(another_tenant())] {
        given([granted(0, EVERYTHING)])
            .when(of(other))
            .then_nothing();
    }
    let moved = given([granted(0, EVERYTHING), granted_by(colleague(), 0, CALENDAR)]);
    moved.clone().when(of(ana_at_microsoft())).then_nothing();
    moved
        .when(of(colleague()))
        .then([withdrawn(0, [Permission::Calendar])]);
}

/// A yes that was given after Microsoft was asked stands; whoever asks again is told of it.
#[test]
fn what_was_granted_since_is_not_withdrawn() {
    let known = given([granted(0, CALENDAR), granted(0, EMAIL)]);
    let as_of = |sequence| RecordWithdrawal {
        as_of: Some(Sequence(sequence)),
        ..withdraw(Permission::ALL)
    };
    let last = known.user.last_sequence.0;
    known.clone().when(as_of(last - 1)).then_nothing();
    known
        .when(as_of(last))
        .then([withdrawn(0, [Permission::Calendar, Permission::Email])])
        .when(as_of(last))
        .then_nothing();
}
