//! The effective permission set: what the host application may do for a user now.

use crate::account::{AccountState, Authorization};
use crate::permissions::PermissionSet;
use crate::user::UserState;

/// What may be done for this user now. Nothing, unless somebody allowed it in the
/// company's present epoch and the company still does.
pub fn effective(account: &AccountState, user: &UserState) -> PermissionSet {
    if user.epoch != account.epoch {
        return PermissionSet::NOTHING;
    }
    match &account.authorization {
        Authorization::UserIndividual { .. } => user.own.meet(account.email_sync.cap()),
        Authorization::AdminConfigured { consent } => user.automatic.meet(consent.permissions),
    }
}
