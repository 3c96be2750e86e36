//! How many reports are taken of an account: each may end in a question to Microsoft.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use assent_domain::ids::AccountId;
use governor::clock::{Clock as _, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Within a minute, from one account.
const A_MINUTE: NonZeroU32 = match NonZeroU32::new(60) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
/// As many accounts may be remembered before those are forgotten that may report as much as ever.
const ACCOUNTS: usize = 10_000;

/// Counts them.
pub(crate) struct ReportRate {
    limiter: RateLimiter<AccountId, HashMapStateStore<AccountId>, MonotonicClock>,
}

impl fmt::Debug for ReportRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportRate").finish_non_exhaustive()
    }
}

impl ReportRate {
    pub(crate) fn new() -> Self {
        let quota = Quota::per_minute(A_MINUTE);
        Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock),
        }
    }

    /// Takes one; or says for how long there is none.
    pub(crate) fn take(&self, account: &AccountId) -> Result<(), Duration> {
        if ACCOUNTS < self.limiter.len() {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(account)
            .map_err(|until| until.wait_time_from(MonotonicClock.now()))
    }
}
