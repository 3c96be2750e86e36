//! The four events. Everything that is known follows from them.
//!
//! Names, e-mail addresses, tokens and codes never enter an event: the log is for ever.

use crate::ids::{
    AccountId, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Scope, Tenant, UserId,
};
use crate::mode::Mode;
use crate::permissions::{Kinds, PermissionSet};

/// Something that happened, and was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A company changed its authorization method, its e-mail sync, or both.
    ModeChanged(ModeChanged),
    /// An Office 365 administrator consented for the whole company.
    AdminConsentGranted(AdminConsentGranted),
    /// A user has more permissions than before.
    UserScopeGranted(UserScopeGranted),
    /// A user has fewer permissions than before, or said no.
    UserScopeRevoked(UserScopeRevoked),
}

/// A line of events that are decided one after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// The company's own events.
    Account(AccountId),
    /// The events of one of its users.
    User(AccountId, UserId),
}

impl Aggregate {
    /// The account that the aggregate belongs to.
    pub const fn account(&self) -> &AccountId {
        match self {
            Self::Account(account) | Self::User(account, _) => account,
        }
    }
}

impl Event {
    /// The aggregate that the event belongs to.
    pub fn aggregate(&self) -> Aggregate {
        match self {
            Self::ModeChanged(event) => Aggregate::Account(event.account.clone()),
            Self::AdminConsentGranted(event) => Aggregate::Account(event.account.clone()),
            Self::UserScopeGranted(event) => {
                Aggregate::User(event.account.clone(), event.user.clone())
            }
            Self::UserScopeRevoked(event) => {
                Aggregate::User(event.account.clone(), event.user.clone())
            }
        }
    }
}

/// See [`Event::ModeChanged`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChanged {
    /// The company.
    pub account: AccountId,
    /// What it was.
    pub from: Mode,
    /// What it is now. Another method starts a new epoch.
    pub to: Mode,
    /// The consent that the administrator's method rests on; `None` for the other method.
    pub consent: Option<ConsentId>,
    /// The Super Admin of the host application who did it.
    pub changed_by: UserId,
}

/// See [`Event::AdminConsentGranted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConsentGranted {
    /// The company.
    pub account: AccountId,
    /// The name of this consent; it is the event's own id.
    pub consent: ConsentId,
    /// The directory whose administrator consented.
    pub tenant: Tenant,
    /// What the Super Admin selected.
    pub permissions: PermissionSet,
    /// What Microsoft granted.
    pub scopes: Vec<Scope>,
    /// The Super Admin of the host application who asked, and ticked the box "I am an
    /// administrator of our Office 365 account" (without it there is no such event).
    pub requested_by: UserId,
    /// The administrator at Microsoft who accepted.
    pub granted_by: ObjectId,
    /// How we know that an administrator accepted.
    pub verification: Verification,
}

/// What proved that an administrator accepted: a role. Events of earlier times may rest on a tenant-wide grant alone, so
/// at least one of the two holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Roles able to consent for the company that the verified ID token held.
    pub roles: Vec<RoleId>,
    /// Whether Microsoft Graph listed a tenant-wide grant that covers the scopes.
    pub tenant_wide_grant: bool,
}

impl Verification {
    /// Whether whoever accepted is an administrator. Only a role says that of a person. A tenant-wide grant says that
    /// somebody once consented: it adds to a role, and is never in its place.
    pub fn proves_an_administrator(&self) -> bool {
        !self.roles.is_empty()
    }

    /// Whether it says anything at all. What is recorded is read by this, for it was decided by the rules of its time.
    pub fn is_evidence(&self) -> bool {
        !self.roles.is_empty() || self.tenant_wide_grant
    }
}

/// Who granted a user's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authority {
    /// The user, at Microsoft.
    User,
    /// An administrator's consent, applied at the user's login.
    AdministratorConsent(ConsentId),
}

/// See [`Event::UserScopeGranted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserScopeGranted {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The epoch in which it was decided: in another one it counts for nothing.
    pub epoch: Epoch,
    /// What was granted.
    pub permissions: PermissionSet,
    /// Who granted it.
    pub authority: Authority,
    /// The person at Microsoft whose mailbox it is.
    pub identity: MicrosoftIdentity,
    /// The scopes that Microsoft granted.
    pub scopes: Vec<Scope>,
}

/// Why permissions ended, or never began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// The user took them back.
    UserRevoked,
    /// The user said no at Microsoft.
    UserDeclined,
    /// Microsoft says that the consent is gone.
    MicrosoftWithdrawn,
}

/// See [`Event::UserScopeRevoked`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserScopeRevoked {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The epoch in which it was decided: in another one it counts for nothing.
    pub epoch: Epoch,
    /// What ended. Revoking e-mail revokes it whole.
    pub permissions: Kinds,
    /// Why.
    pub reason: RevocationReason,
    /// Who did it; `None` where it was nobody in the host application.
    pub revoked_by: Option<UserId>,
}
