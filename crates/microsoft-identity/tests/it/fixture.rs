//! The Entra simulator and a client of it, with a browser in between.

use assent_entra_simulator::{Running, start, story};
use assent_microsoft_identity::{
    AccountChoice, AuthorizeRequest, ClientCredential, Credentials, Entra, ExpectedNonce,
    IdTokenError, IdTokenExpectation, RedeemError, Redeemed, TenantRef,
    UnverifiedAuthorizeCallback, VerifiedIdentity, new_pkce, random_token,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::authority::settings_for;

pub(crate) const CALLBACK: &str = "https://assent.example/callbacks/microsoft";

pub(crate) struct Fixture {
    pub(crate) simulator: Running,
    http: reqwest::Client,
    pub(crate) entra: Entra,
}

/// What the server remembers while a browser is away.
pub(crate) struct Flow {
    pub(crate) tenant: TenantRef,
    pub(crate) nonce: String,
    pub(crate) verifier: SecretString,
}

impl Fixture {
    /// The story, with the right client secret.
    pub(crate) async fn new() -> Self {
        let secret = ClientCredential::Secret(story::ASSENT_CLIENT_SECRET.into());
        Self::with(Credentials::One(secret)).await
    }

    /// The story, with credentials that the simulator need not know.
    pub(crate) async fn with(credentials: Credentials) -> Self {
        let settings = assent_entra_simulator::Settings::story([CALLBACK]);
        let simulator = start(settings).await.unwrap();
        let url: Url = simulator.base_url.parse().unwrap();
        Self {
            entra: Entra::new(settings_for(&url, credentials)).unwrap(),
            http: reqwest::Client::new(),
            simulator,
        }
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let address = format!("{}/_control/{path}", self.simulator.base_url);
        let answer = self.http.post(address).json(&body).send().await.unwrap();
        Self::done(path, answer).await
    }

    /// Which secrets and certificates the application has.
    pub(crate) async fn register(&self, secrets: &[&str], certificates: &[&str]) {
        let path = format!("applications/{}", story::ASSENT_CLIENT_ID);
        let address = format!("{}/_control/{path}", self.simulator.base_url);
        let body = json!({"secrets": secrets, "certificates": certificates});
        let answer = self.http.patch(address).json(&body).send().await.unwrap();
        Self::done(&path, answer).await;
    }

    async fn done(path: &str, answer: reqwest::Response) -> Value {
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) async fn calls(&self, endpoint: &str) -> Option<u64> {
        let address = format!("{}/_control/calls", self.simulator.base_url);
        let answer = self.http.get(address).send().await.unwrap();
        let calls: Value = answer.json().await.unwrap();
        calls.get(endpoint)?.as_u64()
    }

    /// Where somebody's way through the pages ends, and the query if that is back at our callback.
    pub(crate) async fn browse(
        &self,
        url: &Url,
        who: Uuid,
        answer: &str,
        extra: &Value,
    ) -> (Value, String) {
        let visit = json!({"url": url, "as": who, "answer": answer});
        let end = self.control("browse", merged(visit, extra)).await;
        let query = end.get("redirect").and_then(Value::as_str).map(|address| {
            let query = address.strip_prefix(CALLBACK).unwrap().strip_prefix('?');
            query.unwrap().to_owned()
        });
        (end, query.unwrap_or_default())
    }

    pub(crate) async fn back(&self, url: &Url, person: Uuid, answer: &str) -> String {
        self.browse(url, person, answer, &json!({})).await.1
    }

    pub(crate) fn authorize(&self, tenant: TenantRef, scopes: &str) -> (Url, Flow) {
        let pkce = new_pkce();
        let flow = Flow {
            tenant,
            nonce: random_token(),
            verifier: pkce.verifier,
        };
        let request = AuthorizeRequest {
            redirect_uri: &callback(),
            scopes: &words(&format!("openid profile {scopes}")),
            state: "s2",
            nonce: &flow.nonce,
            pkce_challenge: &pkce.challenge,
            account: AccountChoice::Silent,
        };
        (self.entra.authorize_url(&flow.tenant, request), flow)
    }

    /// A code for Ana, and the flow that it belongs to.
    pub(crate) async fn code(&self) -> (Flow, String) {
        let (url, flow) = self.authorize(TenantRef::Organizations, "Mail.Read");
        let query = self.back(&url, story::ANA, "accept").await;
        (flow, query)
    }

    pub(crate) async fn redeem(&self, flow: &Flow, query: &str) -> Result<Redeemed, RedeemError> {
        self.redeem_in(story::CONTOSO, flow, query).await
    }

    pub(crate) async fn redeem_in(
        &self,
        tenant: Uuid,
        flow: &Flow,
        query: &str,
    ) -> Result<Redeemed, RedeemError> {
        let back = UnverifiedAuthorizeCallback::parse(query).unwrap();
        assert_eq!(back.state, "s2");
        let (code, verifier) = (back.outcome.unwrap(), flow.verifier.clone());
        let expected = expecting(&flow.nonce, tenant);
        self.entra
            .redeem_code(&flow.tenant, code, &callback(), verifier, expected)
            .await
    }

    /// Verifies a token for Ana that the simulator makes to order, with the nonce `n1`.
    pub(crate) async fn verify(
        &self,
        order: &Value,
        tenant: Uuid,
    ) -> Result<VerifiedIdentity, IdTokenError> {
        let client_id = self.entra.client_id();
        let usual = json!({"tenant": story::CONTOSO, "user": story::ANA, "client_id": client_id, "nonce": "n1"});
        let made = self.control("id-token", merged(usual, order)).await;
        let token = made.get("id_token").and_then(Value::as_str).unwrap();
        self.entra
            .verify_id_token(token, &[client_id], expecting("n1", tenant))
            .await
    }
}

pub(crate) fn expecting(nonce: &str, tenant: Uuid) -> IdTokenExpectation<'_> {
    let (nonce, tenant) = (ExpectedNonce::Exactly(nonce), Some(tenant));
    IdTokenExpectation {
        nonce,
        tenant,
        personal_accounts: false,
    }
}

pub(crate) fn callback() -> Url {
    CALLBACK.parse().unwrap()
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

pub(crate) fn merged(mut first: Value, second: &Value) -> Value {
    let more = second.as_object().cloned().unwrap();
    first.as_object_mut().unwrap().extend(more);
    first
}
