//! A rate for each key, in bounded memory.

use assent_metrics::gateway::LIMITS_NOT_COUNTED;

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// So many keys are counted at once; a hundred bytes or two each.
pub(super) const MOST_KEYS: usize = 50_000;

/// Looking through all keys costs a millisecond, so a full table is not looked through each time.
const SWEEP_EVERY: usize = 1_000;

pub(super) struct Rate<K: Hash + Eq + Clone, C: Clock + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    since_swept: AtomicUsize,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Rate<K, C> {
    pub(super) fn new(quota: Quota, clock: C) -> Self {
        Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock,
            since_swept: AtomicUsize::new(0),
        }
    }

    /// Takes one, or says after how long there is one again. Keys are accounts and users whom the host application
    /// vouches for: nobody invents many. Should there be more active ones than can be counted, they are not counted,
    /// for nothing is worse than refusing everybody.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        if self.is_full() {
            LIMITS_NOT_COUNTED.increment(1);
            return Ok(());
        }
        self.limiter
            .check_key(key)
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    pub(super) fn keys(&self) -> usize {
        self.limiter.len()
    }

    fn is_full(&self) -> bool {
        if self.keys() < MOST_KEYS {
            return false;
        }
        let before = self.since_swept.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(SWEEP_EVERY) {
            // Whoever has all of their allowance again need not be remembered.
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.keys() >= MOST_KEYS
    }
}
