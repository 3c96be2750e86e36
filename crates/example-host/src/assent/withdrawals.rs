//! Telling Assent that Microsoft refused for want of consent.
//!
//! Assent finds that by itself, within the hour. Whoever meets it first says so, and it is found now: Assent asks Microsoft
//! where it can, and believes the report only where it can't.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CallError, ok_or_problem};
use crate::config::Config;
use crate::tokens::{TokenIssuer, WITHDRAWALS_REPORT};
use crate::users::User;

const DEADLINE: Duration = Duration::from_secs(30);

/// Client of the token broker's reports.
pub(crate) struct Withdrawals {
    http: reqwest::Client,
    base: String,
    tokens: Arc<TokenIssuer>,
}

/// What Microsoft said: the error, and the words and the number beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ConsentRequired {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
}

/// An error as Microsoft's identity platform tells it, also through an API that asks there in a person's name.
#[derive(Deserialize)]
struct OAuthError {
    error: String,
    suberror: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl ConsentRequired {
    /// Reads it from the body of an answer. An error about anything else, such as a session that ended, is none.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        const NAME: &str = "consent_required";
        let told: OAuthError = serde_json::from_slice(body).ok()?;
        let is_one = told.error == NAME || told.suberror.as_deref() == Some(NAME);
        is_one.then(|| Self {
            error: told.error,
            suberror: told.suberror,
            code: told.error_codes.first().copied(),
        })
    }
}

impl Withdrawals {
    pub(crate) fn new(http: &reqwest::Client, config: &Config, tokens: Arc<TokenIssuer>) -> Self {
        let base = config.token_broker_url.as_str().trim_end_matches('/');
        Self {
            http: http.clone(),
            base: base.to_owned(),
            tokens,
        }
    }

    /// Reports it. What comes of it is told like any other change.
    pub(crate) async fn report(&self, user: &User, met: &ConsentRequired) -> Result<(), CallError> {
        let (account, id) = (user.account, user.id);
        let answer = self
            .http
            .post(format!(
                "{}/v1/accounts/{account}/users/{id}/withdrawals",
                self.base
            ))
            .timeout(DEADLINE)
            .bearer_auth(self.tokens.for_service(WITHDRAWALS_REPORT)?)
            .json(met)
            .send()
            .await?;
        ok_or_problem(answer).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &serde_json::Value) -> Option<ConsentRequired> {
        ConsentRequired::read(body.to_string().as_bytes())
    }

    #[test]
    fn only_a_missing_consent_is_one() {
        let met = read(&json!({
            "error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001], "trace_id": "t",
        }));
        let reported = serde_json::to_value(met.unwrap()).unwrap();
        assert_eq!(
            reported,
            json!({ "error": "invalid_grant", "suberror": "consent_required", "code": 65001 })
        );
        assert!(read(&json!({ "error": "consent_required" })).is_some());
        for other in [
            json!({ "error": "invalid_grant", "suberror": "bad_token", "error_codes": [50173] }),
            json!({ "error": { "code": "ErrorAccessDenied", "message": "Access is denied." } }),
            json!([]),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }
}
