//! Queries over NATS: a JSON request to a micro service of Assent's, and its JSON answer.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("no answer")]
    NoAnswer(#[from] async_nats::RequestError),
    #[error("refused: {0}")]
    Refused(String),
    #[error("the request or the answer cannot be put as JSON")]
    Json(#[from] serde_json::Error),
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
        return Err(QueryError::Refused(refusal.to_string()));
    }
    Ok(serde_json::from_slice(&answer.payload)?)
}
