//! Who changes the same thing does so one after the other. Between replicas the compare-and-swap decides; within one,
//! waiting is cheaper than losing.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

const STRIPES: u64 = 64;

/// A few locks for any number of keys: two that share one wait for each other, and nothing more.
#[derive(Debug)]
pub(crate) struct Stripes {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Stripes {
    fn default() -> Self {
        Self {
            locks: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Stripes {
    /// Waits for whoever is at the same key.
    pub(crate) async fn lock(&self, key: &str) -> Option<MutexGuard<'_, ()>> {
        let stripe = usize::try_from(self.hasher.hash_one(key) % STRIPES).ok()?;
        Some(self.locks.get(stripe)?.lock().await)
    }
}

/// Waits a little, by chance less or more, before the next attempt at what another replica changed first: so that two
/// do not meet again and again.
pub(crate) async fn step_back(attempt: u32) {
    let most = 4_u64.saturating_mul(attempt.into());
    let by_chance = RandomState::new().hash_one(attempt) % most.max(1);
    tokio::time::sleep(Duration::from_millis(by_chance)).await;
}
