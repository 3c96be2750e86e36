//! Fetching an issuer's published keys, with a deadline and a size.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use serde::Deserialize;
use url::Url;

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
    /// It answered something else.
    #[error("the key set was answered with status {0}")]
    Status(StatusCode),
    /// The answer is too large.
    #[error("the key set is larger than {LARGEST} bytes")]
    TooLarge,
    /// The answer is no key set.
    #[error("the answer is no JSON Web Key Set")]
    NotAKeySet(#[source] serde_json::Error),
}

pub(super) struct Fetcher {
    client: Client,
    url: Url,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

impl Fetcher {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        // A redirect could lead to a place nobody configured.
        let client = Client::builder()
            .timeout(DEADLINE)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { client, url })
    }

    pub(super) async fn fetch(&self) -> Result<Vec<serde_json::Value>, FetchError> {
        let mut response = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(FetchError::Request)?;
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
        // Some servers begin text files with a byte order mark.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        serde_json::from_slice::<Document>(body)
            .map(|document| document.keys)
            .map_err(FetchError::NotAKeySet)
    }
}
