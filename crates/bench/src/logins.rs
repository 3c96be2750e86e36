//! Login decisions over HTTP: the request that P1, P2 and P3 send over and over, and who answers it.

use std::time::Duration;

use anyhow::Context as _;
use assent_dev_stack::NatsUser;
use bytes::Bytes;
use reqwest::Client;
use serde_json::{Value, json};

use crate::ceiling::{Ceiling, Kind};
use crate::fixture::{ACCOUNT, Fixture, USER, ana};
use crate::measure::closed_loop;
use crate::p14_tokens::hold_a_token;

/// How many ask at a time in a closed loop.
pub(crate) const CONNECTIONS: usize = 64;

/// Our login hook and the ceiling's server, both ready to be asked.
pub(crate) struct Logins {
    pub(crate) ours: Asked,
    pub(crate) ceiling: Asked,
    /// How long the answers are.
    pub(crate) bytes: usize,
    _echo: Ceiling,
    _server: Ceiling,
}

/// A server, and what it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    http: Client,
    url: String,
    token: String,
    body: Bytes,
}

impl Logins {
    pub(crate) async fn prepare(fixture: &Fixture) -> anyhow::Result<Self> {
        // As of everybody whose mailbox is synced: a login without one is offered a passage that brings one, each time.
        hold_a_token(fixture).await?;
        let stack = &fixture.stack;
        let ours = Asked::of(fixture, &stack.login_hook.url().clone()).await?;
        let answer = ours.send().await?;
        let decision: Value = serde_json::from_slice(&answer)?;
        for (field, expected) in [("decision", json!("proceed")), ("degraded", json!(false))] {
            anyhow::ensure!(
                decision.get(field) == Some(&expected),
                "unexpected decision: {decision}"
            );
        }
        let echo_settings = [("BYTES", answer.len().to_string())];
        let echo = Ceiling::start(
            Kind::Echo,
            stack.nats(),
            NatsUser::Projection,
            &echo_settings,
        )?;
        echo.ready().await?;
        let settings = token_settings(fixture, answer.len());
        let server = Ceiling::start(Kind::Http, stack.nats(), NatsUser::LoginHook, &settings)?;
        let ceiling = ours.by(server.ready().await?);
        ceiling
            .send()
            .await
            .context("the ceiling's server does not answer")?;
        Ok(Self {
            ours,
            ceiling,
            bytes: answer.len(),
            _echo: echo,
            _server: server,
        })
    }
}

/// What a server needs to verify the two tokens, and how long its answer is to be.
pub(crate) fn token_settings(fixture: &Fixture, bytes: usize) -> [(&'static str, String); 4] {
    let stack = &fixture.stack;
    [
        ("BYTES", bytes.to_string()),
        ("HOST_JWKS", stack.host.jwks_url().clone()),
        ("HOST_ISSUER", stack.host.issuer().clone()),
        ("ENTRA", stack.simulator.url().clone()),
    ]
}

impl Asked {
    async fn of(fixture: &Fixture, login_hook: &str) -> anyhow::Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(10)).build()?;
        let id_token = id_token(&http, fixture.stack.simulator.url()).await?;
        let body = json!({
            "account_id": ACCOUNT,
            "user_id": USER,
            "sign_in": { "provider": "microsoft", "id_token": id_token },
        });
        Ok(Self {
            http,
            url: format!("{login_hook}/v1/login-decisions"),
            token: fixture.stack.host.service_token(&["login:decide"]),
            body: serde_json::to_vec(&body)?.into(),
        })
    }

    /// The same question to another server.
    pub(crate) fn by(&self, server: std::net::SocketAddr) -> Self {
        Self {
            url: format!("http://{server}/v1/login-decisions"),
            ..self.clone()
        }
    }

    pub(crate) async fn send(&self) -> anyhow::Result<Bytes> {
        let request = self.http.post(&self.url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json");
        let response = request.body(self.body.clone()).send().await?;
        let status = response.status();
        let answer = response.bytes().await?;
        anyhow::ensure!(
            status.is_success(),
            "{status}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(answer)
    }

    /// Answers per second, where [`CONNECTIONS`] ask again as soon as they are answered.
    pub(crate) async fn rate(&self, seconds: f64) -> anyhow::Result<f64> {
        let asked = self.clone();
        closed_loop(CONNECTIONS, seconds, move |_| {
            let asked = asked.clone();
            async move { asked.send().await.map(drop) }
        })
        .await
    }
}

/// An ID token of Ana's, from the simulator.
async fn id_token(http: &Client, simulator: impl std::fmt::Display) -> anyhow::Result<String> {
    let (tenant, user) = ana();
    let response: Value = http
        .post(format!("{simulator}/_control/id-token"))
        .json(&json!({
            "tenant": tenant,
            "user": user,
            "client_id": assent_entra_simulator::story::ASSENT_CLIENT_ID,
        }))
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let token = response
        .get("id_token")
        .and_then(Value::as_str)
        .context("the simulator gave no ID token")?;
    Ok(token.to_owned())
}
