//! "Record an automatic grant."

use super::{Command, given, given_nothing};
use crate::account::AccountState;
use crate::decide::automatic_grant::{RecordAutomaticGrant, Restoration, restore};
use crate::event::Event;
use crate::ids::{Cloud, Epoch, Sequence};
use crate::permissions::{Kinds, Permission, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, CONTACTS, EMAIL, EVERYTHING, NOTHING, SENDING,
    USERS_FULL, acme, administered, ana, ana_at_microsoft, another_tenant, auto_granted,
    auto_granted_to, colleague, consent_id, consented, granted, kinds, mode_changed, person_of,
    scopes, tenant_in, withdrawn,
};
use crate::user::UserState;

fn record(consent: u128, wanted: PermissionSet) -> RecordAutomaticGrant {
    RecordAutomaticGrant {
        account: acme(),
        user: ana(),
        consent: consent_id(consent),
        wanted,
        identity: ana_at_microsoft(),
        is_guest: false,
        found_withdrawn: Kinds::NONE,
        scopes: scopes(),
    }
}

#[test]
fn a_user_gets_what_is_wanted_and_consented_to() {
    given(administered(1, CALENDAR.join(SENDING)))
        .then_effective(NOTHING)
        .when(record(1, CONTACTS.join(EMAIL)))
        .then([auto_granted(1, 1, SENDING)])
        .then_effective(SENDING);
}

#[test]
fn the_consents_email_level_rules() {
    given(administered(1, EVERYTHING))
        .when(record(1, EVERYTHING))
        .then([auto_granted(1, 1, EVERYTHING)])
        .then_effective(EVERYTHING)
        .and([consented(2, ALL_BUT_EMAIL.join(SENDING))])
        .then_effective(ALL_BUT_EMAIL.join(SENDING));
}

#[test]
fn what_was_granted_already_records_nothing() {
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    known.clone().when(record(1, EVERYTHING)).then_nothing();
    known.clone().when(record(1, CALENDAR)).then_nothing();
    known.when(record(1, NOTHING)).then_nothing();
}

#[test]
fn what_the_consent_does_not_allow_records_nothing() {
    given(administered(1, CALENDAR))
        .when(record(1, EMAIL))
        .then_nothing()
        .then_effective(NOTHING);
}

#[test]
fn the_users_own_grants_are_no_automatic_ones() {
    given([granted(0, EVERYTHING)])
        .and(administered(1, EVERYTHING))
        .when(record(1, EVERYTHING))
        .then([auto_granted(1, 1, EVERYTHING)]);
}

#[test]
fn a_consent_that_was_withdrawn_gives_nothing_on_its_old_word() {
    let known = given(administered(1, EVERYTHING)).and([
        auto_granted(1, 1, EVERYTHING),
        withdrawn(1, [Permission::Email]),
    ]);
    known
        .clone()
        .then_effective(ALL_BUT_EMAIL)
        .when(record(1, EVERYTHING))
        .then_refused(Refusal::ConsentWithdrawn);
    // What it still gives was not asked back.
    known.clone().when(record(1, ALL_BUT_EMAIL)).then_nothing();
    // Somebody else of the tenant may have it, as far as this user's events say.
    known
        .when(RecordAutomaticGrant {
            identity: colleague(),
            ..record(1, EVERYTHING)
        })
        .then([auto_granted_to(colleague(), 1, 1, EVERYTHING)]);
}

#[test]
fn what_is_noted_beside_the_log_holds_back_and_takes_nothing_away() {
    let noted = |wanted, found: &[Permission]| RecordAutomaticGrant {
        found_withdrawn: kinds(found.iter().copied()),
        ..record(1, wanted)
    };
    let newcomer = given(administered(1, EVERYTHING));
    newcomer
        .clone()
        .when(noted(EVERYTHING, &Permission::ALL))
        .then_refused(Refusal::ConsentWithdrawn);
    newcomer
        .when(noted(CONTACTS, &[Permission::Calendar]))
        .then([auto_granted(1, 1, CONTACTS)]);
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    known
        .when(noted(EVERYTHING, &Permission::ALL))
        .then_nothing()
        .then_effective(EVERYTHING);
}

#[test]
fn what_of_a_consent_is_dead_takes_nothing_of_what_lives() {
    let noted = |found: &[Permission]| RecordAutomaticGrant {
        found_withdrawn: kinds(found.iter().copied()),
        ..record(1, EVERYTHING)
    };
    given(administered(1, EVERYTHING))
        .when(noted(&[Permission::Calendar]))
        .then([auto_granted(1, 1, CONTACTS.join(EMAIL))])
        .then_effective(CONTACTS.join(EMAIL))
        // What is left is dead.
        .when(noted(&[Permission::Calendar]))
        .then_refused(Refusal::ConsentWithdrawn);
    given(administered(1, EVERYTHING))
        .and([
            auto_granted(1, 1, CALENDAR),
            withdrawn(1, [Permission::Calendar]),
        ])
        .when(noted(&[Permission::Email]))
        .then([auto_granted(1, 1, CONTACTS)])
        .then_effective(CONTACTS);
}

#[test]
fn another_consent_does_not_stand_for_what_was_withdrawn_before_it() {
    given(administered(1, EVERYTHING))
        .and([
            auto_granted(1, 1, EVERYTHING),
            withdrawn(1, Permission::ALL),
            consented(2, EVERYTHING),
        ])
        .when(record(2, EVERYTHING))
        .then([auto_granted(1, 2, EVERYTHING)]);
}

/// A code that was redeemed under the consent, by who signed in.
struct Restored(RecordAutomaticGrant, Restoration);

impl Command for Restored {
    fn decide(self, account: &AccountState, user: &UserState) -> Result<Vec<Event>, Refusal> {
        restore(account, user, self.0, self.1)
    }
}

