//! What is held in all, as it was counted last.

use std::sync::{Mutex, PoisonError};

use assent_contract::custody::CustodyCount;

/// The last count.
#[derive(Debug, Default)]
pub(crate) struct Count(Mutex<Option<CustodyCount>>);

impl Count {
    pub(crate) fn note(&self, count: CustodyCount) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
    }

    pub(crate) fn last(&self) -> Option<CustodyCount> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
