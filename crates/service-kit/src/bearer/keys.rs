//! The keys of one fetch, ready to verify with.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::BearerError;

/// Clocks differ by this much.
const LEEWAY_SECONDS: u64 = 30;

/// Asymmetric signatures only: with HS256 whoever knows the public key signs.
pub(super) fn allowed_algorithm(algorithm: Algorithm) -> bool {
    [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&algorithm)
}

/// One public key with all that is needed to use it.
pub(super) struct Key {
    decoding: DecodingKey,
    validation: Validation,
    algorithm: Algorithm,
}

impl Key {
    fn new(jwk: &Jwk, issuer: &str, audience: &str) -> Option<Self> {
        let algorithm = algorithm_of(jwk)?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // `sub` is read by ourselves: to the library one that is no string is none at all.
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        Some(Self {
            decoding: DecodingKey::from_jwk(jwk).ok()?,
            validation,
            algorithm,
        })
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    pub(super) fn validation(&self) -> &Validation {
        &self.validation
    }
}

/// The one algorithm a key may be used with; none if we take no such keys.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list is open; what is not named is not accepted"
)]
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    if jwk
        .common
        .public_key_use
        .as_ref()
        .is_some_and(|purpose| *purpose != PublicKeyUse::Signature)
    {
        return None;
    }
    let (named, algorithm) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (KeyAlgorithm::RS256, Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (KeyAlgorithm::ES256, Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (KeyAlgorithm::EdDSA, Algorithm::EdDSA)
        }
        _ => return None,
    };
    match jwk.common.key_algorithm {
        None => Some(algorithm),
        Some(declared) => (declared == named).then_some(algorithm),
    }
}

/// What there is of a key that a token names.
pub(super) enum Found {
    Key(Arc<Key>),
    /// The id is known, for tokens that are signed otherwise.
    OfAnotherAlgorithm,
    Nothing,
}

/// What one fetch brought.
pub(super) struct KeySet {
    /// Keys of several algorithms may share an id (RFC 7517 section 4.5).
    by_id: HashMap<String, Vec<Arc<Key>>>,
    /// The only key there is; it serves tokens that name none.
    only: Option<Arc<Key>>,
    pub(super) fetched_at: Instant,
}

impl KeySet {
    /// Prepares the keys we can use; others in the set are none of our business.
    pub(super) fn new(jwks: Vec<serde_json::Value>, issuer: &str, audience: &str) -> Self {
        let mut by_id: HashMap<String, Vec<Arc<Key>>> = HashMap::new();
        let mut all = Vec::new();
        for jwk in jwks {
            let Ok(jwk) = serde_json::from_value::<Jwk>(jwk) else {
                continue;
            };
            let Some(key) = Key::new(&jwk, issuer, audience).map(Arc::new) else {
                continue;
            };
            if let Some(id) = jwk.common.key_id {
                by_id.entry(id).or_default().push(Arc::clone(&key));
            }
            all.push(key);
        }
        let only = if all.len() == 1 { all.pop() } else { None };
        Self {
            by_id,
            only,
            fetched_at: Instant::now(),
        }
    }

    /// The key with this id, or the only one, if it serves the algorithm: the key decides which that is, not the token.
    /// Of several with one id and one algorithm it is the last.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found {
        let keys: &[Arc<Key>] = match id {
            Some(id) => self.by_id.get(id).map_or(&[], Vec::as_slice),
            None => self.only.as_slice(),
        };
        let fitting = keys.iter().rfind(|key| key.algorithm == algorithm);
        match fitting {
            Some(key) => Found::Key(Arc::clone(key)),
            None if keys.is_empty() => Found::Nothing,
            None => Found::OfAnotherAlgorithm,
        }
    }
}

/// Our word for why a token was refused.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list is open; every other refusal is the same to a caller"
)]
pub(super) fn refusal(error: &Error) -> BearerError {
    match error.kind() {
        ErrorKind::InvalidSignature => BearerError::Signature,
        ErrorKind::ExpiredSignature => BearerError::Expired,
        ErrorKind::ImmatureSignature => BearerError::NotYetValid,
        ErrorKind::InvalidIssuer => BearerError::Issuer,
        ErrorKind::InvalidAudience => BearerError::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => BearerError::Algorithm,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            BearerError::MissingClaim(claim.clone())
        }
        _ => BearerError::Malformed,
    }
}
