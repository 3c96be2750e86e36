//! What a token says about its bearer.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer};

use super::BearerError;

/// Somebody whose token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is (`sub`).
    pub subject: String,
    /// The account it belongs to (`account`); a service may have none.
    pub account: Option<String>,
    /// Its roles (`roles`).
    pub roles: Vec<String>,
    /// What it may do (`permissions`).
    pub permissions: Vec<String>,
    /// What a service may call (`scope`).
    pub scopes: Vec<String>,
    /// The token's own id (`jti`).
    pub token_id: Option<String>,
    /// When the token runs out (`exp`).
    pub expires_at: SystemTime,
    /// What the issuer calls the bearer (`name`). It is for people to read: nothing is decided by it.
    pub name: Option<String>,
    /// What the issuer calls the account (`account_name`), for people to read.
    pub account_name: Option<String>,
}

impl Caller {
    /// Whether it has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has == role)
    }

    /// Whether it has a permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|has| has == permission)
    }

    /// Whether it has a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|has| has == scope)
    }
}

/// The claims as they stand in the token; the rest of them is not ours.
#[derive(Deserialize)]
pub(super) struct Claims {
    sub: String,
    account: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    scope: String,
    jti: Option<String>,
    /// A number of seconds, which may have a fraction.
    exp: Option<f64>,
    #[serde(default)]
    name: Name,
    #[serde(default)]
    account_name: Name,
}

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 200;

/// A name to show. One that can't be shown is none, and never a reason to refuse a token that proves its bearer.
#[derive(Default)]
struct Name(Option<String>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.as_str().and_then(shown)))
    }
}

fn shown(name: &str) -> Option<String> {
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
        if self.sub.is_empty() {
            return Err(BearerError::Claims);
        }
        let expires_at = self
            .exp
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since_epoch| SystemTime::UNIX_EPOCH.checked_add(since_epoch))
            .ok_or(BearerError::Claims)?;
        Ok(Caller {
            subject: self.sub,
            account: self.account,
            roles: self.roles,
            permissions: self.permissions,
            scopes: self.scope.split_whitespace().map(str::to_owned).collect(),
            token_id: self.jti,
            expires_at,
            name: self.name.0,
            account_name: self.account_name.0,
        })
    }
}
