//! "Record an automatic grant."

use super::{given, given_nothing};
use crate::decide::automatic_grant::RecordAutomaticGrant;
use crate::ids::{Cloud, Epoch};
use crate::permissions::{Permission, PermissionSet};
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, CONTACTS, EMAIL, EVERYTHING, NOTHING, SENDING,
    USERS_FULL, acme, administered, ana, ana_at_microsoft, another_tenant, auto_granted,
    auto_granted_to, colleague, consent_id, consented, granted, mode_changed, person_of, scopes,
    tenant_in, withdrawn,
};

fn record(consent: u128, wanted: PermissionSet) -> RecordAutomaticGrant {
    RecordAutomaticGrant {
        account: acme(),
        user: ana(),
        consent: consent_id(consent),
        wanted,
        identity: ana_at_microsoft(),
        is_guest: false,
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
fn what_was_withdrawn_is_granted_again_at_the_next_login() {
    given(administered(1, EVERYTHING))
        .and([
            auto_granted(1, 1, EVERYTHING),
            withdrawn(1, [Permission::Email]),
        ])
        .then_effective(ALL_BUT_EMAIL)
        .when(record(1, EVERYTHING))
        .then([auto_granted(1, 1, EVERYTHING)])
        .then_effective(EVERYTHING);
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
