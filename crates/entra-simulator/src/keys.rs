//! The keys that sign ID tokens: made at start, held in memory only, rotated on demand.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, KeyPair as _};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DnType};
use serde_json::{Value, json};
use thiserror::Error;
use uuid::{Uuid, uuid};

/// The tenant of personal Microsoft accounts: its keys sign for nobody else.
pub(crate) const CONSUMERS: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");

/// Who Entra's certificates are of, as they say.
const SUBJECT: &str = "accounts.accesscontrol.windows.net";

/// So many retired keys stay published.
const RETIRED_CAPACITY: usize = 4;

/// The cryptographic library refused. It never should.
#[derive(Clone, Copy, Debug, Error)]
#[error("a signing key could not be made or used")]
pub(crate) struct KeyError;

impl From<Unspecified> for KeyError {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<rcgen::Error> for KeyError {
    fn from(_: rcgen::Error) -> Self {
        Self
    }
}

/// One RSA key.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pair: KeyPair,
    modulus: String,
    exponent: String,
    public_key_info: Vec<u8>,
    /// DER.
    certificate: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let numbers: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
        let info: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
        let public_key_info = info.as_ref().to_vec();
        let certificate = certificate(&pair)?;
        // Entra's `kid` is the thumbprint of the key's certificate.
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            &certificate,
        ));
        Ok(Self {
            kid,
            pair,
            modulus: URL_SAFE_NO_PAD.encode(numbers.n),
            exponent: URL_SAFE_NO_PAD.encode(numbers.e),
            public_key_info,
            certificate,
        })
    }

    /// Making one takes a while, so it happens on a thread where that does not matter.
    pub(crate) async fn generate_aside() -> Result<Self, KeyError> {
        let made = tokio::task::spawn_blocking(Self::generate).await;
        made.map_err(|_| KeyError)?
    }

    /// An RS256 signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signed = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(
            &signature::RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signed,
        )?;
        Ok(signed)
    }

    /// The public key as a PEM: what a verifier confused about algorithms would take for an HMAC secret.
    pub(crate) fn hmac_with_public_pem(&self, message: &[u8]) -> Vec<u8> {
        let body = STANDARD.encode(&self.public_key_info);
        let lines: Vec<String> = body
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        );
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes()), message)
            .as_ref()
            .to_vec()
    }

    fn to_jwk(&self, issuer: &str) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid,
            "n": self.modulus, "e": self.exponent, "issuer": issuer, "x5c": [STANDARD.encode(&self.certificate)],
        })
    }
}

/// A certificate that a key signs for itself, for clients that take keys out of certificates only.
fn certificate(pair: &KeyPair) -> Result<Vec<u8>, KeyError> {
    let private: Pkcs8V1Der<'_> = pair.as_der()?;
    let key = rcgen::KeyPair::try_from(private.as_ref())?;
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, SUBJECT);
    Ok(parameters.self_signed(&key)?.der().to_vec())
}

/// All keys: the one in use, those used before, and the consumers' one.
#[derive(Debug)]
pub(crate) struct KeyRing {
    pub(crate) current: SigningKey,
    retired: Vec<SigningKey>,
    /// Published beside the others, but only good for personal accounts: its `issuer` says so.
    pub(crate) consumers: SigningKey,
}

impl KeyRing {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        Ok(Self {
            current: SigningKey::generate()?,
            retired: Vec::new(),
            consumers: SigningKey::generate()?,
        })
    }

    /// Puts `next` in use. The former key stays published unless `forget` says otherwise.
    pub(crate) fn rotate(&mut self, next: SigningKey, forget: bool) {
        let former = std::mem::replace(&mut self.current, next);
        if forget {
            self.retired.clear();
        } else {
            self.retired.insert(0, former);
            self.retired.truncate(RETIRED_CAPACITY);
        }
    }

    /// The published keys. `tenant` is `None` for `organizations` and `common`, where the issuer is a template.
    pub(crate) fn to_jwks(&self, base_url: &str, tenant: Option<Uuid>) -> Value {
        let issuer = tenant.map_or_else(
            || format!("{base_url}/{{tenantid}}/v2.0"),
            |id| format!("{base_url}/{id}/v2.0"),
        );
        let mut keys: Vec<Value> = std::iter::once(&self.current)
            .chain(&self.retired)
            .map(|key| key.to_jwk(&issuer))
            .collect();
        if tenant.is_none() {
            keys.push(
                self.consumers
                    .to_jwk(&format!("{base_url}/{CONSUMERS}/v2.0")),
            );
        }
        json!({ "keys": keys })
    }
}

/// Header and claims, ready to be signed.
pub(crate) fn signing_input(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

/// An ordinary RS256 token.
pub(crate) fn sign_jwt(key: &SigningKey, claims: &Value) -> Result<String, KeyError> {
    let input = signing_input(
        &json!({ "typ": "JWT", "alg": "RS256", "kid": key.kid }),
        claims,
    );
    let signature = key.sign(input.as_bytes())?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
