//! Queries over NATS: a JSON request to a micro service of Assent's, and its JSON answer.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("no answer")]
    NoAnswer(#[from] async_nats::RequestError),
    /// `code` is a stable word to act on, as of a problem over HTTP.
    #[error("refused: {code}")]
    Refused { code: String },
    #[error("the request or the answer cannot be put as JSON")]
    Json(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
}

/// Sends `body` to `subject` and reads the answer, which has to come within `deadline`.
pub(crate) async fn request<T: DeserializeOwned>(
    nats: &async_nats::Client,
    subject: &'static str,
    body: &impl Serialize,
    deadline: Duration,
) -> Result<T, QueryError> {
    let request = async_nats::Request::new()
        .payload(serde_json::to_vec(body)?.into())
        .timeout(Some(deadline));
    let answer = nats.send_request(subject, request).await?;
    // A NATS micro service says in a header what went wrong.
    let refusal = answer.headers.as_ref();
    if let Some(refusal) = refusal.and_then(|headers| headers.get("Nats-Service-Error")) {
        let told = serde_json::from_slice(&answer.payload);
        let code = told.map_or_else(|_| refusal.to_string(), |Refusal { code }| code);
        return Err(QueryError::Refused { code });
    }
    Ok(serde_json::from_slice(&answer.payload)?)
}
