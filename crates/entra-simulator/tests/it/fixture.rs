//! A simulator of the test's own, and short names for what tests do with it.

use std::collections::HashMap;

use assent_entra_simulator::{Running, Settings, start, story};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

pub(crate) const CALLBACK: &str = "https://app.example/callback";
/// The pair of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Fixture {
    pub(crate) running: Running,
    pub(crate) http: Client,
}

/// Where a walk through the pages ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) answer: Value,
}

impl Ending {
    pub(crate) fn parameters(&self) -> HashMap<String, String> {
        let location = self.answer["redirect"]
            .as_str()
            .unwrap_or_else(|| panic!("no redirect: {}", self.answer));
        parameters(location)
    }

    pub(crate) fn page(&self) -> &str {
        self.answer["page"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no page: {}", self.answer))
    }

    pub(crate) fn code(&self) -> String {
        self.parameters()
            .get("code")
            .unwrap_or_else(|| panic!("no code: {}", self.answer))
            .clone()
    }

    pub(crate) fn steps(&self) -> Vec<&str> {
        self.answer["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step.as_str().unwrap())
            .collect()
    }
}

pub(crate) fn parameters(location: &str) -> HashMap<String, String> {
    assert!(
        location.starts_with(CALLBACK),
        "not our callback: {location}"
    );
    Url::parse(location)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let running = start(Settings::story([CALLBACK])).await.unwrap();
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { running, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url)
    }

    /// An address with parameters. `changes` replaces a default one; an empty value leaves it out.
    pub(crate) fn with(
        &self,
        path: &str,
        defaults: &[(&str, &str)],
        changes: &[(&str, &str)],
    ) -> String {
        let mut url = Url::parse(&self.url(path)).unwrap();
        let kept = defaults
            .iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        for (name, value) in kept.chain(changes).filter(|(_, value)| !value.is_empty()) {
            url.query_pairs_mut().append_pair(name, value);
        }
        url.into()
    }

    pub(crate) fn authorize_url(&self, tenant: &str, changes: &[(&str, &str)]) -> String {
        let client_id = story::ASSENT_CLIENT_ID.to_string();
        let defaults = [
            ("client_id", client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile offline_access Mail.Read"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        self.with(
            &format!("/{tenant}/oauth2/v2.0/authorize"),
            &defaults,
            changes,
        )
    }

    pub(crate) fn admin_consent_url(&self, tenant: &str, changes: &[(&str, &str)]) -> String {
        let client_id = story::ASSENT_CLIENT_ID.to_string();
        let defaults = [
            ("client_id", client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("scope", "Mail.Read Calendars.Read"),
            ("state", "the-state"),
        ];
        self.with(&format!("/{tenant}/v2.0/adminconsent"), &defaults, changes)
    }

    pub(crate) async fn browse(&self, url: &str, person: Uuid, answer: &str) -> Ending {
        self.browse_with(json!({ "url": url, "as": person, "answer": answer }))
            .await
    }

    pub(crate) async fn browse_with(&self, visit: Value) -> Ending {
        let (status, answer) = self.control(Method::POST, "/browse", visit).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        Ending { answer }
    }

    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self
            .http
            .request(method, self.url(&format!("/_control{path}")))
            .json(&body);
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (
            status,
            if text.is_empty() {
                Value::Null
            } else {
                serde_json::from_str(&text).unwrap()
            },
        )
    }

    /// A control call that has to work.
    pub(crate) async fn set(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.control(method, path, body).await;
        assert!(status.is_success(), "{status}: {answer}");
        answer
    }

    /// A call of the token endpoint with the story's client secret.
    pub(crate) async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let client_id = story::ASSENT_CLIENT_ID.to_string();
        let mut all = vec![
            ("client_id", client_id.as_str()),
            ("client_secret", story::ASSENT_CLIENT_SECRET),
        ];
        all.retain(|(name, _)| form.iter().all(|(changed, _)| changed != name));
        all.extend(form.iter().filter(|(_, value)| !value.is_empty()));
        self.post_token(tenant, &all).await
    }

    pub(crate) async fn post_token(
        &self,
        tenant: &str,
        form: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let response = self
            .http
            .post(self.url(&format!("/{tenant}/oauth2/v2.0/token")))
            .form(form)
            .send()
            .await;
        json_of(response.unwrap()).await
    }

    pub(crate) async fn redeem(&self, tenant: &str, code: &str) -> (StatusCode, Value) {
        self.redeem_with(tenant, code, &[]).await
    }

    pub(crate) async fn redeem_with(
        &self,
        tenant: &str,
        code: &str,
        changes: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        form.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        form.extend(changes);
        self.token(tenant, &form).await
    }

    pub(crate) async fn refresh(
        &self,
        tenant: &str,
        token: &str,
        changes: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        form.extend(changes);
        self.token(tenant, &form).await
    }

    /// Signs somebody in at the story's application, and redeems the code.
    pub(crate) async fn tokens(&self, tenant: &str, person: Uuid, scope: &str) -> Value {
        let url = self.authorize_url(tenant, &[("scope", scope)]);
        let code = self.browse(&url, person, "accept").await.code();
        let (status, tokens) = self.redeem(tenant, &code).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens
    }

    pub(crate) async fn graph(
        &self,
        method: Method,
        path: &str,
        token: &str,
    ) -> (StatusCode, Value) {
        let request = self
            .http
            .request(method, self.url(&format!("/v1.0/{path}")))
            .bearer_auth(token);
        json_of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get_json(&self, path: &str) -> (StatusCode, Value) {
        json_of(self.http.get(self.url(path)).send().await.unwrap()).await
    }
}

pub(crate) async fn json_of(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (
        status,
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        },
    )
}

/// The AADSTS number of a token endpoint's refusal.
pub(crate) fn number(body: &Value) -> u64 {
    body["error_codes"][0]
        .as_u64()
        .unwrap_or_else(|| panic!("no error: {body}"))
}

pub(crate) fn words(value: &Value) -> Vec<&str> {
    value.as_str().unwrap().split(' ').collect()
}
