//! When keys are fetched.
//!
//! Finding a known key takes a read lock for a moment and no network. Keys are fetched when the first token arrives, in
//! the background when they are old, and when a token names an unknown key or its signature does not fit, as far as a
//! small [`Budget`] allows. There is one fetch at a time, which serves everybody who came before it began. While the
//! issuer is down the old keys go on serving.
//!
//! Libraries for this exist, but they fetch from an address by themselves, while Microsoft's keys go through a circuit
//! breaker; and to most of them an unknown key and keys that can't be fetched are the same.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::budget::Budget;

/// The least time between the end of a fetch that failed and the next one, for whoever needs keys that are not there.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The least time between two attempts to replace keys that are old.
const REFRESH_SPACING: Duration = Duration::from_secs(10);

/// Fetches an issuer's keys and prepares them.
pub trait KeySource: Send + Sync + 'static {
    /// The keys of one fetch, in the shape in which they are looked up.
    type Keys: Send + Sync + 'static;

    /// Why a fetch failed.
    type Error: Error + Send + Sync + 'static;

    /// Fetches the keys. The source bounds how long that takes.
    fn fetch(&self) -> impl Future<Output = Result<Self::Keys, Self::Error>> + Send;
}

/// The keys of one issuer. Clones share them.
pub struct KeyCache<S: KeySource>(Arc<Shared<S>>);

struct Shared<S: KeySource> {
    source: S,
    refresh_after: Duration,
    current: RwLock<Option<Arc<FetchedKeys<S::Keys>>>>,
    budget: Mutex<Budget>,
    /// Held while fetching, so that there is one fetch at a time.
    last_fetch: Arc<tokio::sync::Mutex<Option<LastFetch<S::Error>>>>,
}

/// The keys that one fetch brought.
#[derive(Debug)]
pub struct FetchedKeys<K> {
    /// The keys, as [`KeySource::fetch`] prepared them.
    pub keys: K,
    at: Instant,
}

struct LastFetch<E> {
    begun: Instant,
    ended: Instant,
    failure: Option<Arc<E>>,
}

/// Why there is no key to verify a token with.
#[derive(Debug, thiserror::Error)]
pub enum LookupError<E: Error + 'static> {
    /// The issuer publishes no such key.
    #[error("the key is not published")]
    Unknown,
    /// The keys could not be fetched, so nothing can be said about the key.
    #[error("the published keys are not available")]
    Unavailable(#[source] Arc<E>),
    /// The fetch was broken off, because the program stops.
    #[error("the fetch of the published keys was broken off")]
    Abandoned,
}

impl<S: KeySource> KeyCache<S> {
    /// A cache without keys: they are fetched when the first one is looked for, and in the background whenever they are
    /// looked at and are older than `refresh_after`.
    pub fn new(source: S, refresh_after: Duration) -> Self {
        Self(Arc::new(Shared {
            source,
            refresh_after,
            current: RwLock::new(None),
            budget: Mutex::default(),
            last_fetch: Arc::default(),
        }))
    }

    /// What `pick` finds in the keys, and the keys that it is from. `key_id` is the name that the token gives its key
    /// (`kid`), by which looking for the same unknown key twice is noticed.
    pub async fn find<T>(
        &self,
        key_id: &str,
        pick: impl Fn(&S::Keys) -> Option<T>,
    ) -> Result<(T, Arc<FetchedKeys<S::Keys>>), LookupError<S::Error>> {
        let find = |fetched: Arc<FetchedKeys<S::Keys>>| Some((pick(&fetched.keys)?, fetched));
        if let Some((found, fetched)) = self.current().and_then(find) {
            if fetched.at.elapsed() > self.0.refresh_after {
                self.refresh_in_background();
            }
            return Ok((found, fetched));
        }
        self.fetch_for(key_id, find).await
    }

    /// Keys that were fetched later than `seen`, for a signature that the key named `key_id` did not make: some issuers
    /// keep the name when they replace a key.
    pub async fn newer_than(
        &self,
        seen: &Arc<FetchedKeys<S::Keys>>,
        key_id: &str,
    ) -> Option<Arc<FetchedKeys<S::Keys>>> {
        let is_newer =
            |keys: Arc<FetchedKeys<S::Keys>>| (!Arc::ptr_eq(&keys, seen)).then_some(keys);
        let newer = self.fetch_for(key_id, is_newer).await.ok()?;
        // Whatever the signature turns out to be: for a while the key of this name is the one that is known now.
        self.budget().remember(key_id, Instant::now());
        Some(newer)
    }

