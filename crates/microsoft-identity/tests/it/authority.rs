//! An authority whose answers a test decides, down to the wrong ones that no faithful stand-in gives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use assent_microsoft_identity::{ClientCredential, Credentials, Entra, Settings};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::KeyPair as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use url::Url;
use uuid::{Uuid, uuid};

pub(crate) const CLIENT: &str = "a55e0000-0000-4000-8000-00000000c1d1";
pub(crate) const TENANT: Uuid = uuid!("c0000000-0000-4000-8000-000000000001");
pub(crate) const PERSON: Uuid = uuid!("c0000000-0000-4000-8000-0000000000a1");
pub(crate) const PATIENCE: Duration = Duration::from_millis(1500);

/// What to answer at one path.
#[derive(Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    Redirect(String),
    Huge,
    Silence,
}

type Answers = HashMap<String, Answer>;

#[derive(Default)]
struct Script {
    answers: Mutex<Answers>,
    /// Path and query, and body, of every request in order.
    requests: Mutex<Vec<(String, String)>>,
}

pub(crate) struct Authority {
    pub(crate) url: Url,
    script: Arc<Script>,
}

impl Authority {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let script = Arc::new(Script::default());
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        drop(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
        let authority = Self { url, script };
        let keys_address = authority
            .url
            .join("organizations/discovery/v2.0/keys")
            .unwrap();
        authority.at(
            "/organizations/v2.0/.well-known/openid-configuration",
            Answer::Json(200, json!({"jwks_uri": keys_address})),
        );
        authority
    }

    pub(crate) fn at(&self, path: &str, answer: Answer) {
        self.script
            .answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), answer);
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        let issuer = format!("{}{{tenantid}}/v2.0", self.url);
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk(&issuer)).collect();
        self.at(
            "/organizations/discovery/v2.0/keys",
            Answer::Json(200, json!({"keys": keys})),
        );
    }

    /// The bodies of the requests whose path contains `part`.
    pub(crate) fn requests(&self, part: &str) -> Vec<String> {
        let requests = self.script.requests.lock().unwrap();
        requests
            .iter()
            .filter(|(path, _)| path.contains(part))
            .map(|(_, body)| body.clone())
            .collect()
    }

    pub(crate) fn client(&self, credential: Option<ClientCredential>) -> Entra {
        client_of(&self.url, credential)
    }

    pub(crate) fn id_token(&self, key: &Key) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        key.sign(&json!({
            "iss": format!("{}{TENANT}/v2.0", self.url), "aud": CLIENT, "tid": TENANT, "oid": PERSON,
            "nonce": "n1", "nbf": now, "exp": now + 600,
        }))
    }
}

pub(crate) fn client_of(url: &Url, credential: Option<ClientCredential>) -> Entra {
    let credentials = credential.map_or(Credentials::None, Credentials::One);
    Entra::new(settings_for(url, credentials)).unwrap()
}

/// Everything at one address.
pub(crate) fn settings_for(url: &Url, credentials: Credentials) -> Settings {
    Settings {
        authority: url.clone(),
        national_authorities: Vec::new(),
        graph_url: url.clone(),
        autodiscover_url: url.clone(),
        client_id: CLIENT.to_owned(),
        credentials,
        timeout: PATIENCE,
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let whole = request.uri().to_string();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    script
        .requests
        .lock()
        .unwrap()
        .push((whole, String::from_utf8(body.to_vec()).unwrap()));
    let answer = script.answers.lock().unwrap().get(&path).cloned();
    match answer {
        Some(Answer::Json(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        }
        Some(Answer::Redirect(to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Some(Answer::Huge) => " ".repeat(2 << 20).into_response(),
        Some(Answer::Silence) => std::future::pending().await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A signing key of the authority's, or of somebody who would like to be it.
pub(crate) struct Key {
    name: &'static str,
    pair: KeyPair,
    pem: String,
}

impl Key {
    pub(crate) fn new(name: &'static str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Self { name, pair, pem }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.name.to_owned());
        jsonwebtoken::encode(
            &header,
            claims,
            &EncodingKey::from_rsa_pem(self.pem.as_bytes()).unwrap(),
        )
        .unwrap()
    }

    fn jwk(&self, issuer: &str) -> Value {
        let numbers: PublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        json!({
            "kty": "RSA", "use": "sig", "kid": self.name, "issuer": issuer,
            "n": URL_SAFE_NO_PAD.encode(numbers.n), "e": URL_SAFE_NO_PAD.encode(numbers.e),
        })
    }
}
