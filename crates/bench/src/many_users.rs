//! A stack with very many users, nearly all in one account: what P8 to P11 are measured on.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use assent_contract::names::CHANGE_STREAM;
use assent_dev_stack::{NatsUser, Stack, StackOptions, wait_for};
use bytes::Bytes;
use reqwest::Client;
use serde_json::{Value, json};

use crate::fill::write_grants;
use crate::fixture;

/// The account that nearly all are in.
pub(crate) const LARGE: &str = "everybody";
/// The account of the others.
pub(crate) const SMALL: &str = "few";
/// How many these are.
pub(crate) const FEW: usize = 10;
/// Changes are told one by one, and waiting for the disk each time would take half an hour.
const SYNCED: &str = "sync_interval: always";
const NOT_SYNCED: &str = "sync_interval: \"2m\"";
/// How long it may take to tell them all. What is not told by then is told while others are measured.
const TELLING: Duration = Duration::from_mins(3);
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
            nats_configuration: Vec::from([(SYNCED.to_owned(), NOT_SYNCED.to_owned())]),
            ..StackOptions::default()
        };
        let stack = Stack::start(options).await?;
        let large = (0..users).map(|user| (LARGE.to_owned(), user));
        let small = (users..users + FEW).map(|user| (SMALL.to_owned(), user));
        write_grants(stack.nats(), large.chain(small)).await?;
        let many = Self {
            token: stack.host.service_token(&["login:decide"]),
            http: Client::builder().timeout(Duration::from_secs(10)).build()?,
            stack,
            users,
        };
        many.applied().await?;
        many.told().await?;
        Ok(many)
    }

    /// Waits until the projection has told of all, and rests.
    async fn told(&self) -> anyhow::Result<()> {
        let connection = fixture::connect(self.stack.nats(), NatsUser::Projection).await?;
        let all = u64::try_from(self.users + FEW)?;
        let told = wait_for(TELLING, async || {
            let state = connection.stream_state(CHANGE_STREAM, PATIENCE).await;
            (all <= state.ok().flatten()?.last_sequence).then_some(())
        });
        if told.await.is_none() {
            writeln!(std::io::stderr(), "changes are still being told")?;
        }
        Ok(())
    }

    /// Waits until the projection has applied all.
    pub(crate) async fn applied(&self) -> anyhow::Result<()> {
        let last = u64::try_from(self.users + FEW)?;
        let applied = wait_for(PATIENCE, async || {
            let status = self.stack.service(0).status().await.ok()?;
            let is_there = status
                .number("/applied_sequence")
                .is_some_and(|applied| last <= applied);
            is_there.then_some(())
        });
        applied
            .await
            .context("the projection did not apply the log")
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
