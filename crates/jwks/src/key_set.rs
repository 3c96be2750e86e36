//! Reading a published key set.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

/// A published key that verifies signatures of one algorithm: RS256, ES256 or EdDSA.
#[derive(Debug, Clone)]
pub struct SignatureKey {
    /// The key's name (`kid`).
    pub id: Option<String>,
    /// The one algorithm that the key may be used with. The key decides which that is, not the token.
    pub algorithm: Algorithm,
    /// The key itself.
    pub decoding: DecodingKey,
    /// The issuer for which the key signs, where the set says so, as Microsoft's do.
    pub issuer: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct PublishedKey {
    #[serde(flatten)]
    jwk: Jwk,
    issuer: Option<String>,
}

/// The keys of a JSON Web Key Set that verify signatures; other keys in it, and what is none, are passed over.
pub fn signature_keys(document: &[u8]) -> Result<Vec<SignatureKey>, serde_json::Error> {
    // Some servers begin text files with a byte order mark.
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let document: Document = serde_json::from_slice(document)?;
    let keys = document.keys.into_iter();
    Ok(keys
        .filter_map(|key| signature_key(serde_json::from_value(key).ok()?))
        .collect())
}

fn signature_key(PublishedKey { jwk, issuer }: PublishedKey) -> Option<SignatureKey> {
    let usage = jwk.common.public_key_use.as_ref();
    if usage.is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    Some(SignatureKey {
        algorithm: algorithm_of(&jwk)?,
        decoding: DecodingKey::from_jwk(&jwk).ok()?,
        id: jwk.common.key_id,
        issuer,
    })
}

/// The one algorithm of a key; none where it is of a kind that is not taken. Asymmetric ones only: with HS256 whoever
/// knows the public key signs.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list is open; what is not named is not accepted"
)]
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    let (declared, algorithm) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (KeyAlgorithm::RS256, Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (KeyAlgorithm::ES256, Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (KeyAlgorithm::EdDSA, Algorithm::EdDSA)
        }
        _ => return None,
    };
    let is_of_another = jwk.common.key_algorithm.is_some_and(|of| of != declared);
    (!is_of_another).then_some(algorithm)
}
