//! One HTTP client for everything: no redirects, a deadline for the whole operation, a bounded body.

use std::time::Duration;

use rand::Rng as _;
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

/// Microsoft's largest answer that we read, a key set, is a few dozen kilobytes.
const LARGEST_BODY: usize = 1024 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    deadline: Duration,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why nothing usable came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no answer in time")]
    TimedOut,
    #[error("no connection, or it broke")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the answer was status {0}")]
    Unavailable(u16),
    #[error("the answer was larger than anything expected")]
    TooLarge,
    #[error("the request could not be built")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Transport {
    pub(crate) fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(deadline)
            .timeout(deadline)
            .user_agent(concat!("assent/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, deadline })
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// A safe GET: tried once more after a short random pause, within one deadline for both.
    pub(crate) async fn get(&self, address: &Url) -> Result<Answer, CallError> {
        self.get_with(address, None).await
    }

    /// The same, with a bearer token.
    pub(crate) async fn get_as(&self, address: &Url, bearer: &str) -> Result<Answer, CallError> {
        self.get_with(address, Some(bearer)).await
    }

    async fn get_with(&self, address: &Url, bearer: Option<&str>) -> Result<Answer, CallError> {
        let twice = async {
            match self.get_once(address, bearer).await {
                Err(CallError::Unreachable(_) | CallError::Unavailable(_)) => {
                    let pause = Duration::from_millis(rand::rng().random_range(50..200));
                    tokio::time::sleep(pause).await;
                    self.get_once(address, bearer).await
                }
                settled => settled,
            }
        };
        tokio::time::timeout(self.deadline, twice)
            .await
            .unwrap_or(Err(CallError::TimedOut))
    }

    async fn get_once(&self, address: &Url, bearer: Option<&str>) -> Result<Answer, CallError> {
        let mut request = self
            .http
            .get(address.clone())
            .header("accept", "application/json");
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let request = request
            .build()
            .map_err(|error| CallError::Request(error.into()))?;
        let answer = self.send(request).await?;
        if is_unavailable(answer.status) {
            Err(CallError::Unavailable(answer.status))
        } else {
            Ok(answer)
        }
    }

    /// For the token endpoint: sent exactly once, because a code can be redeemed only once.
    pub(crate) async fn post_once(
        &self,
        request: oauth2::HttpRequest,
    ) -> Result<oauth2::HttpResponse, CallError> {
        let request = reqwest::Request::try_from(request)
            .map_err(|error| CallError::Request(error.into()))?;
        let answer = tokio::time::timeout(self.deadline, self.send(request))
            .await
            .unwrap_or(Err(CallError::TimedOut))?;
        // A gateway's own error page is no answer of the token endpoint, which always speaks JSON.
        if is_unavailable(answer.status) && parse::<serde_json::Value>(&answer.body).is_none() {
            return Err(CallError::Unavailable(answer.status));
        }
        oauth2::http::Response::builder()
            .status(answer.status)
            .body(answer.body)
            .map_err(|error| CallError::Request(error.into()))
    }

    async fn send(&self, request: reqwest::Request) -> Result<Answer, CallError> {
        let mut response = self.http.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len().saturating_add(chunk.len()) > LARGEST_BODY {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }
}

/// Reads a JSON body; anything else is `None`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn is_unavailable(status: u16) -> bool {
    status == 429 || status >= 500
}

fn failed(error: reqwest::Error) -> CallError {
    if error.is_timeout() {
        CallError::TimedOut
    } else {
        // The address may carry a code or a filter: it has no place in an error.
        CallError::Unreachable(error.without_url().into())
    }
}
