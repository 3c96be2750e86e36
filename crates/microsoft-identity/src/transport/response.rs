//! What a response says about the service that gave it.

use std::time::Duration;

use serde::Deserialize;

use super::circuit::CallOutcome;
use super::{CallError, parse};

/// A response of Microsoft's, whatever its status.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A response read to its end.
pub(super) struct Received {
    pub(super) response: Response,
    /// For how long Microsoft wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

#[derive(Deserialize)]
struct OAuthRefusal {
    #[serde(rename = "error")]
    _error: String,
}

impl Received {
    /// What the caller gets, and what the circuit counts.
    pub(super) fn classify(self, is_get: bool) -> (Result<Response, CallError>, CallOutcome) {
        let Self {
            response,
            retry_after,
        } = self;
        let is_breakdown = response.status >= 500;
        if response.status != 429 && !is_breakdown {
            return (Ok(response), CallOutcome::Answered);
        }
        // A refusal in OAuth's form is an answer of the service itself, whatever the status; a gateway's error page is
        // none.
        let is_oauth = parse::<OAuthRefusal>(&response.body).is_some();
        let outcome = if is_breakdown && !is_oauth {
            CallOutcome::Failed
        } else {
            CallOutcome::Answered
        };
        let result = match retry_after {
            Some(retry_after) => Err(CallError::Throttled { retry_after }),
            None if is_oauth && !is_get => Ok(response),
            None => Err(CallError::Unavailable(response.status)),
        };
        (result, outcome)
    }
}
