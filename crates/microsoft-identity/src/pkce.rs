//! Values that must be unguessable: PKCE verifiers, states and nonces.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// A PKCE pair (RFC 7636, S256): the verifier stays on the server, the challenge goes through the browser.
#[derive(Debug)]
pub struct Pkce {
    /// Shown to Microsoft only when the code is redeemed.
    pub verifier: SecretString,
    /// Sent with the authorization request.
    pub challenge: PkceChallenge,
}

/// The SHA-256 of a verifier, as it goes into an authorization request. There is no `plain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PkceChallenge(String);

impl PkceChallenge {
    /// The challenge that belongs to a verifier.
    pub(crate) fn from_verifier(verifier: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
    }

    /// The challenge as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PkceChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A fresh PKCE pair.
pub fn new_pkce() -> Pkce {
    let verifier = random_token();
    let challenge = PkceChallenge::from_verifier(&verifier);
    Pkce {
        verifier: verifier.into(),
        challenge,
    }
}

/// 256 random bits in base64url, for states and nonces.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636() {
        let challenge = PkceChallenge::from_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge.as_str(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn tokens_are_long_and_differ() {
        assert_eq!(random_token().len(), 43);
        assert_ne!(random_token(), random_token());
    }
}
