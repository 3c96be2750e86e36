//! What refresh tokens were used for, and how often a tenant may call. Pure.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::identifiers::{ClientId, ObjectId, TenantId};

/// So many uses are remembered; beyond that the oldest go.
const CAPACITY: usize = 10_000;

/// So many tenants' calls are counted.
const TENANTS: usize = 1_000;

/// A use of a refresh token that somebody had been given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refresh {
    /// Seconds since 1970, by the simulator's clock.
    pub(crate) at: i64,
    pub(crate) tenant: TenantId,
    pub(crate) user: ObjectId,
    pub(crate) client_id: ClientId,
    /// The tenant in the path: how the caller named it.
    pub(crate) addressed_to: String,
    /// As it was asked for.
    pub(crate) scope: Option<String>,
    /// The number of the refusal; none where there were tokens.
    pub(crate) refused: Option<u32>,
}

/// The uses, oldest first, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Refreshes {
    uses: VecDeque<Refresh>,
    total: u64,
}

impl Refreshes {
    pub(crate) fn note(&mut self, refresh: Refresh) {
        self.total += 1;
        self.uses.push_back(refresh);
        while self.uses.len() > CAPACITY {
            self.uses.pop_front();
        }
    }

    pub(crate) fn uses(&self) -> impl Iterator<Item = &Refresh> {
        self.uses.iter()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

/// How many calls of the token endpoint a tenant has for so many seconds; beyond that they are throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Throttle {
    pub(crate) calls: u32,
    pub(crate) seconds: u32,
}

/// Counts calls by tenant, in windows of time.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// By the tenant as it was named: when the window began, and how many calls it has had.
    windows: BTreeMap<String, (i64, u32)>,
}

impl Meter {
    /// Counts a call. The seconds to wait, where it is one too many.
    pub(crate) fn count(&mut self, tenant: &str, throttle: Throttle, now: i64) -> Option<i64> {
        let length = i64::from(throttle.seconds.max(1));
        if self.windows.len() >= TENANTS {
            self.windows.retain(|_, (began, _)| now < *began + length);
        }
        let (began, calls) = self.windows.entry(tenant.to_owned()).or_insert((now, 0));
        if now >= *began + length {
            (*began, *calls) = (now, 0);
        }
        if *calls >= throttle.calls {
            return Some(*began + length - now);
        }
        *calls += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_calls_and_has_them_again_after_a_while() {
        let throttle = Throttle {
            calls: 2,
            seconds: 10,
        };
        let mut meter = Meter::default();
        let mut count = |tenant, now| meter.count(tenant, throttle, now);
        assert_eq!((count("one", 0), count("one", 1)), (None, None));
        assert_eq!((count("one", 3), count("two", 3)), (Some(7), None));
        assert_eq!(count("one", 10), None);
    }
}