fn restored(consent: u128, held: PermissionSet, redeemed_after: u64) -> Restored {
    Restored(
        RecordAutomaticGrant {
            found_withdrawn: kinds(Permission::ALL),
            ..record(consent, EVERYTHING)
        },
        Restoration {
            begun_in: Epoch(1),
            redeemed_after: Sequence(redeemed_after),
            held,
        },
    )
}

#[test]
fn a_redeemed_code_brings_back_what_it_covers() {
    let dead = given(administered(1, ALL_BUT_EMAIL)).and([
        auto_granted(1, 1, ALL_BUT_EMAIL),
        withdrawn(1, Permission::ALL),
    ]);
    let last = dead.user.last_sequence.0;
    dead.clone()
        .when(restored(1, EVERYTHING, last))
        .then([auto_granted(1, 1, ALL_BUT_EMAIL)])
        .then_effective(ALL_BUT_EMAIL)
        .when(record(1, EVERYTHING))
        .then_nothing();
    dead.clone()
        .when(restored(1, CALENDAR, last))
        .then([auto_granted(1, 1, CALENDAR)])
        .when(record(1, EVERYTHING))
        .then_refused(Refusal::ConsentWithdrawn);
    dead.when(restored(1, EMAIL, last))
        .then_refused(Refusal::ScopesMissing);
}

#[test]
fn a_redeemed_code_is_no_proof_of_what_comes_after_it() {
    let dead = given(administered(1, EVERYTHING)).and([
        auto_granted(1, 1, EVERYTHING),
        withdrawn(1, [Permission::Email]),
    ]);
    dead.clone()
        .when(restored(1, EVERYTHING, dead.user.last_sequence.0 - 1))
        .then_nothing()
        .then_effective(ALL_BUT_EMAIL);
    dead.clone()
        .and([consented(2, EVERYTHING)])
        .when(restored(1, EVERYTHING, 99))
        .then_refused(Refusal::ConsentSuperseded);
    dead.and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .when(restored(1, EVERYTHING, 99))
        .then_refused(Refusal::FlowExpired);
}

#[test]
fn a_larger_consent_gives_more_at_the_next_login() {
    given(administered(1, CALENDAR))
        .and([auto_granted(1, 1, CALENDAR), consented(2, EVERYTHING)])
        .then_effective(CALENDAR)
        .when(record(2, EVERYTHING))
        .then([auto_granted(1, 2, EVERYTHING)])
        .then_effective(EVERYTHING);
}

#[test]
fn an_earlier_administered_epoch_counts_no_more() {
    given(administered(1, EVERYTHING))
        .and([
            auto_granted(1, 1, EVERYTHING),
            mode_changed(ADMINISTRATOR, USERS_FULL),
        ])
        .and(administered(2, EVERYTHING))
        .then_effective(NOTHING)
        .when(record(2, CALENDAR))
        .then([auto_granted(3, 2, CALENDAR)])
        .then_effective(CALENDAR);
}

#[test]
fn users_decide_unless_the_administrator_does() {
    given_nothing()
        .when(record(1, EVERYTHING))
        .then_refused(Refusal::NotAdministratorConfigured);
    given(administered(1, EVERYTHING))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .when(record(1, EVERYTHING))
        .then_refused(Refusal::NotAdministratorConfigured);
}

#[test]
fn only_the_consents_own_tenant_gets_it() {
    for tenant in [another_tenant(), tenant_in(Cloud::GccHigh)] {
        given(administered(1, EVERYTHING))
            .when(RecordAutomaticGrant {
                identity: person_of(tenant),
                ..record(1, EVERYTHING)
            })
            .then_refused(Refusal::TenantMismatch);
    }
}

#[test]
fn only_the_consent_in_force_gives_anything() {
    given(administered(1, EVERYTHING))
        .and([consented(2, EVERYTHING)])
        .when(record(1, EVERYTHING))
        .then_refused(Refusal::ConsentSuperseded);
}

#[test]
fn a_grant_that_lands_after_a_smaller_consent_is_no_more_than_that() {
    given(administered(1, EVERYTHING))
        .and([consented(2, CALENDAR), auto_granted(1, 1, EVERYTHING)])
        .then_effective(CALENDAR);
}

#[test]
fn a_grant_that_lands_after_the_users_took_over_counts_for_nothing() {
    given(administered(1, EVERYTHING))
        .and([
            mode_changed(ADMINISTRATOR, USERS_FULL),
            auto_granted(1, 1, EVERYTHING),
        ])
        .then_effective(NOTHING);
}

#[test]
fn another_person_of_the_tenant_is_granted_anew() {
    let as_another = |wanted| RecordAutomaticGrant {
        identity: colleague(),
        ..record(1, wanted)
    };
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    known.clone().when(as_another(NOTHING)).then_nothing();
    let moved = known
        .when(as_another(CALENDAR))
        .then([auto_granted_to(colleague(), 1, 1, CALENDAR)])
        .then_effective(CALENDAR);
    assert_eq!(moved.user.mailbox(Epoch(1)), Some(colleague()));
    moved.clone().when(as_another(CALENDAR)).then_nothing();
    moved
        .when(record(1, EVERYTHING))
        .then([auto_granted(1, 1, EVERYTHING)]);
}

#[test]
fn guests_have_no_mailbox_in_the_tenant() {
    let guest = || RecordAutomaticGrant {
        is_guest: true,
        ..record(1, EVERYTHING)
    };
    given(administered(1, EVERYTHING))
        .when(guest())
        .then_refused(Refusal::GuestAccount);
    given_nothing()
        .when(guest())
        .then_refused(Refusal::NotAdministratorConfigured);
}
