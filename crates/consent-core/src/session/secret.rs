//! What a browser proves its session with.

use std::fmt;

use assent_microsoft_identity::random_token;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::secrets::Digest;

/// The value of the cookie. Only its digest is stored.
#[derive(Clone)]
pub struct SessionSecret(String);

impl SessionSecret {
    /// A secret for a new session.
    pub fn random() -> Self {
        Self(random_token())
    }

    /// What a browser sent as the cookie.
    pub fn from_cookie(value: &str) -> Self {
        Self(value.to_owned())
    }

    /// What goes into the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What names the session where it is stored, and in what it began.
    pub fn digest(&self) -> Digest {
        Digest::compute(&self.0)
    }

    /// What every form of this session carries. Another site's page can send a form with the cookie, but can't know
    /// this.
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken::derived(&[b"form of a session", self.0.as_bytes()])
    }

    /// The secret of the link that a form of this session makes.
    pub(crate) fn link_secret(&self, link: Uuid) -> String {
        let link = link.simple().to_string();
        CsrfToken::derived(&[b"link of a form", link.as_bytes(), self.0.as_bytes()]).0
    }
}

/// For how long a page says what was done a moment ago, be it loaded again.
const TOLD_FOR: SignedDuration = SignedDuration::from_mins(10);

impl SessionSecret {
    /// Vouches that something was done in this session just now. It stands in an address, so it is good for a few
    /// minutes; and for nobody who has not the session, for they can't make one.
    pub fn vouch(&self, done: &str, at: Timestamp) -> String {
        let at = at.as_second();
        format!("{at}.{}", self.seal(done, at))
    }

    /// Whether this session vouched for it, a moment ago.
    pub fn vouched(&self, done: &str, told: &str, now: Timestamp) -> bool {
        let Some((at, seal)) = told.split_once('.') else {
            return false;
        };
        let Some(then) = at
            .parse()
            .ok()
            .and_then(|at| Timestamp::from_second(at).ok())
        else {
            return false;
        };
        let is_ours: bool = self
            .seal(done, then.as_second())
            .as_bytes()
            .ct_eq(seal.as_bytes())
            .into();
        is_ours && now.duration_since(then).abs() <= TOLD_FOR
    }

    fn seal(&self, done: &str, at: i64) -> String {
        let digest = Sha256::new()
            .chain_update(b"done\0")
            .chain_update(done.as_bytes())
            .chain_update(b"\0")
            .chain_update(at.to_be_bytes())
            .chain_update(self.0.as_bytes())
            .finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// Proves that a form was sent from a page of ours, in the session or the browser that the page was shown in.
#[derive(Clone)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// Derived from what the page's own browser alone brings. No part of it may hold a zero byte.
    pub(crate) fn derived(from: &[&[u8]]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(from.join(&0))))
    }

    /// What goes into the form.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a form brought it. Takes the same time for any answer.
    pub fn is(&self, brought: &str) -> bool {
        self.0.as_bytes().ct_eq(brought.as_bytes()).into()
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(..)")
    }
}
