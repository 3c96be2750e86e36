//! Secrets that browsers bring back. What is stored of one is its digest, and the two are compared in constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// The digest of a one-time value.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of a value.
    pub fn compute(secret: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes())))
    }

    /// The digest itself, fit to be a key.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the digest of this value. Takes the same time for any answer.
    pub(crate) fn is_of(&self, secret: &str) -> bool {
        self.0
            .as_bytes()
            .ct_eq(Self::compute(secret).0.as_bytes())
            .into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}
