//! When something was last told: of a user, of a company, of everybody.
//!
//! Counters instead of lists of who is remembered: what shares a counter with somebody else is only asked for once more.

use std::sync::atomic::{AtomicU64, Ordering};

use assent_domain::ids::AccountId;

use crate::user_key::{UserKey, account_hash};

const COUNTERS: usize = 4096;

#[derive(Debug)]
pub(super) struct Stamps {
    everybody: AtomicU64,
    accounts: Vec<AtomicU64>,
    users: Vec<AtomicU64>,
}

/// How often something was told until then that concerns a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    everybody: u64,
    /// What is told of the user and of the company.
    pub(crate) own: (u64, u64),
}

impl Stamps {
    pub(super) fn new() -> Self {
        let counters = || (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Self {
            everybody: AtomicU64::new(0),
            accounts: counters(),
            users: counters(),
        }
    }

    pub(super) fn of(&self, whose: &UserKey) -> Stamp {
        let read = |counter: Option<&AtomicU64>| {
            counter.map_or(0, |counter| counter.load(Ordering::Acquire))
        };
        Stamp {
            everybody: self.everybody.load(Ordering::Acquire),
            own: (
                read(place(&self.accounts, account_hash(&whose.account))),
                read(place(&self.users, whose.local_hash())),
            ),
        }
    }

    pub(super) fn told_of_user(&self, whose: &UserKey) {
        raise(place(&self.users, whose.local_hash()));
    }

    pub(super) fn told_of_account(&self, account: &AccountId) {
        raise(place(&self.accounts, account_hash(account)));
    }

    pub(super) fn forget_all(&self) {
        self.everybody.fetch_add(1, Ordering::AcqRel);
    }
}

fn place(counters: &[AtomicU64], hash: u64) -> Option<&AtomicU64> {
    let count = u64::try_from(counters.len()).ok()?;
    let index = usize::try_from(hash.checked_rem(count)?).ok()?;
    counters.get(index)
}

fn raise(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{AccountId, UserId};

    use super::*;

    fn whose(account: &str, user: &str) -> UserKey {
        UserKey {
            account: AccountId::parse(account).unwrap(),
            user: UserId::parse(user).unwrap(),
        }
    }

    #[test]
    fn a_stamp_changes_with_whatever_concerns_the_user() {
        let stamps = Stamps::new();
        let (ana, ben) = (whose("acme", "ana"), whose("globex", "ben"));
        let before = (stamps.of(&ana), stamps.of(&ben));
        stamps.told_of_user(&ana);
        assert_ne!(stamps.of(&ana), before.0);
        assert_eq!(stamps.of(&ben), before.1);
        let before = (stamps.of(&ana), stamps.of(&ben));
        stamps.told_of_account(&ana.account);
        assert_ne!(stamps.of(&ana), before.0);
        assert_eq!(stamps.of(&ben), before.1);
        let before = (stamps.of(&ana), stamps.of(&ben));
        stamps.forget_all();
        assert_ne!(stamps.of(&ana), before.0);
        assert_ne!(stamps.of(&ben), before.1);
        assert_eq!(stamps.of(&ana).own, before.0.own);
    }
}
