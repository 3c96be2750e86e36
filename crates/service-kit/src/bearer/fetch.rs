//! Fetching an issuer's published keys, with a deadline and a size.

use std::time::Duration;

use assent_jwks::{KeySource, signature_keys};
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use super::keys::KeySet;

/// How long a fetch may take altogether.
const DEADLINE: Duration = Duration::from_secs(2);

/// How large a key set may be: a hundred RSA keys with their certificates.
const LARGEST: usize = 256 * 1024;

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The issuer did not answer.
    #[error("the key set could not be fetched")]
    Request(#[source] reqwest::Error),
    /// The issuer answered with another status than 200.
    #[error("the key set was answered with status {0}")]
    Status(StatusCode),
    /// The answer is too large.
    #[error("the key set is larger than {LARGEST} bytes")]
    TooLarge,
    /// The answer is no key set.
    #[error("the answer is no JSON Web Key Set")]
    NotAKeySet(#[source] serde_json::Error),
}

/// The host application's key set, and what its tokens must say.
pub(super) struct HostKeys {
    client: Client,
    url: Url,
    issuer: String,
    audience: String,
}

impl HostKeys {
    pub(super) fn new(url: Url, issuer: &str, audience: &str) -> Result<Self, reqwest::Error> {
        // A redirect could lead to a place nobody configured.
        let client = Client::builder()
            .timeout(DEADLINE)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            client,
            url,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        })
    }
}

impl KeySource for HostKeys {
    type Keys = KeySet;
    type Error = FetchError;

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let request = self.client.get(self.url.clone());
        let mut response = request.send().await.map_err(FetchError::Request)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(FetchError::Request)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let published = signature_keys(&body).map_err(FetchError::NotAKeySet)?;
        Ok(KeySet::new(published, &self.issuer, &self.audience))
    }
}
