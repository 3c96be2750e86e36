//! Browsers that have no session with us: an administrator's, who may have no account in the host application at all.
//!
//! A browser is known by a random value in a cookie. It says nothing of who sits in front of it; it tells whether two
//! requests come from one browser, and lets a form prove that a page of ours sent it.

use std::fmt;

use assent_microsoft_identity::random_token;

use crate::secrets::Digest;
use crate::session::CsrfToken;

/// 32 random bytes in base64url.
const LENGTH: usize = 43;

/// The value of the cookie.
#[derive(Clone)]
pub struct BrowserSecret(String);

impl BrowserSecret {
    /// A secret for a browser that is new here.
    pub fn random() -> Self {
        Self(random_token())
    }

    /// What a browser sent as the cookie. `None` for what is none of ours: it is replaced.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let is_ours = value.len() == LENGTH
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        is_ours.then(|| Self(value.to_owned()))
    }

    /// What goes into the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::compute(&self.0)
    }

    /// What the form of this page carries in this browser. `page` is the last part of its address, with the secret in it:
    /// so neither a page of another flow nor another browser has the same.
    pub fn csrf_token(&self, page: &str) -> CsrfToken {
        CsrfToken::derived(&[b"form of a page", page.as_bytes(), self.0.as_bytes()])
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::BrowserSecret;

    #[test]
    fn a_proof_is_of_one_page_in_one_browser() {
        let (mine, other) = (BrowserSecret::random(), BrowserSecret::random());
        let proof = mine.csrf_token("page");
        assert!(proof.is(mine.csrf_token("page").expose()));
        assert!(!proof.is(mine.csrf_token("another").expose()));
        assert!(!proof.is(other.csrf_token("page").expose()));
        assert!(!proof.is(mine.expose()) && !proof.is(mine.digest().as_str()) && !proof.is(""));
        assert!(!format!("{mine:?}").contains(mine.expose()));
    }

    #[test]
    fn a_cookie_that_is_none_of_ours_is_replaced() {
        let mine = BrowserSecret::random();
        let back = BrowserSecret::from_cookie(mine.expose()).unwrap();
        assert_eq!(back.expose(), mine.expose());
        for foreign in ["", "x", &format!("{}x", mine.expose()), &"*".repeat(43)] {
            assert!(BrowserSecret::from_cookie(foreign).is_none(), "{foreign}");
        }
    }
}
