//! A user's no where the log has lost what it takes back.

use proptest::collection::vec;
use proptest::sample::subsequence;
use proptest::{prop_assert, proptest};

use super::{Command, given, given_nothing};
use crate::account::AccountState;
use crate::decide::own_consent::{self, RevokeOwnPermissions};
use crate::event::Event;
use crate::permissions::{Kinds, Permission};
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, CALENDAR, EMAIL, EVERYTHING, USERS_FULL, acme, administered, ana, declined,
    granted, kinds, mode_changed, revoked,
};
use crate::user::UserState;

fn no(permissions: impl IntoIterator<Item = Permission>) -> RevokeOwnPermissions {
    RevokeOwnPermissions {
        account: acme(),
        user: ana(),
        permissions: kinds(permissions),
        under_way: Kinds::NONE,
    }
}

/// A revocation by somebody of whom a view says that these are effective.
struct Seen(Kinds, RevokeOwnPermissions);

impl Command for Seen {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        own_consent::revoke(account, user, self.0, self.1)
    }
}

/// A revocation by somebody of whose events the last can be read at the most.
struct Unread(RevokeOwnPermissions);

impl Command for Unread {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        own_consent::revoke_unread(account, user, self.0)
    }
}

#[test]
fn what_a_view_says_is_effective_is_revoked_although_the_log_holds_no_grant() {
    let seen = kinds([Permission::Calendar, Permission::Email]);
    given_nothing()
        .when(Seen(seen, no([Permission::Calendar, Permission::Contacts])))
        .then([revoked(0, [Permission::Calendar])]);
    given([granted(0, EMAIL)])
        .when(Seen(kinds([Permission::Calendar]), no(Permission::ALL)))
        .then([revoked(0, [Permission::Calendar, Permission::Email])]);
}

#[test]
fn what_a_view_says_adds_nothing_to_what_was_asked() {
    given_nothing()
        .when(Seen(kinds(Permission::ALL), no([])))
        .then_nothing();
    given(administered(1, EVERYTHING))
        .when(Seen(kinds(Permission::ALL), no(Permission::ALL)))
        .then_refused(Refusal::ManagedByAdministrator);
}

#[test]
fn all_that_is_asked_is_revoked_where_the_grants_can_not_be_read() {
    given_nothing()
        .when(Unread(no([Permission::Calendar, Permission::Email])))
        .then([revoked(0, [Permission::Calendar, Permission::Email])]);
}

#[test]
fn what_the_last_events_took_back_is_not_revoked_again() {
    given([revoked(0, [Permission::Calendar])])
        .when(Unread(no([Permission::Calendar])))
        .then_nothing();
    given([declined(0, [Permission::Calendar])])
        .when(Unread(no([Permission::Calendar, Permission::Contacts])))
        .then([revoked(0, [Permission::Contacts])]);
    given([revoked(0, [Permission::Calendar]), granted(0, CALENDAR)])
        .when(Unread(no([Permission::Calendar])))
        .then([revoked(0, [Permission::Calendar])]);
}

#[test]
fn what_was_taken_back_in_another_epoch_is_revoked_in_this_one() {
    given([revoked(0, Permission::ALL)])
        .and(administered(1, EVERYTHING))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .when(Unread(no([Permission::Email])))
        .then([revoked(2, [Permission::Email])]);
}

#[test]
fn an_administrators_company_is_managed_by_the_administrator_all_the_same() {
    given(administered(1, EVERYTHING))
        .when(Unread(no(Permission::ALL)))
        .then_refused(Refusal::ManagedByAdministrator);
}

proptest! {
    /// Whatever was lost of a user's events, and wherever: once it is back, what was asked to be
    /// taken back is off.
    #[test]
    fn what_was_taken_back_past_the_damage_is_off_once_it_is_healed(
        happened in vec((0_u8..3, subsequence(Permission::ALL.to_vec(), 0..=3)), 0..8),
        readable_from in 0_usize..9,
        asked in subsequence(Permission::ALL.to_vec(), 1..=3),
    ) {
        let events: Vec<Event> = happened
            .into_iter()
            .map(|(kind, permissions)| match kind {
                0 => granted(0, EVERYTHING.only(kinds(permissions))),
                1 => revoked(0, permissions),
                _ => declined(0, permissions),
            })
            .collect();
        let latest = events.iter().skip(readable_from).cloned();
        let latest = given(latest).user;
        let decided = own_consent::revoke_unread(&AccountState::default(), &latest, no(asked.clone()));
        let healed = given(events).and(decided.unwrap());
        prop_assert!(healed.effective().kinds().intersection(kinds(asked)).is_empty());
    }
}
