//! Every kind of event says what happened.

use assent_domain::event::{
    AdminConsentGranted, Authority, Event, ModeChanged, RevocationReason, UserScopeGranted,
    UserScopeRevoked, Verification,
};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Tenant, TenantId,
    UserId,
};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_domain::permissions::{EmailLevel, Kinds, Permission, PermissionSet};

use super::{describe, permissions, tenant};

const CONSENT: &str = "01934a2b-1c2d-7e3f-8a4b-000000000001";
const SENDING: PermissionSet = PermissionSet {
    calendar: true,
    contacts: false,
    email: EmailLevel::Limited,
};

fn account() -> AccountId {
    AccountId::parse("acme").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn consent() -> ConsentId {
    ConsentId(CONSENT.parse().unwrap())
}

fn directory(cloud: Cloud) -> Tenant {
    Tenant {
        cloud,
        id: TenantId("00000000-0000-0000-0000-0000000000aa".parse().unwrap()),
    }
}

fn object() -> ObjectId {
    ObjectId("00000000-0000-0000-0000-0000000000bb".parse().unwrap())
}

fn mode(method: AuthorizationMethod, email_sync: EmailSync) -> Mode {
    Mode { method, email_sync }
}

fn changed(from: Mode, to: Mode, consent: Option<ConsentId>) -> String {
    describe(&Event::ModeChanged(ModeChanged {
        account: account(),
        from,
        to,
        consent,
        changed_by: user("boss"),
    }))
}

fn granted(permissions: PermissionSet, authority: Authority) -> String {
    describe(&Event::UserScopeGranted(UserScopeGranted {
        account: account(),
        user: user("ana"),
        epoch: Epoch(0),
        permissions,
        authority,
        identity: MicrosoftIdentity {
            tenant: directory(Cloud::Worldwide),
            object_id: object(),
        },
        scopes: Vec::new(),
    }))
}

fn revoked(reason: RevocationReason, revoked_by: Option<UserId>) -> String {
    describe(&Event::UserScopeRevoked(UserScopeRevoked {
        account: account(),
        user: user("ana"),
        epoch: Epoch(0),
        permissions: Kinds::from_iter([Permission::Calendar, Permission::Email]),
        reason,
        revoked_by,
    }))
}

fn consented(verification: Verification) -> String {
    describe(&Event::AdminConsentGranted(AdminConsentGranted {
        account: account(),
        consent: consent(),
        tenant: directory(Cloud::Worldwide),
        permissions: SENDING,
        scopes: Vec::new(),
        requested_by: user("boss"),
        granted_by: object(),
        verification,
    }))
}

#[test]
fn a_change_of_method() {
    let users = mode(AuthorizationMethod::UserIndividual, EmailSync::Full);
    let administrator = mode(AuthorizationMethod::AdminConfigured, EmailSync::Full);
    assert_eq!(
        changed(users, administrator, Some(consent())),
        "boss changed the method from user_individual to admin_configured, \
         resting on consent 01934a2b-1c2d…"
    );
    assert_eq!(
        changed(administrator, users, None),
        "boss changed the method from admin_configured to user_individual"
    );
}

#[test]
fn a_change_of_email_sync_alone_and_of_both() {
    let full = mode(AuthorizationMethod::UserIndividual, EmailSync::Full);
    let limited = mode(AuthorizationMethod::UserIndividual, EmailSync::Limited);
    assert_eq!(
        changed(full, limited, None),
        "boss changed email sync from full to limited"
    );
    let administrator = mode(AuthorizationMethod::AdminConfigured, EmailSync::Full);
    assert_eq!(
        changed(administrator, limited, None),
        "boss changed the method from admin_configured to user_individual, \
         and email sync from full to limited"
    );
}

#[test]
fn an_administrators_consent_and_what_proved_it() {
    let role = RoleId("62e90394-69f5-4237-9190-012177145e10".parse().unwrap());
    assert_eq!(
        consented(Verification {
            roles: vec![role],
            tenant_wide_grant: true,
        }),
        "administrator 00000000-0000-0000-0000-0000000000bb consented to calendar, email (limited) \
         for the whole company (consent 01934a2b-1c2d…), asked by boss, \
         proved by role 62e90394-69f5-4237-9190-012177145e10, the tenant-wide grant"
    );
    assert!(consented(Verification::default()).ends_with("proved by nothing"));
}

#[test]
fn a_grant_and_whose_decision_it_was() {
    assert_eq!(
        granted(PermissionSet::EVERYTHING, Authority::User),
        "granted calendar, contacts, email (full) by the user's own choice"
    );
    assert_eq!(
        granted(SENDING, Authority::AdministratorConsent(consent())),
        "granted calendar, email (limited) by administrator consent 01934a2b-1c2d…"
    );
}

#[test]
fn an_end_and_its_reason() {
    assert_eq!(
        revoked(RevocationReason::UserRevoked, Some(user("ana"))),
        "revoked calendar, email by ana"
    );
    assert_eq!(
        revoked(RevocationReason::UserDeclined, Some(user("ana"))),
        "declined calendar, email at Microsoft by ana"
    );
    assert_eq!(
        revoked(RevocationReason::MicrosoftWithdrawn, None),
        "lost calendar, email: Microsoft says that the consent is gone"
    );
}

#[test]
fn nothing_has_a_word_and_so_has_every_cloud() {
    assert_eq!(permissions(PermissionSet::NOTHING), "nothing");
    assert_eq!(
        tenant(directory(Cloud::GccHigh)),
        "00000000-0000-0000-0000-0000000000aa (gcc_high)"
    );
}
