//! An issuer of tokens: signs with real keys and publishes them over HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use assent_service_kit::BearerVerifier;
use assent_service_kit::config::HttpUrl;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{encoding::PublicKeyX509Der, hmac};
use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://host.example";
pub(crate) const AUDIENCE: &str = "assent";

pub(crate) enum Signer {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rs256(Box<RsaKeyPair>),
}

impl Signer {
    pub(crate) fn es256() -> Self {
        Self::Es256(Box::new(
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        ))
    }

    pub(crate) fn ed25519() -> Self {
        Self::EdDsa(Box::new(Ed25519KeyPair::generate().unwrap()))
    }

    pub(crate) fn rs256() -> Self {
        Self::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
            Self::Rs256(_) => "RS256",
        }
    }

    pub(crate) fn jwk(&self, id: &str) -> Value {
        let mut jwk = match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Self::EdDsa(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().as_ref())})
            }
            Self::Rs256(key) => {
                let public = key.public_key();
                json!({
                    "kty": "RSA",
                    "n": b64(public.modulus().big_endian_without_leading_zero()),
                    "e": b64(public.exponent().big_endian_without_leading_zero()),
                })
            }
        };
        jwk["kid"] = id.into();
        jwk["alg"] = self.algorithm().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The public key as a file would hold it, for the attack that uses it as
    /// an HMAC secret.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Es256(key) => key.public_key().as_der().unwrap(),
            Self::EdDsa(key) => key.public_key().as_der().unwrap(),
            Self::Rs256(key) => key.public_key().as_der().unwrap(),
        };
        der.as_ref().to_vec()
    }

    pub(crate) fn token(&self, id: &str, claims: &Value) -> String {
        self.token_with(&json!({"alg": self.algorithm(), "kid": id}), claims)
    }

    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let message = signed.as_bytes();
        let random = SystemRandom::new();
        let signature = match self {
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{signed}.{}", b64(&signature))
    }
}

pub(crate) fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = unsigned(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", b64(tag.as_ref()))
}

pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| b64(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Claims nothing is wrong with.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "account": "acme",
        "roles": ["super_admin"], "permissions": ["company_settings:manage"],
        "scope": "login:decide permissions:read", "jti": "one",
        "iat": now(), "exp": now() + 300,
    })
}

/// A running key set endpoint whose answer can be changed.
#[derive(Clone, Default)]
pub(crate) struct Published {
    answer: Arc<Mutex<Option<Value>>>,
    pub(crate) fetches: Arc<AtomicUsize>,
    address: String,
}

impl Published {
    pub(crate) async fn start(keys: Vec<Value>) -> Self {
        let mut published = Self::default();
        published.set(&keys);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        published.address = listener.local_addr().unwrap().to_string();
        let serving = published.clone();
        let router = Router::new().route(
            "/jwks",
            get(move || async move {
                serving.fetches.fetch_add(1, Ordering::SeqCst);
                match serving.answer.lock().unwrap().clone() {
                    Some(keys) => Ok(Json(keys)),
                    None => Err(StatusCode::INTERNAL_SERVER_ERROR),
                }
            }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        published
    }

    pub(crate) fn set(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = Some(json!({"keys": keys}));
    }

    pub(crate) fn answer(&self, answer: Option<Value>) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn fetched(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn verifier(&self) -> BearerVerifier {
        let url = HttpUrl::parse(&format!("http://{}/jwks", self.address)).unwrap();
        BearerVerifier::new(ISSUER, &url, AUDIENCE).unwrap()
    }
}
