//! Asking Assent at each login what to do.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::permissions::Permissions;
use super::{CallError, ok_or_problem};
use crate::config::Config;
use crate::tokens::{LOGIN_DECIDE, TokenIssuer};
use crate::users::User;

/// Client of Assent's login hook.
pub(crate) struct LoginHook {
    http: reqwest::Client,
    address: String,
    deadline: Duration,
    tokens: Arc<TokenIssuer>,
    return_to: String,
}

/// How somebody signed in.
#[derive(Debug, Serialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub(crate) enum SignIn {
    /// Through Microsoft: its ID token is the proof, which Assent checks for itself.
    Microsoft {
        id_token: String,
        /// Lets Assent look where the mailbox is. It keeps none.
        #[serde(skip_serializing_if = "Option::is_none")]
        access_token: Option<String>,
    },
    /// Any other way to sign in.
    Other,
}

#[derive(Serialize)]
struct Login<'a> {
    account_id: &'a str,
    user_id: &'a str,
    sign_in: &'a SignIn,
    /// What we would like to do for this user.
    wants: Permissions,
    /// Where the browser goes after Microsoft's consent page.
    return_to: &'a str,
}

/// Assent's answer about a login.
#[derive(Debug, Deserialize)]
pub(crate) struct LoginDecision {
    pub(crate) decision: Decision,
    /// The reason, as a stable word; the README lists them.
    pub(crate) reason: String,
    /// The permissions in force for the user from now on.
    pub(crate) effective: Permissions,
    /// Permissions that are known to need an administrator, so that the user is not asked for them.
    pub(crate) needs_approval: Option<Permissions>,
    /// With [`Decision::Prompt`], Microsoft's consent page: send the user there. With [`Decision::Reauthenticate`], the way
    /// by Microsoft, without a page, that finds out whether a dead consent lives again.
    pub(crate) authorize_url: Option<Url>,
    /// What is permitted cannot be synced yet, for want of a token: send the user there. It passes Microsoft without a page
    /// and comes back, whatever comes of it.
    pub(crate) connect_url: Option<Url>,
    /// The tenant to sign in at, with [`Decision::Reauthenticate`].
    pub(crate) tenant_id: Option<Uuid>,
    /// Whether some part of Assent did not answer in time, so that less is permitted than may be.
    pub(crate) degraded: bool,
    /// The position in Assent's log that this reflects.
    pub(crate) sequence: Option<u64>,
}

/// What Assent says to do; `after_login.rs` does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// Go on.
    Proceed,
    /// Send the user to `authorize_url`.
    Prompt,
    /// Go on: what the administrator consented to holds for this user from now on.
    AutoGrant,
    /// Have the user sign in through Microsoft, in the right tenant.
    Reauthenticate,
    /// Go on: nothing can be had for whoever signed in so.
    Unavailable,
}

impl LoginHook {
    /// `return_to`: the page of ours that browsers come back to from Microsoft's consent page.
    pub(crate) fn new(
        http: &reqwest::Client,
        config: &Config,
        tokens: Arc<TokenIssuer>,
        return_to: String,
    ) -> Self {
        let base = config.login_hook_url.as_str().trim_end_matches('/');
        Self {
            http: http.clone(),
            address: format!("{base}/v1/login-decisions"),
            deadline: Duration::from_millis(config.login_deadline_ms),
            tokens,
            return_to,
        }
    }

    /// Asks about somebody who has just signed in.
    pub(crate) async fn decide(
        &self,
        user: &User,
        sign_in: &SignIn,
    ) -> Result<LoginDecision, CallError> {
        let wants = if user.has_mailbox() {
            Permissions::EVERYTHING
        } else {
            Permissions::NOTHING
        };
        let answer = self
            .http
            .post(&self.address)
            .timeout(self.deadline)
            .bearer_auth(self.tokens.for_service(LOGIN_DECIDE)?)
            .json(&Login {
                account_id: user.account,
                user_id: user.id,
                sign_in,
                wants,
                return_to: &self.return_to,
            })
            .send()
            .await?;
        Ok(ok_or_problem(answer).await?.json().await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_sign_in_is_told_as_assent_reads_it() {
        let told = |sign_in: &SignIn| serde_json::to_value(sign_in).unwrap();
        let microsoft = SignIn::Microsoft {
            id_token: "i".to_owned(),
            access_token: Some("a".to_owned()),
        };

        assert_eq!(told(&SignIn::Other), json!({"provider": "other"}));
        assert_eq!(
            told(&microsoft),
            json!({"provider": "microsoft", "id_token": "i", "access_token": "a"})
        );
    }

    #[test]
    fn an_unknown_decision_is_no_decision() {
        let answer = |decision: &str| {
            serde_json::from_value::<LoginDecision>(json!({
                "decision": decision, "reason": "r", "method": null, "degraded": false, "sequence": 7,
                "effective": {"calendar": true, "contacts": false, "email": "limited"},
                "missing": {"calendar": false, "contacts": true, "email": "none"},
                "something_new": Value::Null,
            }))
        };

        assert_eq!(answer("auto_grant").unwrap().decision, Decision::AutoGrant);
        assert!(answer("dance").is_err());
    }
}
