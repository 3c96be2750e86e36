//! Whose.

use std::hash::{DefaultHasher, Hasher as _};

use assent_contract::names::token_key;
use assent_domain::ids::{AccountId, UserId};
use sha2::{Digest as _, Sha256};

/// A user of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UserKey {
    pub(crate) account: AccountId,
    pub(crate) user: UserId,
}

impl UserKey {
    /// A number that is this user's at every broker and in every release, spread evenly.
    pub(crate) fn spread(&self) -> u64 {
        let digest = Sha256::digest(token_key(&self.account, &self.user).as_bytes());
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    /// A number that is this user's in this process.
    pub(crate) fn local_hash(&self) -> u64 {
        hash(self)
    }
}

/// A number that is this account's in this process.
pub(crate) fn account_hash(account: &AccountId) -> u64 {
    hash(account)
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