    /// Whether keys can be had. Where there are none, where they are old, or where the last fetch failed, they are fetched,
    /// no more often than for somebody who needs them.
    pub async fn available(&self) -> Result<(), LookupError<S::Error>> {
        let last_fetch = Arc::clone(&self.0.last_fetch).lock_owned().await;
        let is_fresh = |keys: Arc<FetchedKeys<S::Keys>>| keys.at.elapsed() <= self.0.refresh_after;
        let has_failed = last_fetch
            .as_ref()
            .is_some_and(|last| last.failure.is_some());
        if !has_failed && self.current().is_some_and(is_fresh) {
            return Ok(());
        }
        if let Some(last) = &*last_fetch
            && has_failed
            && last.ended.elapsed() < RETRY_AFTER
        {
            return Err(last.lookup_error());
        }
        tokio::spawn(self.clone().fetch(last_fetch))
            .await
            .map_err(|_panicked_or_stopping| LookupError::Abandoned)?
            .map_err(LookupError::Unavailable)
    }

    /// The keys of the last fetch that succeeded.
    pub fn current(&self) -> Option<Arc<FetchedKeys<S::Keys>>> {
        let current = self.0.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch_for<T>(
        &self,
        key_id: &str,
        find: impl Fn(Arc<FetchedKeys<S::Keys>>) -> Option<T>,
    ) -> Result<T, LookupError<S::Error>> {
        let asked = Instant::now();
        let last_fetch = Arc::clone(&self.0.last_fetch).lock_owned().await;
        // Somebody else may have fetched it while we waited.
        if let Some(found) = self.current().and_then(&find) {
            return Ok(found);
        }
        if let Some(last) = &*last_fetch {
            // It began after the token was there: a key that is published would have come along.
            let was_for_us = last.begun >= asked;
            if was_for_us && last.failure.is_none() {
                self.budget().remember(key_id, Instant::now());
            }
            if was_for_us || !self.may_fetch(key_id, last) {
                return Err(last.lookup_error());
            }
        }
        // A task of its own: a caller who hangs up must not cancel the fetch for all others.
        tokio::spawn(self.clone().fetch(last_fetch))
            .await
            .map_err(|_panicked_or_stopping| LookupError::Abandoned)?
            .map_err(LookupError::Unavailable)?;
        self.current().and_then(find).ok_or_else(|| {
            self.budget().remember(key_id, Instant::now());
            LookupError::Unknown
        })
    }

    fn may_fetch(&self, key_id: &str, last: &LastFetch<S::Error>) -> bool {
        match last.failure {
            Some(_) => last.ended.elapsed() >= RETRY_AFTER,
            None => self.budget().take(key_id, Instant::now()),
        }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.0.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh_in_background(&self) {
        if let Ok(last_fetch) = Arc::clone(&self.0.last_fetch).try_lock_owned() {
            let last = last_fetch.as_ref();
            if last.is_none_or(|last| last.ended.elapsed() >= REFRESH_SPACING) {
                drop(tokio::spawn(self.clone().fetch(last_fetch)));
            }
        }
    }

    async fn fetch(
        self,
        mut last_fetch: OwnedMutexGuard<Option<LastFetch<S::Error>>>,
    ) -> Result<(), Arc<S::Error>> {
        let begun = Instant::now();
        let fetched = self.0.source.fetch().await.map_err(Arc::new);
        let ended = Instant::now();
        *last_fetch = Some(LastFetch {
            begun,
            ended,
            failure: fetched.as_ref().err().cloned(),
        });
        let keys = fetched.inspect_err(|error| {
            let cause: &dyn Error = error;
            tracing::warn!(error = cause, "an issuer's keys could not be fetched");
        })?;
        *self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::new(FetchedKeys { keys, at: ended }));
        Ok(())
    }
}

impl<E: Error + 'static> LastFetch<E> {
    /// What this fetch lets us say about a key that is not there.
    fn lookup_error(&self) -> LookupError<E> {
        match &self.failure {
            Some(failure) => LookupError::Unavailable(Arc::clone(failure)),
            None => LookupError::Unknown,
        }
    }
}

impl<S: KeySource> Clone for KeyCache<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: KeySource> fmt::Debug for KeyCache<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyCache")
    }
}

#[cfg(test)]
mod tests;
