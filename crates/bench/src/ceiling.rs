//! The rivals: processes that do only what can't be left out.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use assent_dev_stack::{NatsServer, NatsUser};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures::StreamExt;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::fixture::raw_client_to;

/// Where the echo listens. The projection's user may, and the others may ask it.
pub(crate) const ECHO_SUBJECT: &str = "consent.query.v1.benchmark-echo";

/// What a ceiling process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Answers NATS requests with a fixed number of bytes.
    Echo,
    /// Verifies two tokens, asks the echo, answers.
    Http,
}

/// A ceiling process; it ends with this.
#[derive(Debug)]
pub(crate) struct Ceiling(std::sync::Mutex<Child>);

impl Ceiling {
    pub(crate) fn start(
        kind: Kind,
        nats: &NatsServer,
        user: NatsUser,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let (name, password) = nats.credentials(user);
        let kind = match kind {
            Kind::Echo => "echo",
            Kind::Http => "http",
        };
        let child = Command::new(std::env::current_exe()?)
            .args(["--ceiling", kind])
            .env("BENCH_NATS_URL", nats.url())
            .env("BENCH_NATS_USER", name)
            .env("BENCH_NATS_PASSWORD", password)
            .envs(
                settings
                    .iter()
                    .map(|(name, value)| (format!("BENCH_{name}"), value)),
            )
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(std::sync::Mutex::new(child)))
    }

    /// Waits until it says that it is there, and where.
    pub(crate) async fn ready(&self) -> anyhow::Result<SocketAddr> {
        let out = {
            let mut child = self.0.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
            child.stdout.take().context("asked twice")?
        };
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(out).read_line(&mut line).map(|_| line)
        })
        .await??;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        if let Ok(mut child) = self.0.lock() {
            // It may be gone already, which is what is wanted.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Is such a process.
pub(crate) async fn serve(kind: Kind) -> anyhow::Result<()> {
    let client = raw_client_to(
        &setting("NATS_URL")?,
        setting("NATS_USER")?,
        setting("NATS_PASSWORD")?,
    )
    .await?;
    match kind {
        Kind::Echo => echo(client, setting("BYTES")?.parse()?).await,
        Kind::Http => http(client).await,
    }
}

fn setting(name: &str) -> anyhow::Result<String> {
    std::env::var(format!("BENCH_{name}")).with_context(|| format!("BENCH_{name} is not set"))
}

async fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = tokio::io::stdout();
    out.write_all(format!("{address}\n").as_bytes()).await?;
    out.flush().await?;
    Ok(())
}

async fn echo(client: async_nats::Client, bytes: usize) -> anyhow::Result<()> {
    let mut requests = client.subscribe(ECHO_SUBJECT).await?;
    client.flush().await?;
    announce(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let answer = Bytes::from(vec![b'x'; bytes]);
    while let Some(request) = requests.next().await {
        if let Some(reply) = request.reply {
            client.publish(reply, answer.clone()).await?;
        }
    }
    Ok(())
}

struct Server {
    client: async_nats::Client,
    host: (DecodingKey, Validation),
    microsoft: Vec<(String, DecodingKey)>,
    microsoft_rules: Validation,
    answer: Bytes,
}

async fn http(client: async_nats::Client) -> anyhow::Result<()> {
    let host_keys: JwkSet = reqwest::get(setting("HOST_JWKS")?).await?.json().await?;
    let host_key = host_keys
        .keys
        .first()
        .context("the host application has no key")?;
    let mut host_rules = Validation::new(Algorithm::ES256);
    host_rules.set_audience(&["assent"]);
    host_rules.set_issuer(&[setting("HOST_ISSUER")?]);

    let keys = format!("{}/organizations/discovery/v2.0/keys", setting("ENTRA")?);
    let microsoft_keys: JwkSet = reqwest::get(keys).await?.json().await?;
    let microsoft = microsoft_keys
        .keys
        .iter()
        .filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?)))
        .collect();
    let mut microsoft_rules = Validation::new(Algorithm::RS256);
    microsoft_rules.set_audience(&[assent_entra_simulator::story::ASSENT_CLIENT_ID.to_string()]);

    let server = Arc::new(Server {
        client,
        host: (DecodingKey::from_jwk(host_key)?, host_rules),
        microsoft,
        microsoft_rules,
        answer: Bytes::from(vec![b'x'; setting("BYTES")?.parse()?]),
    });
    let app = Router::new()
        .route("/v1/login-decisions", post(decide))
        .with_state(server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

async fn decide(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Bytes, StatusCode> {
    let bad = StatusCode::BAD_REQUEST;
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let (key, rules) = &server.host;
    decode::<Value>(bearer, key, rules).map_err(|_| StatusCode::UNAUTHORIZED)?;

    let request: Value = serde_json::from_slice(&body).map_err(|_| bad)?;
    let token = request
        .pointer("/sign_in/id_token")
        .and_then(Value::as_str)
        .ok_or(bad)?;
    let key_id = decode_header(token)
        .ok()
        .and_then(|header| header.kid)
        .ok_or(bad)?;
    let (_, key) = server
        .microsoft
        .iter()
        .find(|(name, _)| *name == key_id)
        .ok_or(bad)?;
    decode::<Value>(token, key, &server.microsoft_rules).map_err(|_| bad)?;

    let asked = Bytes::from_static(br#"{"account_id":"bench","user_id":"ana"}"#);
    server
        .client
        .request(ECHO_SUBJECT, asked)
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(server.answer.clone())
}
