//! The tokens that tell Assent who is calling. Assent has no users of its own: it believes what we sign.
//!
//! They live for a minute, because each is made for one call. A token for the settings pages works once (`jti`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::JwkSet;
use serde::Serialize;
use uuid::Uuid;

use crate::signing_key::SigningKey;
use crate::users::User;

/// The audience, which Assent is told as ASSENT_HOST_AUDIENCE. A token of ours that is meant for somebody else opens nothing there.
const AUDIENCE: &str = "assent";
const GOOD_FOR: Duration = Duration::from_mins(1);

/// The scope of a service that may ask for login decisions.
pub(crate) const LOGIN_DECIDE: &str = "login:decide";

/// The scope of a service that may report that Microsoft refused for want of consent.
pub(crate) const WITHDRAWALS_REPORT: &str = "withdrawals:report";

/// Signs tokens in our name.
pub(crate) struct TokenIssuer {
    key: SigningKey,
    issuer: String,
}

/// The claims that Assent reads.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    /// A token's own id: Assent's settings pages take each only once.
    jti: Uuid,
    /// The user, by the id that we use, or the service that calls.
    sub: &'a str,
    /// The user's company, by the id that we use. It reaches no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    /// What people call the user and the company. An administrator at Microsoft, who knows none of our ids, decides by
    /// these on Assent's pages: so they are what we have verified, never what a customer typed yesterday.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roles: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    permissions: &'a [&'a str],
    /// What a service may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

impl TokenIssuer {
    pub(crate) fn new(key: SigningKey, issuer: String) -> Self {
        Self { key, issuer }
    }

    /// The public keys that our tokens are verified with.
    pub(crate) fn published_keys(&self) -> JwkSet {
        self.key.published()
    }

    /// Signs a token of a user of ours, for the gateway: its API and its settings pages.
    pub(crate) fn for_user(&self, user: &User) -> jsonwebtoken::errors::Result<String> {
        let (roles, permissions): (&[&str], &[&str]) = if user.super_admin {
            (&["super_admin"], &["company_settings:manage"])
        } else {
            (&[], &[])
        };
        self.key.sign(&Claims {
            account: Some(user.account),
            name: Some(user.name),
            account_name: Some(user.company),
            roles,
            permissions,
            ..self.claims(user.id)
        })
    }

    /// Signs a token of one of our own services, with this scope.
    pub(crate) fn for_service(&self, scope: &str) -> jsonwebtoken::errors::Result<String> {
        self.key.sign(&Claims {
            scope: Some(scope),
            ..self.claims("hirely")
        })
    }

    fn claims<'a>(&'a self, subject: &'a str) -> Claims<'a> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Claims {
            iss: &self.issuer,
            aud: AUDIENCE,
            iat: now.as_secs(),
            exp: (now + GOOD_FOR).as_secs(),
            jti: Uuid::new_v4(),
            sub: subject,
            account: None,
            name: None,
            account_name: None,
            roles: &[],
            permissions: &[],
            scope: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use serde_json::{Value, json};

    use super::*;
    use crate::users;

    /// Reads a token as Assent does: by the published keys.
    fn read(issuer: &TokenIssuer, token: &str) -> Value {
        let name = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let keys = issuer.published_keys();
        let key = DecodingKey::from_jwk(keys.find(&name).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_issuer(&["https://hirely.example"]);
        rules.set_audience(&[AUDIENCE]);
        let token = jsonwebtoken::decode::<Value>(token, &key, &rules);
        token.unwrap().claims
    }

    fn issuer() -> TokenIssuer {
        TokenIssuer::new(
            SigningKey::generate().unwrap(),
            "https://hirely.example".to_owned(),
        )
    }

    #[test]
    fn only_a_super_admin_may_manage_the_companys_settings() {
        let issuer = issuer();
        let claims = |id| read(&issuer, &issuer.for_user(users::find(id).unwrap()).unwrap());

        let (ana, sam) = (claims("ana"), claims("sam"));

        assert_eq!(
            (&ana["sub"], &ana["account"]),
            (&json!("ana"), &json!("acme"))
        );
        assert_eq!(
            (&ana["name"], &ana["account_name"]),
            (&json!("Ana Alvarez"), &json!("Acme"))
        );
        assert_eq!((ana.get("roles"), ana.get("permissions")), (None, None));
        assert_eq!(sam["roles"], json!(["super_admin"]));
        assert_eq!(sam["permissions"], json!(["company_settings:manage"]));
        assert_eq!((ana.get("scope"), sam.get("scope")), (None, None));
    }

    #[test]
    fn no_two_tokens_are_the_same_one() {
        let issuer = issuer();
        let id = || read(&issuer, &issuer.for_service(LOGIN_DECIDE).unwrap())["jti"].clone();

        assert_ne!(id(), id());
    }

    #[test]
    fn a_services_token_is_nobodys() {
        let issuer = issuer();

        let claims = read(&issuer, &issuer.for_service(LOGIN_DECIDE).unwrap());

        assert_eq!(claims["scope"], "login:decide");
        assert_eq!((claims.get("account"), claims.get("roles")), (None, None));
        assert_eq!(
            (claims.get("name"), claims.get("account_name")),
            (None, None)
        );
    }
}
