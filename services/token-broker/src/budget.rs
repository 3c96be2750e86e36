//! How many tokens are tried in a second: in all, and of one tenant.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use uuid::Uuid;

/// As many tenants may be remembered before those are forgotten that have all of their budget again.
const TENANTS: usize = 10_000;

/// The budgets.
pub(crate) struct Budget {
    all: RateLimiter<NotKeyed, InMemoryState, MonotonicClock>,
    tenants: RateLimiter<Uuid, HashMapStateStore<Uuid>, MonotonicClock>,
    clock: MonotonicClock,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").finish_non_exhaustive()
    }
}

impl Budget {
    /// So many in a second.
    pub(crate) fn new(all: NonZeroU32, of_a_tenant: NonZeroU32) -> Self {
        let clock = MonotonicClock;
        Self {
            all: RateLimiter::direct_with_clock(Quota::per_second(all), clock.clone()),
            tenants: RateLimiter::new(
                Quota::per_second(of_a_tenant),
                HashMapStateStore::default(),
                clock.clone(),
            ),
            clock,
        }
    }

    /// Takes one for a tenant; or says for how long there is none.
    pub(crate) fn take(&self, tenant: Uuid) -> Result<(), Duration> {
        if TENANTS < self.tenants.len() {
            self.tenants.retain_recent();
        }
        let of_the_tenant = self.tenants.check_key(&tenant);
        of_the_tenant.map_err(|until| until.wait_time_from(self.clock.now()))?;
        let of_all = self.all.check();
        of_all.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Waits until there is one for a tenant, and takes it.
    pub(crate) async fn wait(&self, tenant: Uuid) {
        while let Err(wait) = self.take(tenant) {
            tokio::time::sleep(wait).await;
        }
    }
}
