//! "Ask an administrator to let me".

use super::{given, given_nothing};
use crate::decide::administrator_consent::{
    FinishAdministratorConsent, Mailboxes, Premises, ProofDemanded,
};
use crate::decide::approval::{ask, finish};
use crate::event::Verification;
use crate::ids::{Cloud, Epoch, ObjectId};
use crate::permissions::Kinds;
use crate::refusal::Refusal;
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, EVERYTHING, SENDING, USERS_FULL, USERS_LIMITED, acme,
    administered, ana, consent_id, mode_changed, proved_by_role, scopes, tenant,
};
use uuid::Uuid;

#[test]
fn a_user_asks_for_what_users_may_have() {
    let somewhere = Premises::default();
    let account = given_nothing().account;
    assert_eq!(ask(&account, EVERYTHING.kinds(), somewhere), Ok(EVERYTHING));
    assert_eq!(ask(&account, CALENDAR.kinds(), somewhere), Ok(CALENDAR));
    let limited = given([mode_changed(USERS_FULL, USERS_LIMITED)]).account;
    assert_eq!(
        ask(&limited, EVERYTHING.kinds(), somewhere),
        Ok(ALL_BUT_EMAIL.join(SENDING))
    );
    assert_eq!(
        ask(&account, Kinds::NONE, somewhere),
        Err(Refusal::NothingSelected)
    );
}

#[test]
fn there_is_nothing_to_ask_for_where_it_can_not_be_had() {
    let managed = given(administered(1, CALENDAR)).account;
    assert_eq!(
        ask(&managed, CALENDAR.kinds(), Premises::default()),
        Err(Refusal::ManagedByAdministrator)
    );
    let account = given_nothing().account;
    let elsewhere = Premises {
        cloud: Some(Cloud::GccHigh),
        ..Premises::default()
    };
    assert_eq!(
        ask(&account, CALENDAR.kinds(), elsewhere),
        Err(Refusal::UnsupportedCloud)
    );
    let own_servers = Premises {
        mailboxes: Mailboxes::OnPremisesOnly,
        ..Premises::default()
    };
    assert_eq!(
        ask(&account, CALENDAR.kinds(), own_servers),
        Err(Refusal::OnPremisesExchange)
    );
}

#[test]
fn an_approval_takes_an_administrator_of_that_epoch() {
    let answer = || FinishAdministratorConsent {
        account: acme(),
        consent: consent_id(1),
        requested_by: ana(),
        begun_in: Epoch(0),
        permissions: CALENDAR,
        expected_tenant: tenant(),
        tenant: tenant(),
        granted_by: ObjectId(Uuid::from_u128(0xad)),
        scopes: scopes(),
        missing_scopes: Vec::new(),
        verification: proved_by_role(),
        demanded: ProofDemanded::Role,
    };
    let account = given_nothing().account;
    assert_eq!(finish(&account, &answer()), Ok(()));
    let by_nobody = FinishAdministratorConsent {
        verification: Verification {
            roles: Vec::new(),
            tenant_wide_grant: true,
        },
        ..answer()
    };
    assert_eq!(
        finish(&account, &by_nobody),
        Err(Refusal::NotAnAdministrator)
    );
    let moved_on = given(administered(1, CALENDAR))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)])
        .account;
    assert_eq!(finish(&moved_on, &answer()), Err(Refusal::FlowExpired));
}
