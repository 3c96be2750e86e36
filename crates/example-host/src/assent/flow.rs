//! Asking Assent's gateway how a visit to Microsoft's consent page ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CallError, ok_or_problem};
use crate::config::Config;
use crate::tokens::TokenIssuer;
use crate::users::User;

/// Somebody waits in front of the page.
const DEADLINE: Duration = Duration::from_secs(3);
/// The response header of a write, with its position in the log: sent along as `at_least`, it makes a read reflect the write.
const SEQUENCE: &str = "assent-sequence";

/// Client of Assent's gateway, called as the user whose browser it is.
pub(crate) struct Gateway {
    http: reqwest::Client,
    base: String,
    tokens: Arc<TokenIssuer>,
}

/// The state of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Flow {
    pub(crate) state: FlowState,
    /// A sentence for the person, where there is more to say.
    pub(crate) detail: Option<String>,
}

/// The states of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlowState {
    Pending,
    AwaitingConfirmation,
    Completed,
    Declined,
    Undetermined,
    Expired,
    Refused,
}

#[derive(Serialize)]
struct Confirmation<'a> {
    confirm: &'a str,
}

impl Gateway {
    pub(crate) fn new(http: &reqwest::Client, config: &Config, tokens: Arc<TokenIssuer>) -> Self {
        Self {
            http: http.clone(),
            base: config.gateway_url.as_str().trim_end_matches('/').to_owned(),
            tokens,
        }
    }

    /// Fetches a flow of this user's. What the browser says about it is not to be believed.
    pub(crate) async fn flow(&self, user: &User, flow: Uuid) -> Result<Flow, CallError> {
        let answer = self
            .http
            .get(format!("{}/v1/flows/{flow}", self.base))
            .timeout(DEADLINE)
            .bearer_auth(self.tokens.for_user(user)?)
            .send()
            .await?;
        Ok(ok_or_problem(answer).await?.json().await?)
    }

    /// Confirms that the mailbox which a flow came back with is this user's; returns the flow, and the position of the
    /// write in the log. Assent asks for it where it had no way of
    /// knowing whose mailbox to expect, and takes it from whoever began the flow only: so nobody can have somebody
    /// else's mailbox bound to their own name.
    pub(crate) async fn confirm(
        &self,
        user: &User,
        flow: Uuid,
        confirm: &str,
    ) -> Result<(Flow, Option<u64>), CallError> {
        let answer = self
            .http
            .post(format!("{}/v1/flows/{flow}/confirmation", self.base))
            .timeout(DEADLINE)
            .bearer_auth(self.tokens.for_user(user)?)
            .json(&Confirmation { confirm })
            .send()
            .await?;
        let answer = ok_or_problem(answer).await?;
        let sequence = answer
            .headers()
            .get(SEQUENCE)
            .and_then(|sequence| sequence.to_str().ok()?.parse().ok());
        Ok((answer.json().await?, sequence))
    }
}
