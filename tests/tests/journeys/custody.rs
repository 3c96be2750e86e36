//! Fixtures of the journeys with tokens: refresh tokens put into custody, and what is asked about them.

use std::time::Duration;

use anyhow::Context;
use assent_contract::command::Sensitive;
use assent_contract::custody::{
    CustodyQuery, CustodyStatus, Deposit, Deposited, TokenAnswer, TokenRequest,
};
use assent_contract::names::{CUSTODY_DEPOSIT, CUSTODY_STATUS, TOKEN_GET};
use assent_contract::values::{Permission, PersonId};
use assent_dev_stack::actors::{HostUser, Person};
use assent_dev_stack::{NatsUser, SIMULATOR_CLIENT_ID, Stack};
use assent_domain::ids::{AccountId, UserId};
use assent_messaging::{Connection, RequestError};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{connect, grant};

const PATIENCE: Duration = Duration::from_secs(10);

/// The broker, as those see it who may ask it over NATS.
pub(crate) struct Custody {
    login_hook: Connection,
    sync_worker: Connection,
}

impl Custody {
    pub(crate) async fn of(stack: &Stack) -> anyhow::Result<Self> {
        Ok(Self {
            login_hook: connect(stack, NatsUser::LoginHook).await?,
            sync_worker: connect(stack, NatsUser::SyncWorker).await?,
        })
    }

    /// A refresh token came with a sign-in; whether it is held.
    pub(crate) async fn deposit(
        &self,
        user: &str,
        person: Person,
        refresh_token: &str,
        at_least: Option<u64>,
    ) -> anyhow::Result<bool> {
        let deposited = self.deposited(user, person, refresh_token, at_least);
        Ok(deposited.await?.kept)
    }

    /// The same, in all that the broker says of it.
    pub(crate) async fn deposited(
        &self,
        user: &str,
        person: Person,
        refresh_token: &str,
        at_least: Option<u64>,
    ) -> anyhow::Result<Deposited> {
        let deposit = Deposit {
            account_id: AccountId::parse("acme")?,
            user_id: UserId::parse(user)?,
            microsoft_identity: PersonId {
                tenant_id: person.tenant.parse()?,
                object_id: person.object_id.parse()?,
            },
            refresh_token: Sensitive(refresh_token.to_owned()),
            at_least,
        };
        let payload = serde_json::to_vec(&deposit)?;
        let answer = self
            .login_hook
            .request(CUSTODY_DEPOSIT, payload, None, PATIENCE);
        Ok(serde_json::from_slice(&answer.await?)?)
    }

    pub(crate) async fn status(&self, user: &str) -> anyhow::Result<CustodyStatus> {
        let query = CustodyQuery {
            account_id: AccountId::parse("acme")?,
            user_id: UserId::parse(user)?,
        };
        let payload = serde_json::to_vec(&query)?;
        let answer = self
            .login_hook
            .request(CUSTODY_STATUS, payload, None, PATIENCE);
        Ok(serde_json::from_slice(&answer.await?)?)
    }

    pub(crate) async fn token(
        &self,
        user: &str,
        permission: Permission,
        at_least: Option<u64>,
    ) -> Result<TokenAnswer, RequestError> {
        let (Ok(account_id), Ok(user_id)) = (AccountId::parse("acme"), UserId::parse(user)) else {
            return Err(RequestError::NotConnected);
        };
        let request = TokenRequest {
            account_id,
            user_id,
            permission,
            minimum_seconds: None,
            at_least,
        };
        let payload = serde_json::to_vec(&request).unwrap_or_default();
        let answer = self
            .sync_worker
            .request(TOKEN_GET, payload, None, PATIENCE)
            .await?;
        serde_json::from_slice(&answer).map_err(|_| RequestError::NotConnected)
    }
}

/// Somebody grants these permissions, and what their sign-in brought is held.
pub(crate) async fn connected(
    stack: &Stack,
    custody: &Custody,
    user: &HostUser,
    person: Person,
    permissions: &[&str],
) -> anyhow::Result<u64> {
    grant(stack, user, person, permissions).await?;
    let sequence = user.see(user.user_id()).await?.ok()?.number("/sequence");
    let sequence = sequence.context("no sequence")?;
    let token = refresh_token(stack, person).await?;
    let kept = custody
        .deposit(user.user_id(), person, &token, Some(sequence))
        .await?;
    anyhow::ensure!(kept, "the refresh token is not held");
    Ok(sequence)
}

/// A refresh token, as if this person had just signed in.
pub(crate) async fn refresh_token(stack: &Stack, person: Person) -> anyhow::Result<String> {
    refresh_token_for(stack, person, SIMULATOR_CLIENT_ID).await
}

pub(crate) async fn refresh_token_for(
    stack: &Stack,
    person: Person,
    client_id: &str,
) -> anyhow::Result<String> {
    let order = json!({
        "tenant": person.tenant, "user": person.object_id, "client_id": client_id,
        "scope": "openid profile offline_access User.Read",
    });
    let microsoft = stack.microsoft();
    let made = microsoft.control(Method::POST, "refresh-token", Some(&order));
    let made = made.await?;
    Ok(made.word("/refresh_token").context("no token")?.to_owned())
}

/// What is stored of a user in the broker's bucket, if anything is.
pub(crate) async fn stored(stack: &Stack, user: &str) -> anyhow::Result<Option<Value>> {
    let broker = connect(stack, NatsUser::TokenBroker).await?;
    let ask = json!({"last_by_subj": format!("$KV.CONSENT_TOKENS.acme.{user}")}).to_string();
    let subject = "$JS.API.STREAM.MSG.GET.KV_CONSENT_TOKENS";
    let found = broker
        .request(subject, ask.into_bytes(), None, PATIENCE)
        .await?;
    let found: Value = serde_json::from_slice(&found)?;
    // What was removed leaves an empty message behind.
    let Some(data) = found.pointer("/message/data").and_then(Value::as_str) else {
        return Ok(None);
    };
    let record = BASE64_STANDARD.decode(data)?;
    Ok(serde_json::from_slice(&record).ok())
}

/// Puts something in a user's place, as whoever has the gateway's password can.
pub(crate) async fn put_as_gateway(
    stack: &Stack,
    user: &str,
    record: &Value,
) -> anyhow::Result<()> {
    let gateway = connect(stack, NatsUser::Gateway).await?;
    let subject = format!("$KV.CONSENT_TOKENS.acme.{user}");
    let record = record.to_string().into_bytes();
    // With the stream's acknowledgement.
    gateway.request(&subject, record, None, PATIENCE).await?;
    Ok(())
}

/// The code of an error over NATS.
pub(crate) fn code_of(error: &RequestError) -> String {
    match error {
        RequestError::Service { description, .. } => description.clone(),
        RequestError::NotConnected
        | RequestError::NoResponders { .. }
        | RequestError::TimedOut { .. }
        | RequestError::NotPermitted { .. }
        | RequestError::TooLarge { .. }
        | RequestError::CannotBeSent { .. } => error.to_string(),
    }
}
