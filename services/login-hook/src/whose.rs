//! Whose token it is about.

use assent_contract::values::PersonId;
use assent_domain::ids::{AccountId, UserId};

use crate::remembered::Key;

/// What a token was found to be held for. A grant, a revocation, a withdrawal and a change of method are later events, with
/// which the token may have gone: then the broker is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldFor {
    /// Whose mailbox it is.
    pub(crate) person: PersonId,
    /// The company's last event.
    pub(crate) account_sequence: u64,
    /// The user's last event.
    pub(crate) user_sequence: u64,
}

/// A user, and the mailbox of the grants.
#[derive(Debug, Clone)]
pub(crate) struct Whose {
    pub(crate) account: AccountId,
    pub(crate) user: UserId,
    pub(crate) held_for: HeldFor,
}

impl Whose {
    pub(crate) fn key(&self) -> Key {
        (self.account.clone(), self.user.clone())
    }
}
