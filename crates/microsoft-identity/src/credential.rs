//! Proving at the token endpoint that we are the registered application.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;

use crate::settings::{ClientCredential, SettingsError};

/// Microsoft recommends five to ten minutes.
const ASSERTION_LIFETIME: u64 = 300;

/// A credential, read and tried once.
pub(crate) enum Credential {
    None,
    Secret(SecretString),
    Certificate {
        key: EncodingKey,
        thumbprint: String,
    },
}

#[derive(Serialize)]
struct Assertion<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: Uuid,
    nbf: u64,
    iat: u64,
    exp: u64,
}

impl Credential {
    pub(crate) fn prepare(credential: Option<ClientCredential>) -> Result<Self, SettingsError> {
        match credential {
            None => Ok(Self::None),
            Some(ClientCredential::Secret(secret)) => Ok(Self::Secret(secret)),
            Some(ClientCredential::Certificate {
                key_pem,
                certificate_pem,
            }) => {
                let unreadable =
                    |error: jsonwebtoken::errors::Error| SettingsError::PrivateKey(error.into());
                let key = EncodingKey::from_rsa_pem(key_pem.expose_secret().as_bytes())
                    .map_err(unreadable)?;
                let certificate =
                    first_certificate(&certificate_pem).ok_or(SettingsError::Certificate)?;
                let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
                // A key that cannot sign should stop the start, not the first customer.
                sign(&key, &thumbprint, "client", "https://localhost/", 0).map_err(unreadable)?;
                Ok(Self::Certificate { key, thumbprint })
            }
        }
    }
}

/// A client assertion for one token request (`private_key_jwt`). The audience is the very endpoint it is sent to.
pub(crate) fn client_assertion(
    key: &EncodingKey,
    thumbprint: &str,
    client_id: &str,
    token_endpoint: &Url,
    now: u64,
) -> Result<String, jsonwebtoken::errors::Error> {
    sign(key, thumbprint, client_id, token_endpoint.as_str(), now)
}

fn sign(
    key: &EncodingKey,
    thumbprint: &str,
    client_id: &str,
    audience: &str,
    now: u64,
) -> Result<String, jsonwebtoken::errors::Error> {
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(thumbprint.to_owned());
    let claims = Assertion {
        aud: audience,
        iss: client_id,
        sub: client_id,
        jti: Uuid::new_v4(),
        nbf: now,
        iat: now,
        exp: now.saturating_add(ASSERTION_LIFETIME),
    };
    jsonwebtoken::encode(&header, &claims, key)
}

/// The DER of the first certificate of a PEM file.
fn first_certificate(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Certificate { .. } => f.write_str("Certificate(..)"),
        }
    }
}
