//! One of the host application's own services, which asks a projection or a token broker.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::client::{Client, Http};
use super::reply::{ActorError, Reply};

/// A service of the host application that may read permissions, at one projection, or have access tokens, at one broker.
#[derive(Debug, Clone)]
pub struct HostService {
    asked: Client,
}

impl HostService {
    pub(crate) fn new(http: &Http, url: &str, token: String) -> Self {
        Self {
            asked: Client::new(http, url).with_token(token),
        }
    }

    /// What may be done for a user now.
    pub async fn permissions(
        &self,
        account: &str,
        user: &str,
        at_least: u64,
    ) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{account}/users/{user}/permissions?at_least={at_least}");
        self.asked.call(Method::GET, &path, None).await
    }

    /// How far the projection is.
    pub async fn status(&self) -> Result<Reply, ActorError> {
        self.asked.call(Method::GET, "/v1/status", None).await
    }

    /// The digest of all that the projection knows.
    pub async fn digest(&self) -> Result<Reply, ActorError> {
        self.asked.call(Method::GET, "/v1/digest", None).await
    }

    /// Calls with another token from now on, or with whatever else is sent in its place.
    #[must_use]
    pub fn bearing(mut self, token: &str) -> Self {
        self.asked = self.asked.with_token(token.to_owned());
        self
    }

    /// An access token for a permission of a user; `more` goes into the request's body.
    pub async fn token(
        &self,
        account: &str,
        user: &str,
        permission: &str,
        more: &Value,
    ) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{account}/users/{user}/tokens");
        let mut body = more.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("permission".to_owned(), permission.into());
        }
        self.asked.call(Method::POST, &path, Some(&body)).await
    }

    /// Reports that Microsoft refused a token of the service's own.
    pub async fn report(
        &self,
        account: &str,
        user: &str,
        error: &Value,
    ) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{account}/users/{user}/withdrawals");
        self.asked.call(Method::POST, &path, Some(error)).await
    }

    /// Calls it in any way.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Reply, ActorError> {
        self.asked.send(method, path, shape).await
    }
}
