//! Microsoft's signing keys, kept ready.
//!
//! Verifying a token with a known key takes a read lock for a moment and no network. The keys are fetched again when
//! they are a day old, in the background, and when a token names an unknown key, as far as a small [`Budget`] allows.
//! There is one fetch at a time, which serves everybody who came before it began. While Microsoft is down the old keys
//! go on serving.

mod budget;
mod jwks;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use url::Url;

use self::budget::Budget;
use crate::client::metadata_endpoint;
use crate::tenant::TenantRef;
use crate::transport::{CallError, Service, parse};

const FRESH_FOR: Duration = Duration::from_hours(24);

/// Between two attempts to replace keys that are too old.
const SPACING: Duration = Duration::from_secs(10);

/// Between two attempts while there are no keys at all and nothing can be verified.
const SPACING_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// One published key, and the issuer for which it signs.
pub(crate) struct SigningKey {
    pub(crate) decoding: DecodingKey,
    /// May hold the literal `{tenantid}`.
    pub(crate) issuer: String,
}

/// All published keys at one moment.
pub(crate) struct KeySet {
    keys: HashMap<String, SigningKey>,
    fetched: Instant,
}

impl KeySet {
    pub(crate) fn get(&self, key_id: &str) -> Option<&SigningKey> {
        self.keys.get(key_id)
    }
}

#[derive(Debug)]
pub(crate) enum KeyLookupError {
    Unknown,
    Unavailable(KeysError),
}

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("the keys could not be fetched")]
    Call(#[source] CallError),
    #[error("the keys made no sense: {0}")]
    Nonsense(&'static str),
    #[error("the keys could not be fetched a moment ago")]
    FailedRecently,
    #[error("the fetch was abandoned")]
    Abandoned,
}

#[derive(Clone)]
pub(crate) struct SigningKeys(Arc<Inner>);

struct Inner {
    sign_in: Service,
    authority: Url,
    keys_address: OnceLock<Url>,
    current: RwLock<Option<Arc<KeySet>>>,
    budget: Mutex<Budget>,
    /// Held while fetching, so that there is one fetch at a time.
    last_fetch: Arc<tokio::sync::Mutex<Option<Fetch>>>,
}

/// A fetch that is over.
#[derive(Clone, Copy)]
struct Fetch {
    begun: Instant,
    failed: bool,
}

impl SigningKeys {
    pub(crate) fn new(sign_in: Service, authority: Url) -> Self {
        Self(Arc::new(Inner {
            sign_in,
            authority,
            keys_address: OnceLock::new(),
            current: RwLock::default(),
            budget: Mutex::default(),
            last_fetch: Arc::default(),
        }))
    }

    /// A key set that holds the key.
    pub(crate) async fn with(&self, key_id: &str) -> Result<Arc<KeySet>, KeyLookupError> {
        if let Some(keys) = self.holding(key_id) {
            if keys.fetched.elapsed() > FRESH_FOR {
                self.refresh_in_background();
            }
            return Ok(keys);
        }
        let asked = Instant::now();
        let last_fetch = Arc::clone(&self.0.last_fetch).lock_owned().await;
        // Somebody else may have fetched it while we waited.
        if let Some(keys) = self.holding(key_id) {
            return Ok(keys);
        }
        match *last_fetch {
            // It began after the token was there: if Microsoft knew the key, it would have come along.
            Some(fetch) if fetch.begun >= asked => return Err(self.without(key_id, fetch)),
            Some(fetch) if !self.may_fetch(key_id, fetch) => return Err(told_by(fetch)),
            Some(_) | None => {}
        }
        // A task of its own: a caller who hangs up must not cancel the fetch for all others.
        let fetched = tokio::spawn(self.clone().refresh(last_fetch));
        fetched
            .await
            .unwrap_or(Err(KeysError::Abandoned))
            .map_err(KeyLookupError::Unavailable)?;
        self.holding(key_id).ok_or_else(|| {
            self.budget().miss(key_id, Instant::now());
            KeyLookupError::Unknown
        })
    }

    /// A fetch that was to bring the key is over, and did not bring it.
    fn without(&self, key_id: &str, fetch: Fetch) -> KeyLookupError {
        if !fetch.failed {
            self.budget().miss(key_id, Instant::now());
        }
        told_by(fetch)
    }

    fn may_fetch(&self, key_id: &str, last: Fetch) -> bool {
        if self.current().is_none() {
            return last.begun.elapsed() >= SPACING_WITHOUT_KEYS;
        }
        self.budget().take(key_id, Instant::now())
    }

    fn current(&self) -> Option<Arc<KeySet>> {
        self.0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn holding(&self, key_id: &str) -> Option<Arc<KeySet>> {
        self.current().filter(|keys| keys.get(key_id).is_some())
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.0.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh_in_background(&self) {
        if let Ok(last_fetch) = Arc::clone(&self.0.last_fetch).try_lock_owned()
            && last_fetch.is_none_or(|fetch| fetch.begun.elapsed() >= SPACING)
        {
            drop(tokio::spawn(self.clone().refresh(last_fetch)));
        }
    }

    async fn refresh(
        self,
        mut last_fetch: OwnedMutexGuard<Option<Fetch>>,
    ) -> Result<(), KeysError> {
        let begun = Instant::now();
        let fetched = self.0.fetch().await;
        *last_fetch = Some(Fetch {
            begun,
            failed: fetched.is_err(),
        });
        let keys = fetched.inspect_err(|error| {
            let cause: &dyn std::error::Error = error;
            tracing::warn!(error = cause, "Microsoft's signing keys were not fetched");
        })?;
        *self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
        Ok(())
    }
}

/// What the last fetch lets us say about a key that is not there.
fn told_by(fetch: Fetch) -> KeyLookupError {
    if fetch.failed {
        KeyLookupError::Unavailable(KeysError::FailedRecently)
    } else {
        KeyLookupError::Unknown
    }
}

impl Inner {
    async fn fetch(&self) -> Result<KeySet, KeysError> {
        let deadline = self.sign_in.deadline();
        let address = self.address_of_keys(deadline).await?;
        let answer = self
            .sign_in
            .get(&address, deadline)
            .await
            .map_err(KeysError::Call)?;
        if answer.status != 200 {
            return Err(KeysError::Nonsense("unexpected status"));
        }
        let keys = jwks::read(&answer.body)?;
        Ok(KeySet {
            keys,
            fetched: Instant::now(),
        })
    }

    async fn address_of_keys(&self, deadline: Instant) -> Result<Url, KeysError> {
        if let Some(address) = self.keys_address.get() {
            return Ok(address.clone());
        }
        let metadata = metadata_endpoint(&self.authority, &TenantRef::Organizations);
        let answer = self
            .sign_in
            .get(&metadata, deadline)
            .await
            .map_err(KeysError::Call)?;
        let document: Metadata = parse(&answer.body).ok_or(KeysError::Nonsense("no metadata"))?;
        // Keys are trust: they come from the authority itself, wherever the metadata would like to send us.
        if document.jwks_uri.origin() != self.authority.origin() {
            return Err(KeysError::Nonsense("the keys are elsewhere"));
        }
        Ok(self.keys_address.get_or_init(|| document.jwks_uri).clone())
    }
}

#[derive(Deserialize)]
struct Metadata {
    jwks_uri: Url,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}
