//! Where a page of a search ended. Opaque to whoever gives it back, so that it can change.

use std::fmt;

use assent_domain::ids::UserId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// More than any token of ours.
const LONGEST: usize = 2048;

/// What the next page goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    /// The account that was searched, and for what.
    pub(super) account: String,
    pub(super) resource: String,
    /// The last user that was looked at; `None` before the first.
    pub(super) after: Option<String>,
    /// The part of the log that every page reflects.
    pub(super) at_least: u64,
}

impl Token {
    /// The token that was given out; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if LONGEST < text.len() {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let token: Self = serde_json::from_slice(&bytes).ok()?;
        let is_ours = token
            .after
            .as_deref()
            .is_none_or(|after| UserId::parse(after).is_ok());
        is_ours.then_some(token)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Strings and a number always have a JSON form.
        let written = serde_json::to_vec(self).unwrap_or_default();
        formatter.write_str(&URL_SAFE_NO_PAD.encode(written))
    }
}
