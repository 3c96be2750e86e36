//! The one-time values of a flow. Only their digests are stored.

use std::fmt;

use assent_microsoft_identity::random_token;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::pasted;

/// The digest of a one-time value.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of a value.
    pub fn of(secret: &str) -> Self {
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
            .ct_eq(Self::of(secret).0.as_bytes())
            .into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// The `state` that goes through Microsoft: which flow, and a secret that only somebody
/// knows who was sent there.
#[derive(Clone)]
pub struct State {
    pub(crate) flow: Uuid,
    secret: String,
}

impl State {
    /// A fresh one for a flow.
    pub(crate) fn new(flow: Uuid) -> Self {
        Self {
            flow,
            secret: random_token(),
        }
    }

    /// Reads one that came back, whatever was added to it on the way. `None` for anything that can't be ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (flow, secret) = pasted::last_part(text).split_once('.')?;
        Some(Self {
            flow: Uuid::try_parse(flow).ok()?,
            secret: secret.to_owned(),
        })
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.secret)
    }

    /// Whether this is the one that was stored.
    pub(crate) fn matches(&self, stored: &Digest) -> bool {
        stored.is_of(&self.secret)
    }

    /// What goes into the address.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.flow.simple(), self.secret)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({}, ..)", self.flow)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::State;

    #[test]
    fn a_state_matches_its_own_digest_only() {
        let state = State::new(Uuid::now_v7());
        let back = State::parse(&state.expose()).unwrap();
        assert_eq!(back.flow, state.flow);
        assert!(back.matches(&state.digest()));
        assert!(!back.matches(&State::new(state.flow).digest()));
        assert!(!format!("{state:?}").contains(&state.secret));
        for forged in ["", "x", "x.y", "019.z"] {
            assert!(State::parse(forged).is_none());
        }
    }
}
