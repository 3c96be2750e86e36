//! A bounded memory of what was looked up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::tenant::TenantRef;

const MOST: usize = 1024;

/// What was found for a name, and until when that is believed.
#[derive(Debug)]
pub(crate) struct Known<T>(Mutex<HashMap<TenantRef, (T, Instant)>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Known<T> {
    pub(crate) fn get(&self, tenant: &TenantRef, now: Instant) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(tenant)
            .filter(|(_, until)| now < *until)
            .map(|(found, _)| found.clone())
    }

    pub(crate) fn put(&self, tenant: TenantRef, found: T, until: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            let now = Instant::now();
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() >= MOST
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
        let known = Known::default();
        let (now, hour) = (Instant::now(), Duration::from_hours(1));
        let name = |number| TenantRef::Id(Uuid::from_u128(number));
        for number in 0..=1024_u128 {
            let until = now + hour + Duration::from_millis(1) * u32::try_from(number).unwrap();
            known.put(name(number), number, until);
        }
        assert_eq!(known.0.lock().unwrap().len(), MOST);
        assert_eq!(known.get(&name(0), now), None);
        assert_eq!(known.get(&name(1024), now), Some(1024));
        assert_eq!(known.get(&name(1), now + hour), Some(1));
        assert_eq!(known.get(&name(1), now + hour + hour), None);
        assert_eq!(known.get(&TenantRef::Organizations, now), None);
    }
}
