//! P1: login decisions over HTTP, against a server that does only what can't be left out.

use std::time::Duration;

use anyhow::Context as _;
use assent_dev_stack::NatsUser;
use reqwest::Client;
use serde_json::{Value, json};

use crate::Size;
use crate::ceiling::{Ceiling, Kind};
use crate::fixture::{ACCOUNT, Fixture, USER, ana};
use crate::measure::{Rounds, closed_loop};
use crate::p14_tokens::hold_a_token;
use crate::table::Row;

const CONNECTIONS: usize = 64;

pub(crate) async fn measure(fixture: &Fixture, size: Size) -> anyhow::Result<Row> {
    // As of everybody whose mailbox is synced: a login without one is offered a passage that brings one, each time.
    hold_a_token(fixture).await?;
    let http = Client::builder().timeout(Duration::from_secs(10)).build()?;
    let stack = &fixture.stack;
    let body = json!({
        "account_id": ACCOUNT,
        "user_id": USER,
        "sign_in": { "provider": "microsoft", "id_token": id_token(&http, stack.simulator.url()).await? },
    });
    let token = stack.host.service_token(&["login:decide"]);
    let request = Request {
        http,
        token,
        body: serde_json::to_vec(&body)?.into(),
    };

    let ours_url = format!("{}/v1/login-decisions", stack.login_hook.url());
    let answer = request.send(&ours_url).await?;
    let decision: Value = serde_json::from_slice(&answer)?;
    anyhow::ensure!(
        decision
            .get("decision")
            .is_some_and(|decision| decision == "proceed"),
        "unexpected decision: {decision}"
    );
    anyhow::ensure!(
        decision
            .get("degraded")
            .is_some_and(|degraded| degraded == false),
        "degraded decision: {decision}"
    );

    let settings = [
        ("BYTES", answer.len().to_string()),
        ("HOST_JWKS", stack.host.jwks_url().clone()),
        ("HOST_ISSUER", stack.host.issuer().clone()),
        ("ENTRA", stack.simulator.url().clone()),
    ];
    let echo_settings = [("BYTES", answer.len().to_string())];
    let echo = Ceiling::start(
        Kind::Echo,
        stack.nats(),
        NatsUser::Projection,
        &echo_settings,
    )?;
    echo.ready().await?;
    let server = Ceiling::start(Kind::Http, stack.nats(), NatsUser::LoginHook, &settings)?;
    let ceiling_url = format!("http://{}/v1/login-decisions", server.ready().await?);
    request
        .send(&ceiling_url)
        .await
        .context("the ceiling's server does not answer")?;

    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        ceiling.push(request.repeat(&ceiling_url, size).await?);
        ours.push(request.repeat(&ours_url, size).await?);
    }
    Ok(Row {
        name: "P1",
        what: "login decisions over HTTP",
        ours: Rounds::new(ours),
        ceiling: Rounds::new(ceiling),
        target: 0.85,
        how: format!(
            "{CONNECTIONS} connections, closed loop, {} s a round; the ceiling is an axum server \
             that verifies the same two tokens with jsonwebtoken, makes one NATS request to an \
             echo and answers {} bytes",
            size.seconds_per_round,
            answer.len()
        ),
    })
}

/// A login decision request, to be sent over and over.
#[derive(Debug, Clone)]
struct Request {
    http: Client,
    token: String,
    body: bytes::Bytes,
}

impl Request {
    async fn send(&self, url: &str) -> anyhow::Result<bytes::Bytes> {
        let response = self
            .http
            .post(url)
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(self.body.clone())
            .send()
            .await?;
        let status = response.status();
        let answer = response.bytes().await?;
        anyhow::ensure!(
            status.is_success(),
            "{status}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(answer)
    }

    async fn repeat(&self, url: &str, size: Size) -> anyhow::Result<f64> {
        let (request, url) = (self.clone(), url.to_owned());
        closed_loop(CONNECTIONS, size.seconds_per_round, move |_| {
            let (request, url) = (request.clone(), url.clone());
            async move { request.send(&url).await.map(drop) }
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
