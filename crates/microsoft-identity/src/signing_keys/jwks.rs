//! Reading a published key set.

use std::collections::HashMap;

use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use super::{KeysError, SigningKey};
use crate::transport::parse;

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    issuer: Option<String>,
}

/// The usable keys of a JWKS: RSA, for signatures, with a name and an issuer. Without an issuer a key proves nothing.
pub(super) fn read(body: &[u8]) -> Result<HashMap<String, SigningKey>, KeysError> {
    let jwks: Jwks = parse(body).ok_or(KeysError::Nonsense("not a key set"))?;
    let usable = |jwk: Jwk| {
        if jwk.kty != "RSA" || jwk.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let decoding = DecodingKey::from_rsa_components(&jwk.n?, &jwk.e?).ok()?;
        Some((
            jwk.kid?,
            SigningKey {
                decoding,
                issuer: jwk.issuer?,
            },
        ))
    };
    let keys: HashMap<String, SigningKey> = jwks.keys.into_iter().filter_map(usable).collect();
    if keys.is_empty() {
        Err(KeysError::Nonsense("no usable key"))
    } else {
        Ok(keys)
    }
}
