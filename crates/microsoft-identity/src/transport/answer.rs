//! What an answer says about the service that gave it.

use std::time::Duration;

use serde::Deserialize;

use super::circuit::Verdict;
use super::{CallError, parse};

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// An answer read to its end.
pub(super) struct Received {
    pub(super) answer: Answer,
    /// For how long Microsoft wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

#[derive(Deserialize)]
struct OAuthRefusal {
    #[serde(rename = "error")]
    _error: String,
}

impl Received {
    pub(super) fn judge(self, is_get: bool) -> (Result<Answer, CallError>, Verdict) {
        let Self {
            answer,
            retry_after,
        } = self;
        let is_breakdown = answer.status >= 500;
        if answer.status != 429 && !is_breakdown {
            return (Ok(answer), Verdict::Well);
        }
        // A refusal in OAuth's form is an answer of the service itself, whatever the status; a gateway's error page is
        // none.
        let is_oauth = parse::<OAuthRefusal>(&answer.body).is_some();
        let verdict = if is_breakdown && !is_oauth {
            Verdict::Failed
        } else {
            Verdict::Well
        };
        let result = match retry_after {
            Some(retry_after) => Err(CallError::Throttled { retry_after }),
            None if is_oauth && !is_get => Ok(answer),
            None => Err(CallError::Unavailable(answer.status)),
        };
        (result, verdict)
    }
}
