//! As much of Microsoft as an ID token needs: keys, metadata, and tokens good and bad.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::KeyPair as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

pub(crate) const OUR_CLIENT: &str = "a55e0000-0000-4000-8000-00000000c1d1";
pub(crate) const HOST_CLIENT: &str = "a55e0000-0000-4000-8000-00000000c1d2";

pub(crate) const CONTOSO: Uuid = uuid!("c0000000-0000-4000-8000-000000000001");
pub(crate) const FABRIKAM: Uuid = uuid!("f0000000-0000-4000-8000-000000000001");
/// In GCC High.
pub(crate) const NORTHWIND_GOV: Uuid = uuid!("90000000-0000-4000-8000-000000000001");
pub(crate) const ANA: Uuid = uuid!("c0000000-0000-4000-8000-0000000000a1");

pub(crate) const PERSONAL_ACCOUNTS: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");
const KEY: &str = "key-1";

pub(crate) struct Microsoft {
    pub(crate) url: String,
    key: SigningKey,
    /// Published nowhere.
    other_key: SigningKey,
    trouble: Arc<Trouble>,
}

#[derive(Default)]
struct Trouble {
    keys_are_down: AtomicBool,
    metadata_is_silent: AtomicBool,
}

struct Served {
    url: String,
    keys: Value,
    trouble: Arc<Trouble>,
}

impl Microsoft {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (key, trouble) = (SigningKey::new(), Arc::new(Trouble::default()));
        let served = Arc::new(Served {
            keys: json!({"keys": [key.published(&format!("{url}/{{tenantid}}/v2.0"))]}),
            url: url.clone(),
            trouble: Arc::clone(&trouble),
        });
        let router = Router::new()
            .route(
                "/{tenant}/v2.0/.well-known/openid-configuration",
                get(metadata),
            )
            .route("/organizations/discovery/v2.0/keys", get(keys))
            .with_state(served);
        drop(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
        Self {
            url,
            key,
            other_key: SigningKey::new(),
            trouble,
        }
    }

    pub(crate) fn keys_are_down(&self, down: bool) {
        self.trouble.keys_are_down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn metadata_is_silent(&self, silent: bool) {
        self.trouble
            .metadata_is_silent
            .store(silent, Ordering::SeqCst);
    }

    pub(crate) fn id_token(&self, tenant: Uuid) -> String {
        self.key.sign(KEY, &self.claims(tenant))
    }

    /// Of somebody whom another tenant authenticated.
    pub(crate) fn id_token_of_a_guest(&self) -> String {
        self.with("idp", json!(format!("https://sts.windows.net/{FABRIKAM}/")))
    }

    pub(crate) fn id_token_for(&self, audience: &str) -> String {
        self.with("aud", json!(audience))
    }

    /// Each with what the refusal has to say.
    pub(crate) fn bad_tokens(&self) -> Vec<(String, &'static str)> {
        let good = self.claims(CONTOSO);
        let mut tampered: Vec<String> = self
            .id_token(CONTOSO)
            .split('.')
            .map(str::to_owned)
            .collect();
        tampered[1] = URL_SAFE_NO_PAD.encode(self.claims(FABRIKAM).to_string());
        vec![
            (String::new(), "not a JWT"),
            ("not.a.token".to_owned(), "JWT header"),
            (unsigned(&good), "not signed with RS256"),
            (self.key.sign_with_hmac(&good), "not signed with RS256"),
            (self.other_key.sign(KEY, &good), "signature"),
            (tampered.join("."), "signature"),
            (self.with("aud", json!("somebody-else")), "somebody else"),
            (self.with("iss", json!("https://evil.example/")), "issuer"),
            (self.with("tid", json!(FABRIKAM)), "issuer"),
            (self.with("exp", json!(now() - 3600)), "expired"),
            (self.with("nbf", json!(now() + 3600)), "not valid yet"),
            (self.with("oid", Value::Null), "no oid"),
            // Last: Microsoft is asked again for unknown keys, and not at once.
            (self.key.sign("key-2", &good), "key of the token is unknown"),
        ]
    }

    fn with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims(CONTOSO);
        claims[claim] = value;
        self.key.sign(KEY, &claims)
    }

    fn claims(&self, tenant: Uuid) -> Value {
        json!({
            "iss": format!("{}/{tenant}/v2.0", self.url), "tid": tenant, "oid": ANA, "preferred_username": "ana@contoso.example",
            "aud": OUR_CLIENT, "nonce": "the host checked it",
            "nbf": now() - 5, "exp": now() + 600,
        })
    }
}

async fn metadata(State(served): State<Arc<Served>>, Path(tenant): Path<String>) -> Response {
    let keys = format!("{}/organizations/discovery/v2.0/keys", served.url);
    if tenant == "organizations" {
        return Json(json!({"jwks_uri": keys})).into_response();
    }
    if served.trouble.metadata_is_silent.load(Ordering::SeqCst) {
        return std::future::pending().await;
    }
    let (region, sub_region, instance, graph) = if tenant == NORTHWIND_GOV.to_string() {
        (
            "USGov",
            "DODCON",
            "microsoftonline.us",
            "graph.microsoft.us",
        )
    } else {
        ("EU", "", "microsoftonline.com", "graph.microsoft.com")
    };
    Json(json!({
        "issuer": format!("{}/{tenant}/v2.0", served.url), "jwks_uri": keys,
        "tenant_region_scope": region, "tenant_region_sub_scope": sub_region,
        "cloud_instance_name": instance, "msgraph_host": graph,
    }))
    .into_response()
}

async fn keys(State(served): State<Arc<Served>>) -> Response {
    if served.trouble.keys_are_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(served.keys.clone()).into_response()
}

struct SigningKey {
    pair: KeyPair,
    pem: String,
}

impl SigningKey {
    fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Self { pair, pem }
    }

    fn sign(&self, name: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(name.to_owned());
        let key = EncodingKey::from_rsa_pem(self.pem.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }

    /// What a verifier that lets the token choose the algorithm would believe.
    fn sign_with_hmac(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(KEY.to_owned());
        let secret = EncodingKey::from_secret(self.pair.public_key().as_ref());
        jsonwebtoken::encode(&header, claims, &secret).unwrap()
    }

    fn published(&self, issuer: &str) -> Value {
        let numbers: PublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        json!({
            "kty": "RSA", "use": "sig", "kid": KEY, "issuer": issuer,
            "n": URL_SAFE_NO_PAD.encode(numbers.n), "e": URL_SAFE_NO_PAD.encode(numbers.e),
        })
    }
}

fn unsigned(claims: &Value) -> String {
    let header = json!({"alg": "none", "kid": KEY});
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", encode(&header), encode(claims))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
