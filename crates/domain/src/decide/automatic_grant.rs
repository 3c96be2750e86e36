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
        Authorization::AdminConfigured { consent } => Ok(command.wanted.meet(consent.permissions)),
    }
}

/// Records the grant.
pub fn record(
    account: &AccountState,
    user: &UserState,
    command: RecordAutomaticGrant,
) -> Result<Vec<Event>, Refusal> {
    let permissions = granted(account, &command)?;
    if permissions.is_within(user.in_epoch(account.epoch).automatic) {
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
