//! One of the host application's own services, which asks a projection.

use reqwest::{Method, RequestBuilder};

use super::client::{Client, Http};
use super::reply::{ActorError, Reply};

/// A service of the host application that may read permissions, at one projection.
#[derive(Debug, Clone)]
pub struct HostService {
    projection: Client,
}

impl HostService {
    pub(crate) fn new(http: &Http, projection: &str, token: String) -> Self {
        Self {
            projection: Client::new(http, projection).with_token(token),
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
        self.projection.call(Method::GET, &path, None).await
    }

    /// How far the projection is.
    pub async fn status(&self) -> Result<Reply, ActorError> {
        self.projection.call(Method::GET, "/v1/status", None).await
    }

    /// The digest of all that the projection knows.
    pub async fn digest(&self) -> Result<Reply, ActorError> {
        self.projection.call(Method::GET, "/v1/digest", None).await
    }

    /// Calls with another token from now on, or with whatever else is sent in its place.
    #[must_use]
    pub fn bearing(mut self, token: &str) -> Self {
        self.projection = self.projection.with_token(token.to_owned());
        self
    }

    /// Calls the projection in any way.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Reply, ActorError> {
        self.projection.send(method, path, shape).await
    }
}
