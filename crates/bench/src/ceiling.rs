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
use crate::postgresql_client::Pool;

/// Where the echo listens. The projection's user may, and the others may ask it.
pub(crate) const ECHO_SUBJECT: &str = "consent.query.v1.benchmark-echo";

/// How many connections to PostgreSQL are kept.
const POOL: usize = 16;
/// What may be done for a user now, from two tables by their primary keys.
const EFFECTIVE: &str =
    "SELECT account.method, user_consent.own_permissions, user_consent.automatic_permissions,
    account.email_sync, user_consent.answered, user_consent.last_event
    FROM account JOIN user_consent USING (account_id, epoch)
    WHERE account_id = $1 AND user_id = $2";

/// What a ceiling process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Answers NATS requests with a fixed number of bytes.
    Echo,
    /// Verifies two tokens, asks the echo, answers.
    Http,
    /// Verifies two tokens, asks PostgreSQL, answers.
    Postgresql,
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
            Kind::Postgresql => "postgresql",
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
    match kind {
        Kind::Echo => echo(nats().await?, setting("BYTES")?.parse()?).await,
        Kind::Http => http(Behind::Nats(nats().await?)).await,
        Kind::Postgresql => {
            let folder = setting("POSTGRESQL")?;
            let pool = Pool::connect(folder.as_ref(), POOL, EFFECTIVE).await?;
            http(Behind::Postgresql(pool)).await
        }
    }
}

async fn nats() -> anyhow::Result<async_nats::Client> {
    raw_client_to(
        &setting("NATS_URL")?,
        setting("NATS_USER")?,
        setting("NATS_PASSWORD")?,
    )
    .await
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

/// Verifies the tokens of a login, each time both.
struct Tokens {
    host: (DecodingKey, Validation),
    microsoft: Vec<(String, DecodingKey)>,
    microsoft_rules: Validation,
}

/// Where it is known what may be done for a user.
enum Behind {
    Nats(async_nats::Client),
    Postgresql(Pool),
}

struct Server {
    tokens: Tokens,
    behind: Behind,
    answer: Bytes,
}

async fn http(behind: Behind) -> anyhow::Result<()> {
    let server = Arc::new(Server {
        tokens: Tokens::fetch().await?,
        behind,
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
    let request = server.tokens.verify(&headers, &body)?;
    server.behind.ask(&request).await?;
    Ok(server.answer.clone())
}

impl Tokens {
    async fn fetch() -> anyhow::Result<Self> {
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
        let microsoft = microsoft_keys.keys.iter();
        let mut microsoft_rules = Validation::new(Algorithm::RS256);
        microsoft_rules
            .set_audience(&[assent_entra_simulator::story::ASSENT_CLIENT_ID.to_string()]);
        Ok(Self {
            host: (DecodingKey::from_jwk(host_key)?, host_rules),
            microsoft: microsoft
                .filter_map(|key| {
                    Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?))
                })
                .collect(),
            microsoft_rules,
        })
    }

    /// The request's body, if both tokens are good.
    fn verify(&self, headers: &HeaderMap, body: &Bytes) -> Result<Value, StatusCode> {
        let bad = StatusCode::BAD_REQUEST;
        let bearer = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .ok_or(StatusCode::UNAUTHORIZED)?;
        let (key, rules) = &self.host;
        decode::<Value>(bearer, key, rules).map_err(|_| StatusCode::UNAUTHORIZED)?;

        let request: Value = serde_json::from_slice(body).map_err(|_| bad)?;
        let token = request
            .pointer("/sign_in/id_token")
            .and_then(Value::as_str)
            .ok_or(bad)?;
        let key_id = decode_header(token)
            .ok()
            .and_then(|header| header.kid)
            .ok_or(bad)?;
        let mut keys = self.microsoft.iter();
        let (_, key) = keys.find(|(name, _)| *name == key_id).ok_or(bad)?;
        decode::<Value>(token, key, &self.microsoft_rules).map_err(|_| bad)?;
        Ok(request)
    }
}

impl Behind {
    async fn ask(&self, request: &Value) -> Result<(), StatusCode> {
        let away = StatusCode::SERVICE_UNAVAILABLE;
        match self {
            Self::Nats(client) => {
                let asked = Bytes::from_static(br#"{"account_id":"bench","user_id":"ana"}"#);
                let answered = client.request(ECHO_SUBJECT, asked).await;
                answered.map(drop).map_err(|_| away)
            }
            Self::Postgresql(pool) => {
                let id = |field| request.get(field).and_then(Value::as_str);
                let bad = StatusCode::BAD_REQUEST;
                let parameters = [id("account_id").ok_or(bad)?, id("user_id").ok_or(bad)?];
                let row = pool.first_row(parameters).await.map_err(|_| away)?;
                let [method, own, automatic, ..] = row.as_slice() else {
                    return Err(away);
                };
                let effective = if method == "admin_configured" {
                    automatic
                } else {
                    own
                };
                let effective: u32 = effective.parse().map_err(|_| away)?;
                // Whoever may do nothing would be asked; in this benchmark nobody is.
                if effective == 0 { Err(away) } else { Ok(()) }
            }
        }
    }
}
