//! By what name Microsoft knows an account at its sign-in page.

use std::fmt;

/// Genuine ones have some three hundred characters at most: the claim `login_hint` is longer than an address.
const LONGEST: usize = 1024;

/// What says to Microsoft's sign-in page which account is meant: the claim `login_hint` of an ID token, or a user name. It
/// proves nothing and is often an e-mail address, so it goes into the browser's address and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginHint(String);

/// The text can't be a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a login hint has 1 to {LONGEST} characters, and no control characters")]
pub struct LoginHintError;

impl LoginHint {
    /// Reads a hint; spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, LoginHintError> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(LoginHintError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The hint as text, to be handed on.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LoginHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginHint(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_never_shown() {
        let hint = LoginHint::parse(" ana@contoso.example ").unwrap();
        assert_eq!(hint.expose(), "ana@contoso.example");
        assert_eq!(format!("{hint:?}"), "LoginHint(..)");
        let longest = "x".repeat(LONGEST);
        assert!(LoginHint::parse(&longest).is_ok());
        assert!(LoginHint::parse(&"\u{fc}".repeat(LONGEST)).is_ok());
        for bad in ["", "  ", "a\nb", &format!("{longest}x")] {
            assert_eq!(LoginHint::parse(bad), Err(LoginHintError), "{bad:?}");
        }
    }
}
