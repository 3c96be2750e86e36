//! "Start administrator consent" and "finish administrator consent".

use super::{Known, given, given_nothing};
use crate::decide::administrator_consent::{
    FinishAdministratorConsent, Mailboxes, Premises, ProofDemanded, StartAdministratorConsent,
    proved,
};
use crate::event::{AdminConsentGranted, Event, Verification};
use crate::ids::{Cloud, Epoch, ObjectId, Scope};
use crate::permissions::PermissionSet;
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, CONTACTS, EMAIL, EVERYTHING, NOTHING, SENDING,
    USERS_FULL, USERS_LIMITED, acme, administered, another_tenant, auto_granted, consent_id,
    consented, granted, mode_changed, proved_by_role, scopes, superadmin, switched_to, tenant,
    tenant_in,
};
use uuid::Uuid;

fn start(permissions: PermissionSet) -> StartAdministratorConsent {
    StartAdministratorConsent {
        by: superadmin(),
        administrator_confirmed: true,
        permissions,
        premises: Premises::default(),
    }
}

fn finish(consent: u128, permissions: PermissionSet) -> FinishAdministratorConsent {
    FinishAdministratorConsent {
        account: acme(),
        consent: consent_id(consent),
        requested_by: superadmin().user().clone(),
        begun_in: Epoch(0),
        permissions,
        expected_tenant: tenant(),
        tenant: tenant(),
        granted_by: ObjectId(Uuid::from_u128(0xad)),
        scopes: scopes(),
        missing_scopes: Vec::new(),
        verification: proved_by_role(),
        demanded: ProofDemanded::Role,
    }
}

/// An answer to what was asked in this epoch.
fn begun_in(epoch: u64, answer: FinishAdministratorConsent) -> FinishAdministratorConsent {
    FinishAdministratorConsent {
        begun_in: Epoch(epoch),
        ..answer
    }
}

fn in_cloud(cloud: Cloud) -> Premises {
    Premises {
        cloud: Some(cloud),
        ..Premises::default()
    }
}

fn limited_sync() -> Known {
    given([mode_changed(USERS_FULL, USERS_LIMITED)])
}

#[test]
fn starting_records_nothing_yet() {
    for permissions in [EVERYTHING, CALENDAR, CONTACTS, SENDING, EMAIL] {
        given_nothing().when(start(permissions)).then_nothing();
    }
    given(administered(1, CALENDAR))
        .when(start(EVERYTHING))
        .then_nothing();
}

#[test]
fn starting_takes_the_ticked_box() {
    given_nothing()
        .when(StartAdministratorConsent {
            administrator_confirmed: false,
            ..start(EVERYTHING)
        })
        .then_refused(Refusal::AdministratorNotConfirmed);
}

#[test]
fn starting_takes_at_least_one_permission() {
    given_nothing()
        .when(start(NOTHING))
        .then_refused(Refusal::NothingSelected);
}

#[test]
fn starting_takes_full_sync_even_for_the_limited_level() {
    for permissions in [EVERYTHING, SENDING, CALENDAR] {
        limited_sync()
            .when(start(permissions))
            .then_refused(Refusal::FullSyncRequired);
    }
}

#[test]
fn only_the_worldwide_cloud_is_served() {
    for cloud in [Cloud::GccHigh, Cloud::Dod, Cloud::China] {
        given_nothing()
            .when(StartAdministratorConsent {
                premises: in_cloud(cloud),
                ..start(EVERYTHING)
            })
            .then_refused(Refusal::UnsupportedCloud);
        given_nothing()
            .when(FinishAdministratorConsent {
                expected_tenant: tenant_in(cloud),
                tenant: tenant_in(cloud),
                ..finish(1, EVERYTHING)
            })
            .then_refused(Refusal::UnsupportedCloud);
    }
    given_nothing()
        .when(StartAdministratorConsent {
            premises: in_cloud(Cloud::Worldwide),
            ..start(EVERYTHING)
        })
        .then_nothing();
}

#[test]
fn companies_with_nothing_but_their_own_servers_are_not_served() {
    given_nothing()
        .when(StartAdministratorConsent {
            premises: Premises {
                mailboxes: Mailboxes::OnPremisesOnly,
                ..in_cloud(Cloud::Worldwide)
            },
            ..start(EVERYTHING)
        })
        .then_refused(Refusal::OnPremisesExchange);
}

#[test]
fn an_answer_proves_an_administrator_of_that_tenant_or_nothing() {
    let answer = || finish(1, EVERYTHING);
    assert_eq!(proved(&answer()), Ok(()));
    let unproved = [
        (
            FinishAdministratorConsent {
                tenant: another_tenant(),
                ..answer()
            },
            Refusal::TenantMismatch,
        ),
        (
            FinishAdministratorConsent {
                missing_scopes: vec![Scope("Mail.Send".to_owned())],
                ..answer()
            },
            Refusal::ScopesMissing,
        ),
        (
            FinishAdministratorConsent {
                verification: Verification::default(),
                ..answer()
            },
            Refusal::NotAnAdministrator,
        ),
    ];
    for (answer, refusal) in unproved {
        assert_eq!(proved(&answer), Err(refusal));
    }
}

#[test]
fn finishing_records_the_consent_and_the_switch_together() {
    let known = given([granted(0, EVERYTHING)])
        .when(finish(1, ALL_BUT_EMAIL.join(SENDING)))
        .then([consented(1, ALL_BUT_EMAIL.join(SENDING)), switched_to(1)])
        .then_effective(NOTHING);
    assert_eq!(known.account.epoch, Epoch(1));
    assert_eq!(
        known.account.consent().map(|consent| consent.id),
        Some(consent_id(1))
    );
}

