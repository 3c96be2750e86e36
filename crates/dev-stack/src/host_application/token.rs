//! Tokens the host application signs, good ones and bad ones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Map, Value, json};

use super::{AUDIENCE, HostApplication};

const GOOD_FOR: Duration = Duration::from_mins(5);

/// A token in the making. [`sign`](Self::sign) makes it a string.
#[derive(Debug)]
#[must_use = "a token is made by `sign`"]
pub struct TokenBuilder<'a> {
    host: &'a HostApplication,
    claims: Map<String, Value>,
    by_other_key: bool,
}

impl<'a> TokenBuilder<'a> {
    pub(super) fn new(host: &'a HostApplication) -> Self {
        let now = since_epoch();
        let builder = Self {
            host,
            claims: Map::new(),
            by_other_key: false,
        };
        builder
            .claim("iss", host.issuer())
            .claim("aud", AUDIENCE)
            .claim("iat", now.as_secs())
            .claim("exp", (now + GOOD_FOR).as_secs())
            .claim("jti", uuid::Uuid::new_v4().to_string())
    }

    /// Gives the role `super_admin`.
    pub fn super_admin(self) -> Self {
        self.role("super_admin")
    }

    /// Gives a role.
    pub fn role(self, role: &str) -> Self {
        self.add("roles", role)
    }

    /// Gives a permission, such as `company_settings:manage`.
    pub fn permission(self, permission: &str) -> Self {
        self.add("permissions", permission)
    }

    /// Makes it run out so long from now.
    pub fn expires_in(self, time: Duration) -> Self {
        self.claim("exp", (since_epoch() + time).as_secs())
    }

    /// Makes it one that ran out an hour ago.
    pub fn expired(self) -> Self {
        self.claim(
            "exp",
            (since_epoch().saturating_sub(Duration::from_hours(1))).as_secs(),
        )
    }

    /// Makes it one for somebody else's service.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Makes it one somebody else issued.
    pub fn issuer(self, issuer: &str) -> Self {
        self.claim("iss", issuer)
    }

    /// Signs it with a key that is not published, under the published key's name.
    pub fn signed_by_another_key(mut self) -> Self {
        self.by_other_key = true;
        self
    }

    /// Sets any claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// The signed token.
    #[expect(
        clippy::expect_used,
        reason = "the key was made by this program a moment ago, for this algorithm"
    )]
    pub fn sign(self) -> String {
        let key = if self.by_other_key {
            &self.host.other_key
        } else {
            &self.host.key
        };
        let header = Header {
            kid: Some(key.id.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &self.claims, &key.private).expect("a token is signed")
    }

    fn add(mut self, list: &str, value: &str) -> Self {
        let values = self.claims.entry(list).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(json!(value));
        }
        self
    }
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
