//! What may happen: one file for each command.
//!
//! A decision takes what is known and what is asked for, and gives the events that follow,
//! or the [`Refusal`]. Asking for what is so already succeeds
//! and gives no event.

pub mod administrator_consent;
pub mod approval;
pub mod automatic_grant;
pub mod mode_change;
pub mod own_consent;
pub mod withdrawal;

use crate::account::AccountState;
use crate::ids::{Epoch, UserId};
use crate::refusal::Refusal;

/// Somebody who may manage the company's settings. There is no other way to get one than
/// [`AccountManager::with_rights`], so a decision that asks for one can't be reached
/// without the rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountManager(UserId);

/// The rights that the host application says its user has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostRights {
    /// Has the role Super Admin.
    pub is_super_admin: bool,
    /// Has the permission "Manage company settings".
    pub manages_company_settings: bool,
}

impl AccountManager {
    /// Both rights are needed.
    pub fn with_rights(user: UserId, rights: HostRights) -> Result<Self, Refusal> {
        if rights.is_super_admin && rights.manages_company_settings {
            Ok(Self(user))
        } else {
            Err(Refusal::Forbidden)
        }
    }

    /// Who it is.
    pub const fn user(&self) -> &UserId {
        &self.0
    }
}

/// A flow, a user's or an administrator's, does not outlive the epoch it was begun in: after any change of method
/// everyone starts from nothing, and an answer to an old question is none to a new one.
fn begun_in_this_epoch(account: &AccountState, begun_in: Epoch) -> Result<(), Refusal> {
    if begun_in == account.epoch {
        Ok(())
    } else {
        Err(Refusal::FlowExpired)
    }
}

#[cfg(test)]
pub(crate) mod tests;
