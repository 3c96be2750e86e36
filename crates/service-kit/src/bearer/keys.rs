//! The keys of one fetch, ready to verify with.

use std::collections::HashMap;
use std::sync::Arc;

use assent_jwks::SignatureKey;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::BearerError;
use super::remembered::Remembered;

/// Clocks differ by this much.
pub(super) const LEEWAY_SECONDS: u64 = 30;

/// The algorithms that tokens of the host application may be signed with.
pub(super) fn allowed_algorithm(algorithm: Algorithm) -> bool {
    [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&algorithm)
}

/// One public key with all that is needed to use it.
pub(super) struct Key {
    decoding: DecodingKey,
    validation: Validation,
    algorithm: Algorithm,
    /// Of all keys of one fetch: whatever is fetched later knows nobody yet.
    remembered: Arc<Remembered>,
}

impl Key {
    fn new(
        (decoding, algorithm): (DecodingKey, Algorithm),
        (issuer, audience): (&str, &str),
        remembered: &Arc<Remembered>,
    ) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // `sub` is read by ourselves: to the library one that is no string is none at all.
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        Self {
            decoding,
            validation,
            algorithm,
            remembered: Arc::clone(remembered),
        }
    }

    pub(super) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    pub(super) fn validation(&self) -> &Validation {
        &self.validation
    }
}

/// The issuer's published keys, by name.
#[derive(Default)]
pub(super) struct KeySet {
    /// Keys of several algorithms may share an id (RFC 7517 section 4.5).
    by_id: HashMap<String, Vec<Arc<Key>>>,
    /// The only key there is; it serves tokens that name none.
    only: Option<Arc<Key>>,
}

impl KeySet {
    pub(super) fn new(published: Vec<SignatureKey>, issuer: &str, audience: &str) -> Self {
        let mut keys = Self::default();
        let is_alone = published.len() == 1;
        let remembered = Arc::new(Remembered::default());
        for SignatureKey {
            id,
            algorithm,
            decoding,
            ..
        } in published
        {
            let key = Key::new((decoding, algorithm), (issuer, audience), &remembered);
            let key = Arc::new(key);
            if is_alone {
                keys.only = Some(Arc::clone(&key));
            }
            if let Some(id) = id {
                keys.by_id.entry(id).or_default().push(key);
            }
        }
        keys
    }

    /// The key with this id, or the only one, if it serves the algorithm: the key decides which that is, not the token.
    /// Of several with one id and one algorithm it is the last.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let mut keys = self.named(id).iter();
        keys.rfind(|key| key.algorithm == algorithm).cloned()
    }

    /// Whether there is a key with this id, for whatever algorithm.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        !self.named(id).is_empty()
    }

    fn named(&self, id: Option<&str>) -> &[Arc<Key>] {
        match id {
            Some(id) => self.by_id.get(id).map_or(&[], Vec::as_slice),
            None => self.only.as_slice(),
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
