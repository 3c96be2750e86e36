//! One at a time for each user: whoever comes second finds what the first has brought.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::user_key::UserKey;

/// How many go on at once, over all users; more wait.
const AT_ONCE: usize = 256;

/// Who is being worked for.
#[derive(Debug)]
pub(crate) struct Flights {
    users: Mutex<HashMap<UserKey, Arc<AsyncMutex<()>>>>,
    permits: Arc<Semaphore>,
}

/// The right to work for a user.
#[derive(Debug)]
pub(crate) struct Flight {
    flights: Arc<Flights>,
    whose: UserKey,
    rights: Option<(OwnedMutexGuard<()>, Option<OwnedSemaphorePermit>)>,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self {
            users: Mutex::default(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Waits until nobody else works for the user.
    pub(crate) async fn begin(self: &Arc<Self>, whose: &UserKey) -> Flight {
        let lock = {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(users.entry(whose.clone()).or_default())
        };
        // Made first, so that whoever gives up while waiting leaves nothing behind.
        let mut flight = Flight {
            flights: Arc::clone(self),
            whose: whose.clone(),
            rights: None,
        };
        let guard = lock.lock_owned().await;
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        flight.rights = Some((guard, permit));
        flight
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        drop(self.rights.take());
        let mut users = self
            .flights
            .users
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds it, too.
        if users
            .get(&self.whose)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            users.remove(&self.whose);
        }
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{AccountId, UserId};

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_is_left_behind() {
        let flights = Arc::new(Flights::new());
        let ana = UserKey {
            account: AccountId::parse("acme").unwrap(),
            user: UserId::parse("ana").unwrap(),
        };
        let first = flights.begin(&ana).await;
        let mut second = Box::pin(flights.begin(&ana));
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        let second = second.await;
        let mut gives_up = Box::pin(flights.begin(&ana));
        assert!(futures::poll!(&mut gives_up).is_pending());
        drop(gives_up);
        assert_eq!(flights.users.lock().unwrap().len(), 1);
        drop(second);
        assert!(flights.users.lock().unwrap().is_empty());
    }
}
