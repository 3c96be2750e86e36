//! A user of the host application, who calls the gateway with a token of it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::client::{Client, Http};
use super::people::Person;
use super::reply::{ActorError, Reply};

/// A user of the host application, in one account of it.
#[derive(Debug, Clone)]
pub struct HostUser {
    account: String,
    user: String,
    gateway: Client,
    /// The host application's own backend, on the user's behalf: it may say who the user is at Microsoft.
    backend: Client,
}

impl HostUser {
    /// A user of an account, who calls the gateway at this address with the first token; with the second one the host
    /// application does on their behalf.
    pub fn new(
        http: &Http,
        gateway: &str,
        (account, user): (&str, &str),
        (token, backend): (String, String),
    ) -> Self {
        Self {
            account: account.to_owned(),
            user: user.to_owned(),
            gateway: Client::new(http, gateway).with_token(token),
            backend: Client::new(http, gateway).with_token(backend),
        }
    }

    /// The account.
    pub fn account_id(&self) -> &str {
        &self.account
    }

    /// The user.
    pub fn user_id(&self) -> &str {
        &self.user
    }

    /// Looks at the company's settings.
    pub async fn account(&self) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}", self.account);
        self.gateway.call(Method::GET, &path, None).await
    }

    /// Looks at somebody's permissions, usually their own.
    pub async fn see(&self, user: &str) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/users/{user}", self.account);
        self.gateway.call(Method::GET, &path, None).await
    }

    /// Sets the authorization method and the e-mail sync.
    pub async fn set_method(&self, method: &str, email_sync: &str) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/authorization-method", self.account);
        let body = json!({"method": method, "email_sync": email_sync});
        self.gateway.call(Method::PUT, &path, Some(&body)).await
    }

    /// Starts an administrator consent; `body` is the whole request.
    pub async fn start_admin_consent(&self, body: &Value) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/admin-consents", self.account);
        self.gateway.call(Method::POST, &path, Some(body)).await
    }

    /// Makes a link for an administrator; `body` is the whole request.
    pub async fn make_hand_off(&self, body: &Value) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/hand-offs", self.account);
        self.gateway.call(Method::POST, &path, Some(body)).await
    }

    /// Looks at the links for an administrator.
    pub async fn hand_offs(&self) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/hand-offs", self.account);
        self.gateway.call(Method::GET, &path, None).await
    }

    /// Looks at a link for an administrator.
    pub async fn hand_off(&self, id: &str) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/hand-offs/{id}", self.account);
        self.gateway.call(Method::GET, &path, None).await
    }

    /// Takes a link for an administrator back.
    pub async fn cancel_hand_off(&self, id: &str) -> Result<Reply, ActorError> {
        let path = format!("/v1/accounts/{}/hand-offs/{id}", self.account);
        self.gateway.call(Method::DELETE, &path, None).await
    }

    /// Starts granting permissions, as whom the host application knows at Microsoft, if it does: then it is its backend
    /// that calls, and vouches for it.
    pub async fn start_grant(
        &self,
        permissions: &[&str],
        known_as: Option<Person>,
    ) -> Result<Reply, ActorError> {
        let caller = known_as.map_or(&self.gateway, |_| &self.backend);
        self.grant_by(caller, permissions, known_as).await
    }

    /// Starts granting permissions with the user's own token, which says who they are at Microsoft.
    pub async fn start_grant_claiming(
        &self,
        permissions: &[&str],
        to_be: Person,
    ) -> Result<Reply, ActorError> {
        self.grant_by(&self.gateway, permissions, Some(to_be)).await
    }

    async fn grant_by(
        &self,
        caller: &Client,
        permissions: &[&str],
        known_as: Option<Person>,
    ) -> Result<Reply, ActorError> {
        let mut body = json!({"permissions": permissions});
        if let (Some(person), Some(fields)) = (known_as, body.as_object_mut()) {
            let identity = json!({"tenant_id": person.tenant, "object_id": person.object_id});
            fields.insert("microsoft_identity".to_owned(), identity);
        }
        let path = format!("/v1/accounts/{}/users/{}/grants", self.account, self.user);
        caller.call(Method::POST, &path, Some(&body)).await
    }

    /// Takes a permission back.
    pub async fn revoke(&self, permission: &str) -> Result<Reply, ActorError> {
        let path = format!(
            "/v1/accounts/{}/users/{}/grants/{permission}",
            self.account, self.user
        );
        self.gateway.call(Method::DELETE, &path, None).await
    }

    /// Asks how a flow stands.
    pub async fn flow(&self, id: &str) -> Result<Reply, ActorError> {
        let path = format!("/v1/flows/{id}");
        self.gateway.call(Method::GET, &path, None).await
    }

    /// Confirms a grant with the value the browser brought back.
    pub async fn confirm(&self, flow: &str, confirm: &str) -> Result<Reply, ActorError> {
        let path = format!("/v1/flows/{flow}/confirmation");
        let body = json!({"confirm": confirm});
        self.gateway.call(Method::POST, &path, Some(&body)).await
    }

    /// Calls another gateway from now on, by its base URL.
    #[must_use]
    pub fn through(mut self, gateway: &str) -> Self {
        self.gateway = self.gateway.at(gateway);
        self.backend = self.backend.at(gateway);
        self
    }

    /// Calls with another token from now on, or with whatever else is sent in its place.
    #[must_use]
    pub fn bearing(mut self, token: &str) -> Self {
        self.gateway = self.gateway.with_token(token.to_owned());
        self.backend = self.backend.with_token(token.to_owned());
        self
    }

    /// Whoever opens an address in a browser, which brings no token.
    #[must_use]
    pub fn in_a_browser(mut self) -> Self {
        self.gateway = self.gateway.without_token();
        self.backend = self.backend.without_token();
        self
    }

    /// Calls the gateway in any way.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Reply, ActorError> {
        self.gateway.send(method, path, shape).await
    }
}
