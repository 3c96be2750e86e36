//! What a token says about its bearer.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::BearerError;
use super::claim::{Claim, number, text, texts, words};

/// The bearer of a token that was checked, as the token's claims tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who the caller is (`sub`).
    pub subject: String,
    /// The account that the caller belongs to (`account`); a service may have none.
    pub account: Option<String>,
    /// The caller's roles (`roles`).
    pub roles: Vec<String>,
    /// What the caller may do (`permissions`).
    pub permissions: Vec<String>,
    /// What a service may call (`scope`).
    pub scopes: Vec<String>,
    /// The token's own id (`jti`).
    pub token_id: Option<String>,
    /// When the token was made (`iat`), where it says so.
    pub issued_at: Option<SystemTime>,
    /// When the token runs out (`exp`).
    pub expires_at: SystemTime,
    /// What the issuer calls the bearer (`name`). It is for people to read: nothing is decided by it.
    pub name: Option<String>,
    /// What the issuer calls the account (`account_name`), for people to read.
    pub account_name: Option<String>,
}

impl Caller {
    /// Whether the caller has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has == role)
    }

    /// Whether the caller has a permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|has| has == permission)
    }

    /// Whether the caller has a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }
}

/// The claims as they stand in the token; the rest of them is not ours.
#[derive(Deserialize)]
pub(super) struct Claims {
    sub: Claim,
    account: Claim,
    roles: Claim,
    permissions: Claim,
    scope: Claim,
    jti: Claim,
    iat: Claim,
    exp: Claim,
    name: Claim,
    account_name: Claim,
}

/// No time in seconds is so far away, and every one in milliseconds is.
const MILLISECONDS: f64 = 1e11;

/// The time so many seconds after the epoch. Who writes milliseconds has made a token that never runs out.
fn time_of_seconds(seconds: f64) -> Option<SystemTime> {
    if seconds >= MILLISECONDS {
        return None;
    }
    let since_epoch = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 200;

/// A name to show. One that can't be shown is none, and never a reason to refuse a token that proves its bearer.
fn shown_name(claim: Claim) -> Option<String> {
    let name = text("name", claim).ok()??;
    let shown: String = name.chars().filter(|letter| is_shown(*letter)).collect();
    let shown = shown.trim();
    let is_short = shown.chars().count() <= LONGEST_NAME;
    (!shown.is_empty() && is_short).then(|| shown.to_owned())
}

/// Control characters are dropped, and so are those that turn the direction of writing: with them a name could make the
/// words around it read otherwise.
fn is_shown(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    );
    !letter.is_control() && !turns
}

impl Claims {
    pub(super) fn into_caller(self) -> Result<Caller, BearerError> {
        let subject = text("sub", self.sub)?.filter(|subject| !subject.is_empty());
        let expires_at = number("exp", &self.exp)?.and_then(time_of_seconds);
        Ok(Caller {
            subject: subject.ok_or(BearerError::MissingClaim("sub".to_owned()))?,
            account: text("account", self.account)?,
            roles: texts("roles", self.roles)?,
            permissions: texts("permissions", self.permissions)?,
            scopes: words("scope", self.scope)?,
            token_id: text("jti", self.jti)?,
            issued_at: number("iat", &self.iat)?.and_then(time_of_seconds),
            expires_at: expires_at.ok_or(BearerError::MalformedClaim {
                claim: "exp",
                expected: "a time in seconds since 1970",
            })?,
            name: shown_name(self.name),
            account_name: shown_name(self.account_name),
        })
    }
}
