//! Microsoft's signing keys, kept ready.
//!
//! Verifying a token with a known key takes a read lock for a moment and no network. The keys are fetched again when
//! they are a day old, in the background, and when a token names an unknown key, at most once in ten seconds, so that
//! nobody can make us hammer Microsoft by inventing key names. While Microsoft is down the old keys go on serving.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use crate::client::metadata_endpoint;
use crate::tenant::TenantRef;
use crate::transport::{CallError, Service, parse};

const FRESH_FOR: Duration = Duration::from_hours(24);

/// Between two fetches for unknown keys, or after a failed one.
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
    /// Held while fetching, so that there is one fetch at a time.
    last_attempt: Arc<Mutex<LastAttempt>>,
}

/// The last fetch that counts for the spacing. A first, successful load does not.
#[derive(Default)]
struct LastAttempt {
    at: Option<Instant>,
    failed: bool,
}

impl SigningKeys {
    pub(crate) fn new(sign_in: Service, authority: Url) -> Self {
        Self(Arc::new(Inner {
            sign_in,
            authority,
            keys_address: OnceLock::new(),
            current: RwLock::default(),
            last_attempt: Arc::default(),
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
        let last_attempt = Arc::clone(&self.0.last_attempt).lock_owned().await;
        // Somebody else may have fetched it while we waited.
        if let Some(keys) = self.holding(key_id) {
            return Ok(keys);
        }
        if !self.is_due(&last_attempt) {
            return Err(if last_attempt.failed {
                KeyLookupError::Unavailable(KeysError::FailedRecently)
            } else {
                KeyLookupError::Unknown
            });
        }
        // A task of its own: a caller who hangs up must not cancel the fetch for all others.
        let fetch = tokio::spawn(self.clone().refresh(last_attempt));
        fetch
            .await
            .unwrap_or(Err(KeysError::Abandoned))
            .map_err(KeyLookupError::Unavailable)?;
        self.holding(key_id).ok_or(KeyLookupError::Unknown)
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

    fn is_due(&self, last_attempt: &LastAttempt) -> bool {
        let spacing = if self.current().is_some() {
            SPACING
        } else {
            SPACING_WITHOUT_KEYS
        };
        last_attempt.at.is_none_or(|at| at.elapsed() >= spacing)
    }

    fn refresh_in_background(&self) {
        if let Ok(last_attempt) = Arc::clone(&self.0.last_attempt).try_lock_owned()
            && self.is_due(&last_attempt)
        {
            drop(tokio::spawn(self.clone().refresh(last_attempt)));
        }
    }

    async fn refresh(
        self,
        mut last_attempt: OwnedMutexGuard<LastAttempt>,
    ) -> Result<(), KeysError> {
        let is_first = self.current().is_none();
        match self.0.fetch().await {
            Ok(keys) => {
                *self
                    .0
                    .current
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
                *last_attempt = LastAttempt {
                    at: (!is_first).then(Instant::now),
                    failed: false,
                };
                Ok(())
            }
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                tracing::warn!(error = cause, "Microsoft's signing keys were not fetched");
                *last_attempt = LastAttempt {
                    at: Some(Instant::now()),
                    failed: true,
                };
                Err(error)
            }
        }
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
        let keys = read(&answer.body)?;
        Ok(KeySet {
            keys,
            fetched: Instant::now(),
        })
    }

    async fn address_of_keys(&self, deadline: tokio::time::Instant) -> Result<Url, KeysError> {
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

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    issuer: Option<String>,
}

/// The usable keys of a JWKS: RSA, for signatures, with a name and an issuer. Without an issuer a key proves nothing.
fn read(body: &[u8]) -> Result<HashMap<String, SigningKey>, KeysError> {
    let jwks: Jwks = parse(body).ok_or(KeysError::Nonsense("not a key set"))?;
    let usable = |jwk: Jwk| {
        if jwk.kty != "RSA" || jwk.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let decoding = DecodingKey::from_rsa_components(&jwk.n?, &jwk.e?).ok()?;
        Some((
            jwk.kid?,
            SigningKey {
                decoding,
                issuer: jwk.issuer?,
            },
        ))
    };
    let keys: HashMap<String, SigningKey> = jwks.keys.into_iter().filter_map(usable).collect();
    if keys.is_empty() {
        Err(KeysError::Nonsense("no usable key"))
    } else {
        Ok(keys)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}
