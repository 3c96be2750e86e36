//! Assent, as our application calls it: small clients, with a deadline each.

pub(crate) mod access_token;
pub(crate) mod flow;
pub(crate) mod login_decision;
pub(crate) mod nats_query;
pub(crate) mod permissions;
pub(crate) mod withdrawals;

use serde::Deserialize;

pub(crate) use access_token::AccessTokens;
pub(crate) use flow::Gateway;
pub(crate) use login_decision::LoginHook;
pub(crate) use permissions::PermissionQuery;
pub(crate) use withdrawals::Withdrawals;

/// Why a call to Assent failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no token could be signed")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("no answer")]
    NoAnswer(#[from] reqwest::Error),
    /// Assent refused with a problem (RFC 9457): `code` is a stable word to act on, `detail` a sentence for people.
    #[error("refused: {code} ({detail})")]
    Refused { code: String, detail: String },
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: Option<String>,
}

/// Turns a problem response into [`CallError::Refused`].
async fn ok_or_problem(answer: reqwest::Response) -> Result<reqwest::Response, CallError> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let problem: Problem = answer.json().await?;
    Err(CallError::Refused {
        code: problem.code,
        detail: problem.detail.unwrap_or_default(),
    })
}
