//! What a token says about its bearer.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::BearerError;
use super::claim::{Number, Text, Words};

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
    #[serde(default)]
    sub: Text,
    #[serde(default)]
    account: Text,
    #[serde(default)]
    roles: Words,
    #[serde(default)]
    permissions: Words,
    #[serde(default)]
    scope: Words,
    #[serde(default)]
    jti: Text,
    #[serde(default)]
    exp: Number,
}

impl Claims {
    pub(super) fn into_caller(self) -> Result<Caller, BearerError> {
        let subject = self.sub.read("sub")?.filter(|subject| !subject.is_empty());
        let expires_at = self
            .exp
            .read("exp")?
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since_epoch| SystemTime::UNIX_EPOCH.checked_add(since_epoch));
        Ok(Caller {
            subject: subject.ok_or(BearerError::MissingClaim("sub".to_owned()))?,
            account: self.account.read("account")?,
            roles: self.roles.read("roles")?,
            permissions: self.permissions.read("permissions")?,
            scopes: self.scope.read_separated("scope")?,
            token_id: self.jti.read("jti")?,
            expires_at: expires_at.ok_or(BearerError::MalformedClaim {
                claim: "exp",
                expected: "a time in seconds since 1970",
            })?,
        })
    }
}
