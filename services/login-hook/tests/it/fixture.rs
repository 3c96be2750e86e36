//! Everything around one login hook, and the host application's way of asking it.

use std::ffi::OsString;
use std::sync::MutexGuard;
use std::time::Duration;

use assent_contract::values::PersonId;
use assent_dev_stack::{HostApplication, NatsServer, NatsUser, ReservedPort};
use assent_service_kit::{Runtime, config};
use login_hook::config::{Config, PROGRAM};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::fake_services::{self, EVERYTHING, Reply, Script, Shared};
use crate::microsoft::{ANA, CONTOSO, HOST_CLIENT, Microsoft, OUR_CLIENT};

/// Longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Whose mailbox Ana's is.
pub(crate) const ANAS_MAILBOX: PersonId = PersonId {
    tenant_id: CONTOSO,
    object_id: ANA,
};

pub(crate) struct Fixture {
    pub(crate) nats: NatsServer,
    pub(crate) host: HostApplication,
    pub(crate) microsoft: Microsoft,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) runtime: Runtime,
    script: Shared,
    _port: ReservedPort,
}

impl Fixture {
    /// With deadlines that no busy machine misses, and both services playing.
    pub(crate) async fn start() -> Self {
        Self::start_with_deadline("5000").await
    }

    pub(crate) async fn start_with_deadline(query_ms: &str) -> Self {
        let fixture = Self::start_alone(query_ms, Microsoft::start().await).await;
        fixture.serve_fakes().await;
        // A prompt needs the projection as well as the gateway.
        let body = other_sign_in();
        until("both services answer", async || {
            fixture.decide(&body).await["authorize_url"].is_string()
        })
        .await;
        fixture.forget();
        fixture
    }

    /// Nobody answers over NATS yet.
    pub(crate) async fn start_alone(query_ms: &str, microsoft: Microsoft) -> Self {
        let nats = NatsServer::start().await.unwrap();
        Self::start_over(nats, query_ms, microsoft).await
    }

    pub(crate) async fn start_over(nats: NatsServer, query_ms: &str, microsoft: Microsoft) -> Self {
        let host = HostApplication::start().await.unwrap();
        let port = ReservedPort::pick().unwrap();
        let mut environment = nats.environment(NatsUser::LoginHook);
        environment.extend(host.environment());
        let ours = [
            ("ASSENT_LISTEN", port.address().to_string()),
            ("ASSENT_ENTRA_AUTHORITY", microsoft.url.clone()),
            ("ASSENT_ENTRA_CLIENT_ID", OUR_CLIENT.to_owned()),
            ("ASSENT_HOST_ENTRA_CLIENT_ID", HOST_CLIENT.to_owned()),
            ("ASSENT_QUERY_TIMEOUT_MS", query_ms.to_owned()),
            ("ASSENT_COMMAND_TIMEOUT_MS", query_ms.to_owned()),
        ];
        environment.extend(ours.map(|(name, value)| (name.to_owned(), value)));
        let environment = environment
            .into_iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let config: Config =
            config::load(PROGRAM.variables, PROGRAM.known_names, environment, None).unwrap();

        let runtime = Runtime::new();
        drop(tokio::spawn(login_hook::app::run(config, runtime.clone())));
        let fixture = Self {
            nats,
            host,
            microsoft,
            base: format!("http://{}", port.address()),
            http: reqwest::Client::new(),
            runtime,
            script: Script::new(),
            _port: port,
        };
        until("the login hook listens", async || {
            let live = fixture.http.get(format!("{}/livez", fixture.base));
            live.send().await.is_ok()
        })
        .await;
        fixture
    }

    /// Has the projection and the gateway answer as the script says.
    pub(crate) async fn serve_fakes(&self) {
        fake_services::serve_fakes(&self.nats, &self.script).await;
    }

    /// Has a token broker play, too.
    pub(crate) async fn with_broker(self) -> Self {
        fake_services::serve_broker(&self.nats, &self.script).await;
        let signed_in = self.ana_with_everything();
        until("the token broker answers", async || {
            self.decide(&signed_in).await["connect_url"].is_string()
        })
        .await;
        self.passage_ended().await;
        self
    }

    /// Ana's passage is over, and the login hook has heard of it.
    pub(crate) async fn passage_ended(&self) {
        fake_services::tell_of_an_ended_passage(&self.nats).await;
        // What is asked over NATS from here on is answered after that.
        self.decide(&other_sign_in()).await;
        self.forget();
    }

    /// Ana has all that she can have, of the mailbox that she signs in as.
    pub(crate) fn ana_with_everything(&self) -> Value {
        let state = fake_services::consented(CONTOSO, EVERYTHING, EVERYTHING);
        self.script().state = Reply::With(fake_services::of_mailbox(state, ANAS_MAILBOX));
        self.microsoft_sign_in(CONTOSO)
    }

    /// What the faked services answer and were asked. Don't hold it while asking.
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(crate) fn forget(&self) {
        let mut script = self.script();
        script.queries.clear();
        script.grants.clear();
        script.flows.clear();
        script.connections.clear();
        script.custody_queries.clear();
        script.deposits.clear();
        script.traceparents.clear();
    }

    pub(crate) fn microsoft_sign_in(&self, tenant: Uuid) -> Value {
        sign_in_with(&self.microsoft.id_token(tenant))
    }

    /// The decision; the test fails if there is none.
    pub(crate) async fn decide(&self, body: &Value) -> Value {
        let (status, answer) = self.ask(body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    pub(crate) async fn ask(&self, body: &Value) -> (StatusCode, Value) {
        let token = self.host.service_token(&["login:decide"]);
        self.ask_as(&token, &body.to_string()).await
    }

    pub(crate) async fn ask_as(&self, token: &str, body: &str) -> (StatusCode, Value) {
        let request = self
            .http
            .post(format!("{}/v1/login-decisions", self.base))
            .header("content-type", "application/json")
            .bearer_auth(token)
            .body(body.to_owned());
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

/// A login by any other means.
pub(crate) fn other_sign_in() -> Value {
    json!({"account_id": "acme", "user_id": "ana", "sign_in": {"provider": "other"}})
}

/// A login through Microsoft, with this ID token.
pub(crate) fn sign_in_with(id_token: &str) -> Value {
    let sign_in = json!({"provider": "microsoft", "id_token": id_token});
    json!({"account_id": "acme", "user_id": "ana", "sign_in": sign_in})
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
