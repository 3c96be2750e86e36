//! A withdrawal at Microsoft: the service itself records it, on evidence.

use crate::account::AccountState;
use crate::event::{Event, RevocationReason, UserScopeRevoked};
use crate::ids::{AccountId, UserId};
use crate::permissions::Kinds;
use crate::user::UserState;

/// What Microsoft says is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordWithdrawal {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// What is gone.
    pub permissions: Kinds,
}

/// Records what is gone of what was granted, whoever granted it. Never refused.
pub fn record(account: &AccountState, user: &UserState, command: RecordWithdrawal) -> Vec<Event> {
    let user = user.in_epoch(account.epoch);
    let granted = user.own.join(user.automatic).kinds();
    let permissions = command.permissions.intersection(granted);
    if permissions.is_empty() {
        return Vec::new();
    }
    Vec::from([Event::UserScopeRevoked(UserScopeRevoked {
        account: command.account,
        user: command.user,
        epoch: account.epoch,
        permissions,
        reason: RevocationReason::MicrosoftWithdrawn,
        revoked_by: None,
    })])
}