#[test]
fn another_consent_replaces_the_one_in_force_and_starts_no_epoch() {
    let known = given(administered(1, CALENDAR))
        .and([auto_granted(1, 1, CALENDAR)])
        .when(begun_in(1, finish(2, EVERYTHING)))
        .then([consented(2, EVERYTHING)])
        .then_effective(CALENDAR);
    assert_eq!(known.account.epoch, Epoch(1));
}

#[test]
fn a_smaller_consent_takes_away_at_once() {
    given(administered(1, EVERYTHING))
        .and([auto_granted(1, 1, EVERYTHING)])
        .when(begun_in(1, finish(2, CALENDAR.join(SENDING))))
        .then([consented(2, CALENDAR.join(SENDING))])
        .then_effective(CALENDAR.join(SENDING));
}

#[test]
fn a_consent_in_force_already_is_not_recorded_again() {
    given(administered(1, EVERYTHING))
        .when(finish(1, EVERYTHING))
        .then_nothing();
}

/// Whether the person has a role, whether Microsoft lists the grant, and what is demanded.
#[test]
fn a_role_proves_an_administrator_and_a_grant_can_only_be_demanded_beside_it() {
    use ProofDemanded::{Role, RoleAndGrant};
    for (role, tenant_wide_grant, demanded, is_proved) in [
        (true, true, Role, true),
        (true, false, Role, true),
        (false, true, Role, false),
        (false, false, Role, false),
        (true, true, RoleAndGrant, true),
        (true, false, RoleAndGrant, false),
        (false, true, RoleAndGrant, false),
        (false, false, RoleAndGrant, false),
    ] {
        let roles = if role {
            proved_by_role().roles
        } else {
            Vec::new()
        };
        let verification = Verification {
            roles,
            tenant_wide_grant,
        };
        let answer = FinishAdministratorConsent {
            verification: verification.clone(),
            demanded,
            ..finish(1, EVERYTHING)
        };
        if !is_proved {
            given_nothing()
                .when(answer)
                .then_refused(Refusal::NotAnAdministrator);
            continue;
        }
        let Event::AdminConsentGranted(consent) = consented(1, EVERYTHING) else {
            unreachable!("it is a consent");
        };
        // Whatever was shown stands in the event, whether it was demanded or not.
        let consent = Event::AdminConsentGranted(AdminConsentGranted {
            verification,
            ..consent
        });
        given_nothing().when(answer).then([consent, switched_to(1)]);
    }
}

/// Every way in which the company can have moved on since the administrator was asked.
#[test]
fn an_answer_counts_in_the_epoch_it_was_asked_in_only() {
    let and_back = [mode_changed(ADMINISTRATOR, USERS_FULL)];
    given(administered(1, CALENDAR))
        .when(finish(2, EVERYTHING))
        .then_refused(Refusal::FlowExpired);
    given(administered(1, CALENDAR))
        .and(and_back.clone())
        .when(finish(2, EVERYTHING))
        .then_refused(Refusal::FlowExpired);
    given(administered(1, CALENDAR))
        .and(and_back)
        .when(begun_in(1, finish(2, EVERYTHING)))
        .then_refused(Refusal::FlowExpired);
    // E-mail sync is no epoch.
    given([
        mode_changed(USERS_FULL, USERS_LIMITED),
        mode_changed(USERS_LIMITED, USERS_FULL),
    ])
    .when(finish(1, EVERYTHING))
    .then([consented(1, EVERYTHING), switched_to(1)]);
}

#[test]
fn without_any_proof_it_was_no_administrator() {
    given_nothing()
        .when(FinishAdministratorConsent {
            verification: Verification::default(),
            ..finish(1, EVERYTHING)
        })
        .then_refused(Refusal::NotAnAdministrator);
}

#[test]
fn the_answer_must_be_of_the_tenant_that_was_asked() {
    given_nothing()
        .when(FinishAdministratorConsent {
            tenant: another_tenant(),
            ..finish(1, EVERYTHING)
        })
        .then_refused(Refusal::TenantMismatch);
    given_nothing()
        .when(FinishAdministratorConsent {
            tenant: tenant_in(Cloud::China),
            ..finish(1, EVERYTHING)
        })
        .then_refused(Refusal::TenantMismatch);
}

#[test]
fn a_consent_is_not_replaced_by_another_tenants() {
    given(administered(1, EVERYTHING))
        .when(FinishAdministratorConsent {
            expected_tenant: another_tenant(),
            tenant: another_tenant(),
            ..finish(2, EVERYTHING)
        })
        .then_refused(Refusal::TenantMismatch);
}

#[test]
fn the_tenant_may_change_after_users_decided_for_themselves() {
    given(administered(1, EVERYTHING))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .when(FinishAdministratorConsent {
            verification: Verification::default(),
            expected_tenant: another_tenant(),
            tenant: another_tenant(),
            ..finish(2, EVERYTHING)
        })
        // The tenant is no obstacle any more: the next check speaks.
        .then_refused(Refusal::NotAnAdministrator);
}

#[test]
fn all_scopes_of_the_selection_are_needed() {
    given_nothing()
        .when(FinishAdministratorConsent {
            missing_scopes: Vec::from([Scope("Mail.Send".to_owned())]),
            ..finish(1, EVERYTHING)
        })
        .then_refused(Refusal::ScopesMissing);
}

#[test]
fn sync_that_was_limited_meanwhile_stops_the_finish() {
    limited_sync()
        .when(finish(1, EVERYTHING))
        .then_refused(Refusal::FullSyncRequired);
}

#[test]
fn an_account_is_not_at_the_administrators_method_between_the_two_events() {
    let known = given([consented(1, EVERYTHING)]);
    assert_eq!(known.account.mode(), USERS_FULL);
    assert_eq!(known.account.consent(), None);
}
