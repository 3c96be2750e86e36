//! Who is signed in to Hirely, by a value in their browser's cookie. Kept in memory, with a bound and an end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::error::Unspecified;

use crate::microsoft::PendingSignIn;
use crate::notice::Notice;
use crate::random::unguessable;
use crate::users::User;

const SESSIONS: usize = 10_000;
const SESSION_LASTS: Duration = Duration::from_hours(8);
const SIGN_INS: usize = 10_000;
const SIGN_IN_LASTS: Duration = Duration::from_mins(10);

/// A signed-in user's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: &'static User,
    /// What Assent's login decision gave us to say.
    pub(crate) notices: Vec<Notice>,
    /// The outcome of the last visit to Microsoft's consent page; shown once.
    pub(crate) outcome: Option<Notice>,
    /// The browser was sent by Microsoft without the person noticing: when it comes back, nothing is said.
    pub(crate) is_silent: bool,
    /// The position in Assent's log of the newest write we know of: what we show has to reflect it.
    pub(crate) at_least: Option<u64>,
}

/// Makes the store of sessions of people who are signed in.
pub(crate) fn sessions() -> Store<Session> {
    Store::new(SESSIONS, SESSION_LASTS)
}

/// Makes the store of sign-ins that wait for Microsoft.
pub(crate) fn sign_ins() -> Store<PendingSignIn> {
    Store::new(SIGN_INS, SIGN_IN_LASTS)
}

/// In-memory values under unguessable names. Each expires after a fixed time; a full store drops its oldest value.
pub(crate) struct Store<T> {
    most: usize,
    lifetime: Duration,
    entries: Mutex<HashMap<String, (Instant, T)>>,
}

impl<T: Clone> Store<T> {
    fn new(most: usize, lifetime: Duration) -> Self {
        Self {
            most,
            lifetime,
            entries: Mutex::default(),
        }
    }

    /// Stores a value and returns its new name.
    pub(crate) fn keep(&self, value: T) -> Result<String, Unspecified> {
        let name = unguessable()?;
        let mut entries = self.entries();
        if entries.len() >= self.most {
            entries.retain(|_, (kept, _)| kept.elapsed() < self.lifetime);
        }
        if entries.len() >= self.most {
            let oldest = entries.iter().min_by_key(|(_, (kept, _))| *kept);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                entries.remove(&oldest);
            }
        }
        entries.insert(name.clone(), (Instant::now(), value));
        Ok(name)
    }

    /// Reads the value of this name, if it has not expired.
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        let entries = self.entries();
        let (kept, value) = entries.get(name)?;
        (kept.elapsed() < self.lifetime).then(|| value.clone())
    }

    /// Removes the value of this name and returns it, if it has not expired.
    pub(crate) fn take(&self, name: &str) -> Option<T> {
        let (kept, value) = self.entries().remove(name)?;
        (kept.elapsed() < self.lifetime).then_some(value)
    }

    /// Changes the value of this name, if there is one.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut T)) {
        if let Some((_, value)) = self.entries().get_mut(name) {
            change(value);
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, (Instant, T)>> {
        // Nobody leaves an entry half written, so what a panic elsewhere left is good.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_once() {
        let store = Store::new(2, Duration::from_mins(1));
        let name = store.keep("value").unwrap();

        assert_eq!(
            (store.get(&name), store.take(&name)),
            (Some("value"), Some("value"))
        );
        assert_eq!((store.get(&name), store.take(&name)), (None, None));
    }

    #[test]
    fn the_oldest_makes_room() {
        let store = Store::new(2, Duration::from_mins(1));
        let names = [1, 2, 3].map(|value| store.keep(value).unwrap());

        assert_eq!(names.map(|name| store.get(&name)), [None, Some(2), Some(3)]);
    }

    #[test]
    fn what_is_over_is_not_given_out() {
        let store = Store::new(2, Duration::ZERO);
        let name = store.keep("value").unwrap();

        assert_eq!((store.get(&name), store.take(&name)), (None, None));
    }
}
