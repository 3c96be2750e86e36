//! A client assertion (`private_key_jwt`): a few claims about ourselves, signed for one token request.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

pub(super) const ALGORITHM: Algorithm = Algorithm::PS256;

/// Microsoft recommends five to ten minutes.
const LIFETIME: u64 = 300;

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

pub(super) fn sign(
    key: &EncodingKey,
    thumbprint: &str,
    client_id: &str,
    audience: &str,
    now: u64,
) -> Result<String, jsonwebtoken::errors::Error> {
    let mut header = Header::new(ALGORITHM);
    header.x5t_s256 = Some(thumbprint.to_owned());
    let claims = Assertion {
        aud: audience,
        iss: client_id,
        sub: client_id,
        jti: Uuid::new_v4(),
        nbf: now,
        iat: now,
        exp: now.saturating_add(LIFETIME),
    };
    jsonwebtoken::encode(&header, &claims, key)
}
