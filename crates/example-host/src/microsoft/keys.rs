//! The keys that Microsoft signs ID tokens with. They change without notice, so an unknown one is looked for again.

use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

/// Tokens with made-up keys must not make us ask Microsoft each time.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Cache of Microsoft's published keys.
pub(super) struct PublishedKeys {
    http: reqwest::Client,
    address: Url,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    keys: Vec<PublishedKey>,
    at: Option<Instant>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<PublishedKey>,
}

#[derive(Clone, Deserialize)]
struct PublishedKey {
    #[serde(flatten)]
    key: Jwk,
    /// The issuer of the tokens that it signs; `{tenantid}` stands for any tenant.
    issuer: Option<String>,
}

/// A key to verify tokens with, and the issuers it is good for.
pub(super) struct Key {
    pub(super) decoding: DecodingKey,
    issuer: Option<String>,
}

/// Why there is no key to verify a token with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("Microsoft's keys cannot be fetched")]
    NoAnswer(#[from] reqwest::Error),
    #[error("Microsoft publishes no such key")]
    Unknown,
    #[error("the token or its key cannot be read")]
    Unreadable(#[from] jsonwebtoken::errors::Error),
}

impl PublishedKeys {
    pub(super) fn new(http: reqwest::Client, address: Url) -> Self {
        Self {
            http,
            address,
            seen: Mutex::default(),
        }
    }

    /// Finds the key that a token says it is signed with, in what was fetched last or else anew.
    pub(super) async fn find_for(&self, token: &str) -> Result<Key, KeyError> {
        let name = jsonwebtoken::decode_header(token)?.kid;
        let name = name.ok_or(KeyError::Unknown)?;
        // Held while fetching: many who sign in at once make us ask once.
        let mut seen = self.seen.lock().await;
        let recently = seen.at.is_some_and(|at| at.elapsed() < ASK_AGAIN_AFTER);
        if seen.find(&name).is_none() && !recently {
            let answer = self.http.get(self.address.clone()).send().await?;
            let set: KeySet = answer.error_for_status()?.json().await?;
            *seen = Seen {
                keys: set.keys,
                at: Some(Instant::now()),
            };
        }
        let found = seen.find(&name).ok_or(KeyError::Unknown)?;
        Ok(Key {
            decoding: DecodingKey::from_jwk(&found.key)?,
            issuer: found.issuer.clone(),
        })
    }
}

impl Seen {
    fn find(&self, name: &str) -> Option<&PublishedKey> {
        let named = |key: &&PublishedKey| key.key.common.key_id.as_deref() == Some(name);
        self.keys.iter().find(named)
    }
}

impl Key {
    /// Whether the key signs tokens of this issuer, a tenant's.
    pub(super) fn may_sign_for(&self, issuer: &str, tenant: Uuid) -> bool {
        self.issuer
            .as_ref()
            .is_none_or(|own| own.replace("{tenantid}", &tenant.to_string()) == issuer)
    }
}
