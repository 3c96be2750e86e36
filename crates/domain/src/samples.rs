//! Short names for what the tests speak of: one company, a few people, two tenants, and
//! the events that can happen to them.

use uuid::Uuid;

use crate::decide::{AccountManager, HostRights};
use crate::event::{
    AdminConsentGranted, Authority, Event, ModeChanged, RevocationReason, UserScopeGranted,
    UserScopeRevoked, Verification,
};
use crate::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Scope, Tenant,
    TenantId, UserId,
};
use crate::mode::{AuthorizationMethod, EmailSync, Mode};
use crate::permissions::{EmailLevel, Kinds, Permission, PermissionSet};

pub(crate) const NOTHING: PermissionSet = PermissionSet::NOTHING;
pub(crate) const EVERYTHING: PermissionSet = PermissionSet::EVERYTHING;
pub(crate) const CALENDAR: PermissionSet = PermissionSet {
    calendar: true,
    ..NOTHING
};
pub(crate) const CONTACTS: PermissionSet = PermissionSet {
    contacts: true,
    ..NOTHING
};
pub(crate) const SENDING: PermissionSet = PermissionSet {
    email: EmailLevel::Limited,
    ..NOTHING
};
pub(crate) const EMAIL: PermissionSet = PermissionSet {
    email: EmailLevel::Full,
    ..NOTHING
};
pub(crate) const ALL_BUT_EMAIL: PermissionSet = PermissionSet {
    email: EmailLevel::None,
    ..EVERYTHING
};

pub(crate) const USERS_FULL: Mode = Mode {
    method: AuthorizationMethod::UserIndividual,
    email_sync: EmailSync::Full,
};
pub(crate) const USERS_LIMITED: Mode = Mode {
    email_sync: EmailSync::Limited,
    ..USERS_FULL
};
pub(crate) const ADMINISTRATOR: Mode = Mode {
    method: AuthorizationMethod::AdminConfigured,
    ..USERS_FULL
};

pub(crate) fn acme() -> AccountId {
    AccountId::parse("acme").unwrap()
}

pub(crate) fn ana() -> UserId {
    UserId::parse("ana").unwrap()
}

/// The Super Admin.
pub(crate) fn superadmin() -> AccountManager {
    let rights = HostRights {
        is_super_admin: true,
        manages_company_settings: true,
    };
    AccountManager::with_rights(UserId::parse("superadmin").unwrap(), rights).unwrap()
}

pub(crate) fn consent_id(number: u128) -> ConsentId {
    ConsentId(Uuid::from_u128(number))
}

pub(crate) fn tenant_in(cloud: Cloud) -> Tenant {
    Tenant {
        cloud,
        id: TenantId(Uuid::from_u128(0xace)),
    }
}

/// Acme's own tenant.
pub(crate) fn tenant() -> Tenant {
    tenant_in(Cloud::Worldwide)
}

pub(crate) fn another_tenant() -> Tenant {
    Tenant {
        id: TenantId(Uuid::from_u128(0xbad)),
        ..tenant()
    }
}

pub(crate) fn person_of(tenant: Tenant) -> MicrosoftIdentity {
    MicrosoftIdentity {
        tenant,
        object_id: ObjectId(Uuid::from_u128(0xa)),
    }
}

/// Somebody else of acme's tenant.
pub(crate) fn colleague() -> MicrosoftIdentity {
    MicrosoftIdentity {
        object_id: ObjectId(Uuid::from_u128(0xb)),
        ..ana_at_microsoft()
    }
}

/// Ana, at Microsoft.
pub(crate) fn ana_at_microsoft() -> MicrosoftIdentity {
    person_of(tenant())
}

pub(crate) fn scopes() -> Vec<Scope> {
    Vec::from([Scope("Calendars.ReadWrite".to_owned())])
}

pub(crate) fn proved_by_role() -> Verification {
    Verification {
        roles: Vec::from([RoleId(Uuid::from_u128(0x62e9))]),
        tenant_wide_grant: false,
    }
}

