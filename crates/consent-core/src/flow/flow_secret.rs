//! The one-time value by which a browser is known to belong to a flow. Only its digest is stored.

use std::fmt;

use assent_microsoft_identity::random_token;
use uuid::Uuid;

use crate::lenient_address;
use crate::secrets::Digest;

/// The `state` that goes through Microsoft: which flow, and a secret that only somebody
/// knows who was sent there.
#[derive(Clone)]
pub struct FlowSecret {
    pub(crate) flow: Uuid,
    secret: String,
}

impl FlowSecret {
    /// A fresh one for a flow.
    pub(crate) fn new(flow: Uuid) -> Self {
        Self {
            flow,
            secret: random_token(),
        }
    }

    /// Reads one that came back, whatever was added to it on the way. `None` for anything that can't be ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (flow, secret) = lenient_address::strip_added(text).split_once('.')?;
        Some(Self {
            flow: Uuid::try_parse(flow).ok()?,
            secret: secret.to_owned(),
        })
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::compute(&self.secret)
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

impl fmt::Debug for FlowSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowSecret({}, ..)", self.flow)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::FlowSecret;

    #[test]
    fn a_state_matches_its_own_digest_only() {
        let state = FlowSecret::new(Uuid::now_v7());
        let back = FlowSecret::parse(&state.expose()).unwrap();
        assert_eq!(back.flow, state.flow);
        assert!(back.matches(&state.digest()));
        assert!(!back.matches(&FlowSecret::new(state.flow).digest()));
        assert!(!format!("{state:?}").contains(&state.secret));
        for forged in ["", "x", "x.y", "019.z"] {
            assert!(FlowSecret::parse(forged).is_none());
        }
    }
}
