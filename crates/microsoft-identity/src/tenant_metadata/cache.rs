//! A bounded memory of what was found out about tenants.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::time::Instant;

use crate::tenant::TenantRef;

/// What was found out about each tenant, and until when that is believed.
#[derive(Debug)]
pub(crate) struct TenantCache<T> {
    known: RwLock<HashMap<TenantRef, (T, Instant)>>,
    capacity: usize,
}

impl<T: Clone> TenantCache<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            known: RwLock::default(),
            capacity,
        }
    }

    pub(crate) fn get(&self, tenant: &TenantRef, now: Instant) -> Option<T> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (found, until) = known.get(tenant)?;
        (now < *until).then(|| found.clone())
    }

    /// Remembers what was found. Where there is no room, what is over gives way, or else what would be over first.
    pub(crate) fn put(&self, tenant: TenantRef, found: T, until: Instant) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.capacity {
            let now = Instant::now();
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() >= self.capacity
            && let Some(oldest) = known
                .iter()
                .min_by_key(|(_, (_, until))| *until)
                .map(|(name, _)| name.clone())
        {
            known.remove(&oldest);
        }
        known.insert(tenant, (found, until));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn it_is_bounded_and_forgets() {
        let cache = TenantCache::new(1024);
        let (now, hour) = (Instant::now(), Duration::from_hours(1));
        let name = |number| TenantRef::Id(Uuid::from_u128(number));
        for number in 0..=1024_u128 {
            let until = now + hour + Duration::from_millis(1) * u32::try_from(number).unwrap();
            cache.put(name(number), number, until);
        }
        assert_eq!(cache.known.read().unwrap().len(), 1024);
        assert_eq!(cache.get(&name(0), now), None);
        assert_eq!(cache.get(&name(1024), now), Some(1024));
        assert_eq!(cache.get(&name(1), now + hour), Some(1));
        assert_eq!(cache.get(&name(1), now + hour + hour), None);
        assert_eq!(cache.get(&TenantRef::Organizations, now), None);
    }
}
