//! The JSON bodies of the four events, version 1. They never change: a new shape is a new
//! version beside this one.
//!
//! Each refuses what it does not know by itself, down to the values that other messages share.
//! [`crate::strict`] would do the same, for a third more time: a view is rebuilt from millions.

use assent_domain::event as domain;
use assent_domain::ids::{
    AccountId, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Scope, UserId,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::values::{
    Cloud, EmailLevel, EmailSync, Id, Method, Mode, Permission, PermissionSet, RevocationReason,
    Tenant, kinds_from_list, kinds_to_list, optional_text, text,
};

/// [`Mode`], in an event.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Mode", deny_unknown_fields)]
struct StrictMode {
    method: Method,
    email_sync: EmailSync,
}

/// [`PermissionSet`], in an event.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PermissionSet", deny_unknown_fields)]
struct StrictSet {
    calendar: bool,
    contacts: bool,
    email: EmailLevel,
}

/// [`Tenant`], in an event.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Tenant", deny_unknown_fields)]
struct StrictTenant {
    cloud: Cloud,
    id: Uuid,
}

/// `assent.consent.ModeChanged.v1`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeChanged {
    /// The company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    account_id: AccountId,
    /// How it was before.
    #[serde(with = "StrictMode")]
    from: Mode,
    /// How it is from now on. Another method begins a new epoch: nothing that was granted before counts.
    #[serde(with = "StrictMode")]
    to: Mode,
    /// The administrator's consent that it rests on: with `to.method` `admin_configured` only.
    #[serde(deserialize_with = "present")]
    #[schema(required)]
    consent_id: Option<Uuid>,
    /// The Super Admin who changed it.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    changed_by: UserId,
}

impl From<&domain::ModeChanged> for ModeChanged {
    fn from(event: &domain::ModeChanged) -> Self {
        Self {
            account_id: event.account.clone(),
            from: event.from.into(),
            to: event.to.into(),
            consent_id: event.consent.map(|consent| consent.0),
            changed_by: event.changed_by.clone(),
        }
    }
}

impl From<ModeChanged> for domain::ModeChanged {
    fn from(body: ModeChanged) -> Self {
        Self {
            account: body.account_id,
            from: body.from.into(),
            to: body.to.into(),
            consent: body.consent_id.map(ConsentId),
            changed_by: body.changed_by,
        }
    }
}

/// `assent.consent.AdminConsentGranted.v1`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminConsentGranted {
    /// The company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    account_id: AccountId,
    /// The consent's name: the id of this very event (`ce-id`).
    consent_id: Uuid,
    /// Whose users it is for.
    #[serde(with = "StrictTenant")]
    tenant: Tenant,
    /// What the administrator selected.
    #[serde(with = "StrictSet")]
    permissions: PermissionSet,
    /// What Microsoft granted, by its own names.
    scopes: Vec<String>,
    /// The Super Admin who asked for it.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    requested_by: UserId,
    /// The administrator at Microsoft who accepted.
    granted_by: GrantedBy,
    /// That "I am an administrator of our Office 365 account" was ticked: always true.
    #[schema(value_type = bool)]
    administrator_confirmed: Confirmed,
    /// What proved an administrator.
    #[serde(deserialize_with = "proved")]
    verification: Verification,
}

/// The administrator at Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedBy {
    /// The person's object id.
    pub object_id: Uuid,
}

/// Always `true`: without the ticked box there is no such event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
struct Confirmed;

impl TryFrom<bool> for Confirmed {
    type Error = &'static str;

    fn try_from(confirmed: bool) -> Result<Self, Self::Error> {
        if confirmed {
            Ok(Self)
        } else {
            Err("administrator_confirmed is always true")
        }
    }
}

impl From<Confirmed> for bool {
    fn from(_: Confirmed) -> Self {
        true
    }
}

/// What proved that an administrator accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Which proofs held.
    pub proof: Vec<Proof>,
    /// The template ids of the roles, where roles were the proof.
    pub roles: Vec<Uuid>,
}

/// One way to prove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The verified ID token held a role able to consent.
    Role,
    /// Microsoft Graph listed a tenant-wide grant.
    Grant,
}

impl From<&domain::Verification> for Verification {
    fn from(verification: &domain::Verification) -> Self {
        let role = (!verification.roles.is_empty()).then_some(Proof::Role);
        let grant = verification.tenant_wide_grant.then_some(Proof::Grant);
        Self {
            proof: role.into_iter().chain(grant).collect(),
            roles: verification.roles.iter().map(|role| role.0).collect(),
        }
    }
}

impl From<Verification> for domain::Verification {
    fn from(body: Verification) -> Self {
        Self {
            roles: body.roles.into_iter().map(RoleId).collect(),
            tenant_wide_grant: body.proof.contains(&Proof::Grant),
        }
    }
}

impl From<&domain::AdminConsentGranted> for AdminConsentGranted {
    fn from(event: &domain::AdminConsentGranted) -> Self {
        Self {
            account_id: event.account.clone(),
            consent_id: event.consent.0,
            tenant: event.tenant.into(),
            permissions: event.permissions.into(),
            scopes: scopes_to_list(&event.scopes),
            requested_by: event.requested_by.clone(),
            granted_by: GrantedBy {
                object_id: event.granted_by.0,
            },
            administrator_confirmed: Confirmed,
            verification: (&event.verification).into(),
        }
    }
}

