//! A stack with very many users, nearly all in one account: what P8 to P11 are measured on.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use assent_dev_stack::{Stack, StackOptions, wait_for};
use bytes::Bytes;
use reqwest::Client;
use serde_json::{Value, json};

use crate::fill::write_grants;

/// The account that nearly all are in.
pub(crate) const LARGE: &str = "everybody";
/// The account of the others.
pub(crate) const SMALL: &str = "few";
/// How many these are.
pub(crate) const FEW: usize = 10;
/// How long a projection may take to apply them all.
const PATIENCE: Duration = Duration::from_mins(15);

pub(crate) struct ManyUsers {
    pub(crate) stack: Stack,
    /// How many are in the large account. They are called `user-0` and so on; those of the small one come after them.
    pub(crate) users: usize,
    http: Client,
    token: String,
}

impl ManyUsers {
    /// Writes their grants, one each, and waits until the projection has applied all.
    pub(crate) async fn start(users: usize) -> anyhow::Result<Self> {
        let options = StackOptions {
            token_brokers: 0,
            ..StackOptions::default()
        };
        let stack = Stack::start(options).await?;
        let large = (0..users).map(|user| (LARGE.to_owned(), user));
        let small = (users..users + FEW).map(|user| (SMALL.to_owned(), user));
        write_grants(stack.nats(), large.chain(small)).await?;
        let last = u64::try_from(users + FEW)?;
        let applied = wait_for(PATIENCE, async || {
            let status = stack.service(0).status().await.ok()?;
            (status.number("/applied_sequence") == Some(last)).then_some(())
        });
        applied
            .await
            .context("the projection did not apply the log")?;
        Ok(Self {
            token: stack.host.service_token(&["login:decide"]),
            http: Client::builder().timeout(Duration::from_secs(10)).build()?,
            stack,
            users,
        })
    }

    /// Has the login hook decide about a user of the large or the small account, as of a write if one is named.
    pub(crate) async fn decide(
        &self,
        account: &str,
        user: usize,
        at_least: Option<u64>,
    ) -> anyhow::Result<()> {
        let body = json!({
            "account_id": account, "user_id": format!("user-{user}"), "at_least": at_least,
            "sign_in": { "provider": "other" },
        });
        let url = format!("{}/v1/login-decisions", self.stack.login_hook.url());
        let request = self.http.post(url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json");
        let answer = request
            .body(Bytes::from(serde_json::to_vec(&body)?))
            .send()
            .await?;
        let decision: Value = answer.error_for_status()?.json().await?;
        let reflects = decision.get("sequence").and_then(Value::as_u64);
        ensure!(
            decision.get("degraded") == Some(&Value::Bool(false)) && at_least <= reflects,
            "unexpected decision: {decision}"
        );
        Ok(())
    }
}
