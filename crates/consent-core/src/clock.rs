//! What time it is. Everything that ends by itself (flows, sessions, hand-offs, confirmations) asks here, so that a test can
//! let time pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};

/// The wall clock; clones are the same clock.
///
/// What others measure is not moved by [`Clock::advance`]: the expiry of tokens, how long JetStream keeps what is in a
/// bucket, and deadlines and rates, which are counted by a monotonic clock.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// In seconds.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The present time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        Timestamp::now()
            .checked_add(ahead)
            .unwrap_or(Timestamp::MAX)
    }

    /// The present time, as the standard library has it.
    pub fn system_time(&self) -> SystemTime {
        // No time that this can't express comes up.
        SystemTime::try_from(self.now()).unwrap_or(UNIX_EPOCH)
    }

    /// Puts the clock on, for tests.
    pub fn advance(&self, by: SignedDuration) {
        self.ahead.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}
