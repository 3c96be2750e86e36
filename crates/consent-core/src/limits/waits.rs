//! How many of something an account has at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use assent_domain::ids::AccountId;

#[derive(Debug)]
pub(super) struct Waits {
    most: usize,
    /// No account stays here without one that waits.
    waiting: Mutex<HashMap<AccountId, usize>>,
}

impl Waits {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            waiting: Mutex::default(),
        }
    }

    /// One more, until what this returns is dropped; `None` if there are too many.
    pub(super) fn begin(&self, account: &AccountId) -> Option<Waiting<'_>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.entry(account.clone()) {
            Entry::Occupied(mut number) if *number.get() < self.most => {
                *number.get_mut() += 1;
            }
            Entry::Occupied(_) => return None,
            Entry::Vacant(number) => {
                number.insert(1);
            }
        }
        Some(Waiting {
            waits: self,
            account: account.clone(),
        })
    }

    #[cfg(test)]
    pub(super) fn accounts(&self) -> usize {
        self.waiting.lock().unwrap().len()
    }
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    waits: &'a Waits,
    account: AccountId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waiting = &self.waits.waiting;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut number) = waiting.entry(self.account.clone()) {
            if *number.get() > 1 {
                *number.get_mut() -= 1;
            } else {
                number.remove();
            }
        }
    }
}