impl From<AdminConsentGranted> for domain::AdminConsentGranted {
    fn from(body: AdminConsentGranted) -> Self {
        Self {
            account: body.account_id,
            consent: ConsentId(body.consent_id),
            tenant: body.tenant.into(),
            permissions: body.permissions.into(),
            scopes: scopes_from_list(body.scopes),
            requested_by: body.requested_by,
            granted_by: ObjectId(body.granted_by.object_id),
            verification: body.verification.into(),
        }
    }
}

/// `assent.consent.UserScopeGranted.v1`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserScopeGranted {
    /// The company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    user_id: UserId,
    /// The company's epoch in which it was decided; in another one it counts for nothing.
    epoch: u64,
    /// What was granted.
    #[serde(with = "StrictSet")]
    permissions: PermissionSet,
    /// On whose word.
    authority: Authority,
    /// The directory of the mailbox's owner.
    #[serde(with = "StrictTenant")]
    tenant: Tenant,
    /// The mailbox's owner in it.
    object_id: Uuid,
    /// What Microsoft granted, by its own names.
    scopes: Vec<String>,
}

/// Who granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The user.
    User,
    /// An administrator's consent, by its id.
    AdministratorConsent(Uuid),
}

impl From<&domain::UserScopeGranted> for UserScopeGranted {
    fn from(event: &domain::UserScopeGranted) -> Self {
        Self {
            account_id: event.account.clone(),
            user_id: event.user.clone(),
            epoch: event.epoch.0,
            permissions: event.permissions.into(),
            authority: match event.authority {
                domain::Authority::User => Authority::User,
                domain::Authority::AdministratorConsent(consent) => {
                    Authority::AdministratorConsent(consent.0)
                }
            },
            tenant: event.identity.tenant.into(),
            object_id: event.identity.object_id.0,
            scopes: scopes_to_list(&event.scopes),
        }
    }
}

impl From<UserScopeGranted> for domain::UserScopeGranted {
    fn from(body: UserScopeGranted) -> Self {
        Self {
            account: body.account_id,
            user: body.user_id,
            epoch: Epoch(body.epoch),
            permissions: body.permissions.into(),
            authority: match body.authority {
                Authority::User => domain::Authority::User,
                Authority::AdministratorConsent(consent) => {
                    domain::Authority::AdministratorConsent(ConsentId(consent))
                }
            },
            identity: MicrosoftIdentity {
                tenant: body.tenant.into(),
                object_id: ObjectId(body.object_id),
            },
            scopes: scopes_from_list(body.scopes),
        }
    }
}

/// `assent.consent.UserScopeRevoked.v1`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserScopeRevoked {
    /// The company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    user_id: UserId,
    /// The company's epoch in which it was decided; in another one it counts for nothing.
    epoch: u64,
    /// What ended, each once; e-mail ends as a whole.
    #[serde(deserialize_with = "each_once")]
    permissions: Vec<Permission>,
    /// Why.
    reason: RevocationReason,
    /// Who said so; null where Microsoft did.
    #[serde(with = "optional_text")]
    #[schema(required)]
    #[schema(value_type = Option<Id>)]
    revoked_by: Option<UserId>,
}

impl From<&domain::UserScopeRevoked> for UserScopeRevoked {
    fn from(event: &domain::UserScopeRevoked) -> Self {
        Self {
            account_id: event.account.clone(),
            user_id: event.user.clone(),
            epoch: event.epoch.0,
            permissions: kinds_to_list(event.permissions),
            reason: event.reason.into(),
            revoked_by: event.revoked_by.clone(),
        }
    }
}

impl From<UserScopeRevoked> for domain::UserScopeRevoked {
    fn from(body: UserScopeRevoked) -> Self {
        Self {
            account: body.account_id,
            user: body.user_id,
            epoch: Epoch(body.epoch),
            permissions: kinds_from_list(&body.permissions),
            reason: body.reason.into(),
            revoked_by: body.revoked_by,
        }
    }
}

/// May be null, but not absent: a body has all of its fields.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uuid>, D::Error> {
    Option::deserialize(from)
}

/// The proofs named and the roles listed are two accounts of the same thing. Where they
/// differ, or nothing was proved, it is not known that an administrator consented.
fn proved<'de, D: Deserializer<'de>>(from: D) -> Result<Verification, D::Error> {
    let body = Verification::deserialize(from)?;
    let read = domain::Verification::from(body.clone());
    if read.is_evidence() && Verification::from(&read) == body {
        Ok(body)
    } else {
        Err(D::Error::custom("the proofs and the roles don't agree"))
    }
}

/// A list that names the same permission twice was not written by us.
fn each_once<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Permission>, D::Error> {
    let list = Vec::<Permission>::deserialize(from)?;
    if kinds_from_list(&list).iter().count() == list.len() {
        Ok(list)
    } else {
        Err(D::Error::custom("a permission is named twice"))
    }
}

fn scopes_to_list(scopes: &[Scope]) -> Vec<String> {
    scopes.iter().map(|scope| scope.0.clone()).collect()
}

fn scopes_from_list(scopes: Vec<String>) -> Vec<Scope> {
    scopes.into_iter().map(Scope).collect()
}