pub(crate) fn kinds(permissions: impl IntoIterator<Item = Permission>) -> Kinds {
    permissions.into_iter().collect()
}

pub(crate) fn mode_changed(from: Mode, to: Mode) -> Event {
    Event::ModeChanged(ModeChanged {
        account: acme(),
        from,
        to,
        consent: None,
        changed_by: superadmin().user().clone(),
    })
}

/// The switch to the administrator's method.
pub(crate) fn switched_to(consent: u128) -> Event {
    Event::ModeChanged(ModeChanged {
        account: acme(),
        from: USERS_FULL,
        to: ADMINISTRATOR,
        consent: Some(consent_id(consent)),
        changed_by: superadmin().user().clone(),
    })
}

pub(crate) fn consented(consent: u128, permissions: PermissionSet) -> Event {
    Event::AdminConsentGranted(AdminConsentGranted {
        account: acme(),
        consent: consent_id(consent),
        tenant: tenant(),
        permissions,
        scopes: scopes(),
        requested_by: superadmin().user().clone(),
        granted_by: ObjectId(Uuid::from_u128(0xad)),
        verification: proved_by_role(),
    })
}

/// The consent and the switch that rests on it.
pub(crate) fn administered(consent: u128, permissions: PermissionSet) -> [Event; 2] {
    [consented(consent, permissions), switched_to(consent)]
}

/// Ana's own grant.
pub(crate) fn granted(epoch: u64, permissions: PermissionSet) -> Event {
    granted_by(ana_at_microsoft(), epoch, permissions)
}

/// Ana's own grant, of the mailbox of this person.
pub(crate) fn granted_by(
    identity: MicrosoftIdentity,
    epoch: u64,
    permissions: PermissionSet,
) -> Event {
    grant(identity, epoch, permissions, Authority::User)
}

/// Ana's automatic grant.
pub(crate) fn auto_granted(epoch: u64, consent: u128, permissions: PermissionSet) -> Event {
    auto_granted_to(ana_at_microsoft(), epoch, consent, permissions)
}

/// The automatic grant of Ana, who signed in as this person.
pub(crate) fn auto_granted_to(
    identity: MicrosoftIdentity,
    epoch: u64,
    consent: u128,
    permissions: PermissionSet,
) -> Event {
    let authority = Authority::AdministratorConsent(consent_id(consent));
    grant(identity, epoch, permissions, authority)
}

fn grant(
    identity: MicrosoftIdentity,
    epoch: u64,
    permissions: PermissionSet,
    authority: Authority,
) -> Event {
    Event::UserScopeGranted(UserScopeGranted {
        account: acme(),
        user: ana(),
        epoch: Epoch(epoch),
        permissions,
        authority,
        identity,
        scopes: scopes(),
    })
}

pub(crate) fn revoked<I: IntoIterator<Item = Permission>>(epoch: u64, permissions: I) -> Event {
    ended(epoch, permissions, RevocationReason::UserRevoked)
}

pub(crate) fn declined<I: IntoIterator<Item = Permission>>(epoch: u64, permissions: I) -> Event {
    ended(epoch, permissions, RevocationReason::UserDeclined)
}

pub(crate) fn withdrawn<I: IntoIterator<Item = Permission>>(epoch: u64, permissions: I) -> Event {
    ended(epoch, permissions, RevocationReason::MicrosoftWithdrawn)
}

fn ended(
    epoch: u64,
    permissions: impl IntoIterator<Item = Permission>,
    reason: RevocationReason,
) -> Event {
    let revoked_by = match reason {
        RevocationReason::UserRevoked | RevocationReason::UserDeclined => Some(ana()),
        RevocationReason::MicrosoftWithdrawn => None,
    };
    Event::UserScopeRevoked(UserScopeRevoked {
        account: acme(),
        user: ana(),
        epoch: Epoch(epoch),
        permissions: kinds(permissions),
        reason,
        revoked_by,
    })
}
