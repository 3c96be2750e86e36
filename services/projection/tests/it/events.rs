//! Events to append.

use assent_domain::event::{
    AdminConsentGranted, Authority, Event, ModeChanged, RevocationReason, UserScopeGranted,
    UserScopeRevoked, Verification,
};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, Tenant, TenantId, UserId,
};
use assent_domain::mode::{AuthorizationMethod, Mode};
use assent_domain::permissions::{Kinds, PermissionSet};
use uuid::Uuid;

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn tenant() -> Tenant {
    Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(Uuid::from_u128(1)),
    }
}

pub(crate) fn granted(company: &str, person: &str) -> Event {
    Event::UserScopeGranted(UserScopeGranted {
        account: account(company),
        user: user(person),
        epoch: Epoch(0),
        permissions: PermissionSet::EVERYTHING,
        authority: Authority::User,
        identity: MicrosoftIdentity {
            tenant: tenant(),
            object_id: ObjectId(Uuid::from_u128(2)),
        },
        scopes: Vec::new(),
    })
}

pub(crate) fn revoked_calendar(company: &str, person: &str) -> Event {
    let calendar = Kinds {
        calendar: true,
        ..Kinds::NONE
    };
    ended(company, person, calendar, RevocationReason::UserRevoked)
}

pub(crate) fn ended(
    company: &str,
    person: &str,
    permissions: Kinds,
    reason: RevocationReason,
) -> Event {
    Event::UserScopeRevoked(UserScopeRevoked {
        account: account(company),
        user: user(person),
        epoch: Epoch(0),
        permissions,
        reason,
        revoked_by: None,
    })
}

/// An administrator's consent for everything, and the switch that rests on it.
pub(crate) fn administrator_consents(company: &str, id: Uuid) -> [Event; 2] {
    let consent = AdminConsentGranted {
        account: account(company),
        consent: ConsentId(id),
        tenant: tenant(),
        permissions: PermissionSet::EVERYTHING,
        scopes: Vec::new(),
        requested_by: user("super"),
        granted_by: ObjectId(Uuid::from_u128(3)),
        verification: Verification {
            roles: Vec::new(),
            tenant_wide_grant: true,
        },
    };
    let switch = ModeChanged {
        account: account(company),
        from: Mode::default(),
        to: Mode {
            method: AuthorizationMethod::AdminConfigured,
            ..Mode::default()
        },
        consent: Some(ConsentId(id)),
        changed_by: user("super"),
    };
    [
        Event::AdminConsentGranted(consent),
        Event::ModeChanged(switch),
    ]
}
