//! The automatic grant: a user signed in through Microsoft gets what the administrator
//! consented to, unasked.

use crate::account::{AccountState, Authorization};
use crate::event::{Authority, Event, UserScopeGranted};
use crate::ids::{AccountId, ConsentId, MicrosoftIdentity, Scope, UserId};
use crate::permissions::PermissionSet;
use crate::refusal::Refusal;
use crate::user::UserState;

/// What the login hook saw at a verified sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAutomaticGrant {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The consent that the login hook decided on.
    pub consent: ConsentId,
    /// What the host application wants for this user.
    pub wanted: PermissionSet,
    /// Who signed in.
    pub identity: MicrosoftIdentity,
    /// Whether that is a guest of the tenant: their mailbox is elsewhere.
    pub is_guest: bool,
    /// The scopes that stand for what is granted.
    pub scopes: Vec<Scope>,
}

/// What an automatic grant gives: what is wanted and consented to.
pub fn granted(
    account: &AccountState,
    command: &RecordAutomaticGrant,
) -> Result<PermissionSet, Refusal> {
    match &account.authorization {
        Authorization::UserIndividual { .. } => Err(Refusal::NotAdministratorConfigured),
        Authorization::AdminConfigured { consent } if consent.id != command.consent => {
            Err(Refusal::ConsentSuperseded)
        }
        Authorization::AdminConfigured { consent } if consent.tenant != command.identity.tenant => {
            Err(Refusal::TenantMismatch)
        }
        Authorization::AdminConfigured { .. } if command.is_guest => Err(Refusal::GuestAccount),
        Authorization::AdminConfigured { consent } => Ok(command.wanted.meet(consent.permissions)),
    }
}

/// Records the grant. The same permissions of another person's mailbox are news.
pub fn record(
    account: &AccountState,
    user: &UserState,
    command: RecordAutomaticGrant,
) -> Result<Vec<Event>, Refusal> {
    let permissions = granted(account, &command)?;
    let current = user.in_epoch(account.epoch);
    let is_so_already =
        permissions.is_within(current.automatic) && current.identity == Some(command.identity);
    if permissions.is_nothing() || is_so_already {
        return Ok(Vec::new());
    }
    Ok(Vec::from([Event::UserScopeGranted(UserScopeGranted {
        account: command.account,
        user: command.user,
        epoch: account.epoch,
        permissions,
        authority: Authority::AdministratorConsent(command.consent),
        identity: command.identity,
        scopes: command.scopes,
    })]))
}
