//! When keys are fetched: at the first token, every hour, and for a key nobody
//! knows or one that did not sign what it is said to have signed, but the last no
//! oftener than every ten seconds, because anyone can invent a key's name and a signature.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use tokio::sync::Mutex;

use super::BearerError;
use super::fetch::{FetchError, Fetcher};
use super::keys::{Found, Key, KeySet};
use crate::telemetry::chain;

/// Keys this old are fetched again, without keeping the request waiting.
const REFRESH_AFTER: Duration = Duration::from_hours(1);

/// The least time between two fetches that unknown keys and bad signatures cause.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);

/// The least time between two fetches after one failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct KeyCache {
    current: RwLock<Option<Arc<KeySet>>>,
    /// Held while fetching, so that a crowd of requests makes one fetch.
    attempts: Mutex<Attempts>,
    fetcher: Fetcher,
    issuer: String,
    audience: String,
}

#[derive(Default)]
struct Attempts {
    for_unknown_key: Option<Instant>,
    failed: Option<(Instant, Arc<FetchError>)>,
}

impl KeyCache {
    pub(super) fn new(fetcher: Fetcher, issuer: &str, audience: &str) -> Self {
        Self {
            current: RwLock::new(None),
            attempts: Mutex::new(Attempts::default()),
            fetcher,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        }
    }

    /// The key with this id for this algorithm, from memory if it is there, and the keys that it is one of.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<(Arc<Key>, Arc<KeySet>), BearerError> {
        let keys = match self.current() {
            Some(keys) => keys,
            None => self.first_keys().await?,
        };
        let known = keys.find(id, algorithm);
        if let Found::Key(key) = known {
            if keys.fetched_at.elapsed() > REFRESH_AFTER {
                self.refresh_in_background();
            }
            return Ok((key, keys));
        }
        let (found, keys) = match self.newer_keys(&keys).await? {
            Some(newer) => (newer.find(id, algorithm), newer),
            None => (known, keys),
        };
        match found {
            Found::Key(key) => Ok((key, keys)),
            Found::OfAnotherAlgorithm => Err(BearerError::Algorithm),
            Found::Nothing => Err(BearerError::UnknownKey),
        }
    }

    /// The key that has this id now. Some issuers keep the name when they change the key, or give none; so where a
    /// signature does not fit, the keys are looked at anew.
    pub(super) async fn find_anew(
        &self,
        seen: &Arc<KeySet>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Arc<Key>> {
        match self.newer_keys(seen).await.ok()??.find(id, algorithm) {
            Found::Key(key) => Some(key),
            Found::OfAnotherAlgorithm | Found::Nothing => None,
        }
    }

    fn current(&self) -> Option<Arc<KeySet>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Fetches the first keys, or reports the failure of a moment ago.
    async fn first_keys(&self) -> Result<Arc<KeySet>, BearerError> {
        let mut attempts = self.attempts.lock().await;
        if let Some(keys) = self.current() {
            return Ok(keys);
        }
        if let Some((at, error)) = &attempts.failed
            && at.elapsed() < RETRY_INTERVAL
        {
            return Err(BearerError::KeysUnavailable(Some(Arc::clone(error))));
        }
        self.fetch(&mut attempts)
            .await
            .map_err(|error| BearerError::KeysUnavailable(Some(error)))
    }

    /// Keys newer than those that lacked one, if they may be fetched now. Where they can't be, nothing can be said about
    /// a token that they might be needed for.
    async fn newer_keys(&self, seen: &Arc<KeySet>) -> Result<Option<Arc<KeySet>>, BearerError> {
        let mut attempts = self.attempts.lock().await;
        // Somebody else may have fetched while this request waited.
        if let Some(keys) = self.current().filter(|keys| !Arc::ptr_eq(keys, seen)) {
            return Ok(Some(keys));
        }
        if let Some((at, error)) = &attempts.failed
            && at.elapsed() < RETRY_INTERVAL
        {
            return Err(BearerError::KeysUnavailable(Some(Arc::clone(error))));
        }
        let looked_lately = attempts
            .for_unknown_key
            .is_some_and(|at| at.elapsed() < UNKNOWN_KEY_INTERVAL);
        if looked_lately && attempts.failed.is_none() {
            return Ok(None);
        }
        attempts.for_unknown_key = Some(Instant::now());
        match self.fetch(&mut attempts).await {
            Ok(keys) => Ok(Some(keys)),
            Err(error) => Err(BearerError::KeysUnavailable(Some(error))),
        }
    }

    fn refresh_in_background(self: &Arc<Self>) {
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            // One refresh at a time; the others have nothing to add.
            let Ok(mut attempts) = cache.attempts.try_lock() else {
                return;
            };
            let fresh = cache
                .current()
                .is_some_and(|keys| keys.fetched_at.elapsed() < REFRESH_AFTER);
            let failed_lately = attempts
                .failed
                .as_ref()
                .is_some_and(|(at, _)| at.elapsed() < UNKNOWN_KEY_INTERVAL);
            if !fresh && !failed_lately {
                // A failure is logged where it happens; the old keys go on serving.
                let _logged = cache.fetch(&mut attempts).await;
            }
        });
    }

    async fn fetch(&self, attempts: &mut Attempts) -> Result<Arc<KeySet>, Arc<FetchError>> {
        match self.fetcher.fetch().await {
            Ok(jwks) => {
                let keys = Arc::new(KeySet::new(jwks, &self.issuer, &self.audience));
                *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::clone(&keys));
                attempts.failed = None;
                Ok(keys)
            }
            Err(error) => {
                tracing::warn!(
                    error = %chain(&error),
                    "the issuer's keys could not be fetched"
                );
                let error = Arc::new(error);
                attempts.failed = Some((Instant::now(), Arc::clone(&error)));
                Err(error)
            }
        }
    }
}
