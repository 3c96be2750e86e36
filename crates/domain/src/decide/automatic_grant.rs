//! The automatic grant: a user signed in through Microsoft gets what the administrator
//! consented to, unasked.
//!
//! It rests on the word of a consent that was given a while ago. What Microsoft has said to be withdrawn of it is given to
//! nobody, until Microsoft says otherwise: by a code that is redeemed under it. What else it gives is given all the same.

use crate::account::{AccountState, Authorization, Consent};
use crate::decide::begun_in_this_epoch;
use crate::event::{Authority, Event, UserScopeGranted};
use crate::ids::{AccountId, ConsentId, Epoch, MicrosoftIdentity, Scope, Sequence, UserId};
use crate::permissions::{Kinds, PermissionSet};
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
    /// What of the consent was found withdrawn at Microsoft, by what is noted beside the log. It can hold a grant back, and
    /// never give one.
    pub found_withdrawn: Kinds,
    /// The scopes that stand for what is granted.
    pub scopes: Vec<Scope>,
}

/// What an automatic grant would give, were nothing withdrawn: what is wanted and consented to.
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

/// What was withdrawn for this person at Microsoft under the consent in force.
pub(crate) fn withdrawn_under(
    account: &AccountState,
    consent: &Consent,
    user: &UserState,
    identity: MicrosoftIdentity,
) -> Kinds {
    user.withdrawn_after(consent.recorded_at, account.epoch, identity)
}

/// What an automatic grant gives: what is wanted and consented to, without what was found withdrawn.
pub fn living(
    account: &AccountState,
    user: &UserState,
    command: &RecordAutomaticGrant,
) -> Result<PermissionSet, Refusal> {
    let withdrawn = account.consent().map_or(Kinds::NONE, |consent| {
        withdrawn_under(account, consent, user, command.identity)
    });
    let is_dead = withdrawn.union(command.found_withdrawn);
    Ok(granted(account, command)?.without(is_dead))
}

/// Records the grant. The same permissions of another person's mailbox are news. Refused where all that there is to grant was
/// found withdrawn.
pub fn record(
    account: &AccountState,
    user: &UserState,
    command: RecordAutomaticGrant,
) -> Result<Vec<Event>, Refusal> {
    let current = user.in_epoch(account.epoch);
    let is_so_already = |permissions: PermissionSet| {
        permissions.is_within(current.automatic) && current.identity == Some(command.identity)
    };
    let permissions = granted(account, &command)?;
    if permissions.is_nothing() || is_so_already(permissions) {
        return Ok(Vec::new());
    }
    let living = living(account, user, &command)?;
    if living.is_nothing() || is_so_already(living) {
        return Err(Refusal::ConsentWithdrawn);
    }
    Ok(Vec::from([granting(account, living, command)]))
}

/// A code that Microsoft gave for exactly this person under the consent, after it was found withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoration {
    /// The epoch in which the flow was begun.
    pub begun_in: Epoch,
    /// The user's last event when the code was redeemed: what was withdrawn after that is dead all the same.
    pub redeemed_after: Sequence,
    /// What the granted scopes amount to.
    pub held: PermissionSet,
}

/// Records what a consent that lives again gives: no more than what Microsoft has just granted under it.
pub fn restore(
    account: &AccountState,
    user: &UserState,
    command: RecordAutomaticGrant,
    proof: Restoration,
) -> Result<Vec<Event>, Refusal> {
    begun_in_this_epoch(account, proof.begun_in)?;
    let current = user.in_epoch(account.epoch);
    let withdrawn_since =
        user.withdrawn_after(proof.redeemed_after, account.epoch, command.identity);
    let permissions = granted(account, &command)?
        .meet(proof.held)
        .without(withdrawn_since);
    if permissions.is_nothing() {
        return Err(Refusal::ScopesMissing);
    }
    let is_so_already =
        permissions.is_within(current.automatic) && current.identity == Some(command.identity);
    if is_so_already {
        return Ok(Vec::new());
    }
    Ok(Vec::from([granting(account, permissions, command)]))
}

fn granting(
    account: &AccountState,
    permissions: PermissionSet,
    command: RecordAutomaticGrant,
) -> Event {
    Event::UserScopeGranted(UserScopeGranted {
        account: command.account,
        user: command.user,
        epoch: account.epoch,
        permissions,
        authority: Authority::AdministratorConsent(command.consent),
        identity: command.identity,
        scopes: command.scopes,
    })
}
