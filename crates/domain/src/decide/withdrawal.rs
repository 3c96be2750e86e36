//! A withdrawal at Microsoft: the service itself records it, on evidence.

use crate::account::AccountState;
use crate::event::{Event, RevocationReason, UserScopeRevoked};
use crate::ids::{AccountId, ObjectId, Sequence, TenantId, UserId};
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
    /// Whose tenant it is gone in.
    pub tenant: TenantId,
    /// Whose mailbox it is gone for.
    pub object_id: ObjectId,
    /// The last event of the user that can have been known when Microsoft was asked; `None` where nobody says.
    pub as_of: Option<Sequence>,
}

/// Records what is gone of what was granted, whoever granted it. Never refused. It says nothing of another mailbox than the
/// one that it is about, and nothing of what was granted after Microsoft was asked: whoever asks again is told anew.
pub fn record(account: &AccountState, user: &UserState, command: RecordWithdrawal) -> Vec<Event> {
    let is_meant = user.mailbox(account.epoch).is_some_and(|mailbox| {
        mailbox.tenant.id == command.tenant && mailbox.object_id == command.object_id
    });
    let is_known = command
        .as_of
        .is_none_or(|as_of| user.last_sequence <= as_of);
    if !is_meant || !is_known {
        return Vec::new();
    }
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
