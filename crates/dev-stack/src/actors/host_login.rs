//! The host application's login, which asks the login hook about everybody who signs in.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::client::{Client, Http};
use super::microsoft::Microsoft;
use super::people::Person;
use super::reply::{ActorError, Reply};

/// The host application's login, for one account.
#[derive(Debug, Clone)]
pub struct HostLogin {
    account: String,
    login_hook: Client,
    microsoft: Microsoft,
}

impl HostLogin {
    pub(crate) fn new(
        http: &Http,
        login_hook: &str,
        account: &str,
        token: String,
        microsoft: Microsoft,
    ) -> Self {
        Self {
            account: account.to_owned(),
            login_hook: Client::new(http, login_hook).with_token(token),
            microsoft,
        }
    }

    /// Somebody signs in with a password of the host application.
    pub async fn with_password(&self, user: &str, at_least: u64) -> Result<Reply, ActorError> {
        self.ask(&json!({
            "account_id": self.account, "user_id": user, "at_least": at_least,
            "sign_in": {"provider": "other"},
        }))
        .await
    }

    /// Somebody signs in through Microsoft.
    pub async fn through_microsoft(
        &self,
        user: &str,
        person: Person,
        at_least: u64,
    ) -> Result<Reply, ActorError> {
        let id_token = self.microsoft.id_token(person, None).await?;
        self.ask(&json!({
            "account_id": self.account, "user_id": user, "at_least": at_least,
            "sign_in": {"provider": "microsoft", "id_token": id_token},
        }))
        .await
    }

    /// Somebody signs in through Microsoft, and the host application wants only some permissions for them.
    pub async fn wanting(
        &self,
        user: &str,
        person: Person,
        wants: &Value,
    ) -> Result<Reply, ActorError> {
        let id_token = self.microsoft.id_token(person, None).await?;
        self.ask(&json!({
            "account_id": self.account, "user_id": user, "wants": wants,
            "sign_in": {"provider": "microsoft", "id_token": id_token},
        }))
        .await
    }

    /// Asks the login hook; `body` is the whole request.
    pub async fn ask(&self, body: &Value) -> Result<Reply, ActorError> {
        let call = self
            .login_hook
            .call(Method::POST, "/v1/login-decisions", Some(body));
        call.await
    }

    /// Calls with another token from now on, or with whatever else is sent in its place.
    #[must_use]
    pub fn bearing(mut self, token: &str) -> Self {
        self.login_hook = self.login_hook.with_token(token.to_owned());
        self
    }

    /// Calls the login hook in any way.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Reply, ActorError> {
        self.login_hook.send(method, path, shape).await
    }
}
