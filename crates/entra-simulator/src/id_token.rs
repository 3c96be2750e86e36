//! ID tokens: the claims of a real one, and the ways of forging them that a verifier has to see through.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::directory::{Application, Tenant, User};
use crate::keys::{self, CONSUMERS, KeyError, KeyRing, SigningKey};
use crate::policy::ORDINARY_MEMBER;

/// Entra dates a token five minutes back, and lets it live for an hour from now.
const BACKDATED_SECONDS: i64 = 300;
const LIFETIME_SECONDS: i64 = 3_600;

/// For whom, to whom and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) base_url: &'a str,
    pub(crate) tenant: &'a Tenant,
    pub(crate) user: &'a User,
    pub(crate) application: &'a Application,
    pub(crate) nonce: Option<&'a str>,
    /// With the `profile` and `email` scopes?
    pub(crate) profile: bool,
    pub(crate) email: bool,
    pub(crate) now: i64,
}

impl Subject<'_> {
    pub(crate) fn claims(&self) -> Map<String, Value> {
        let tid = self.tenant.id;
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("ver", json!("2.0"));
        put("iss", json!(format!("{}/{tid}/v2.0", self.base_url)));
        put("aud", json!(self.application.client_id));
        put("sub", json!(self.pairwise_subject()));
        put("iat", json!(self.now - BACKDATED_SECONDS));
        put("nbf", json!(self.now - BACKDATED_SECONDS));
        put("exp", json!(self.now + LIFETIME_SECONDS));
        put("uti", json!(Uuid::new_v4().simple().to_string()));
        if let Some(nonce) = self.nonce {
            put("nonce", json!(nonce));
        }
        if self.profile {
            put("tid", json!(tid));
            put("oid", json!(self.user.id));
            put("name", json!(self.user.name));
            put("preferred_username", json!(self.user.upn));
        }
        if let Some(idp) = &self.user.idp {
            put("idp", json!(idp));
        }
        if self.email {
            put("email", json!(self.user.upn));
        }
        if self.application.emit_wids {
            let roles: Vec<Uuid> = self
                .user
                .roles
                .iter()
                .copied()
                .chain([ORDINARY_MEMBER])
                .collect();
            put("wids", json!(roles));
        }
        claims
    }

    /// One person is a different subject to each application.
    fn pairwise_subject(&self) -> String {
        let text = format!(
            "{} {} {}",
            self.tenant.id, self.user.id, self.application.client_id
        );
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }
}

/// What is wrong with a forged token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Forgery {
    WrongAudience,
    WrongIssuer,
    WrongNonce,
    WrongTenant,
    Expired,
    NotYetValid,
    OtherKey,
    UnknownKid,
    ConsumerKey,
    AlgNone,
    Hs256WithPublicKey,
    Tampered,
}

impl Forgery {
    /// Does it take a key that was never published?
    pub(crate) fn needs_stranger(self) -> bool {
        matches!(self, Self::OtherKey | Self::UnknownKid)
    }

    fn spoil(self, claims: &mut Map<String, Value>, now: i64) {
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        match self {
            Self::WrongAudience => put("aud", json!(Uuid::new_v4())),
            Self::WrongIssuer => put(
                "iss",
                json!(format!(
                    "https://login.attacker.example/{}/v2.0",
                    Uuid::new_v4()
                )),
            ),
            Self::WrongNonce => put("nonce", json!("not-the-nonce-you-sent")),
            Self::WrongTenant => put("tid", json!(Uuid::new_v4())),
            Self::Expired => {
                put("iat", json!(now - 7_200));
                put("nbf", json!(now - 7_200));
                put("exp", json!(now - 3_600))
            }
            Self::NotYetValid => put("nbf", json!(now + 1_800)),
            Self::OtherKey
            | Self::UnknownKid
            | Self::ConsumerKey
            | Self::AlgNone
            | Self::Hs256WithPublicKey
            | Self::Tampered => None,
        };
    }
}

/// Signs claims badly. `stranger` is a key of nobody's.
pub(crate) fn forge(
    forgery: Forgery,
    mut claims: Map<String, Value>,
    keys: &KeyRing,
    stranger: Option<&SigningKey>,
    now: i64,
) -> Result<String, KeyError> {
    forgery.spoil(&mut claims, now);
    let kid = keys.current.kid.as_str();
    let with = |algorithm: &str, kid: &str, claims: Map<String, Value>| {
        keys::signing_input(
            &json!({ "typ": "JWT", "alg": algorithm, "kid": kid }),
            &Value::Object(claims),
        )
    };
    match forgery {
        Forgery::WrongAudience
        | Forgery::WrongIssuer
        | Forgery::WrongNonce
        | Forgery::WrongTenant
        | Forgery::Expired
        | Forgery::NotYetValid => keys::sign_jwt(&keys.current, &Value::Object(claims)),
        Forgery::ConsumerKey => keys::sign_jwt(&keys.consumers, &Value::Object(claims)),
        Forgery::UnknownKid => keys::sign_jwt(stranger.ok_or(KeyError)?, &Value::Object(claims)),
        Forgery::OtherKey => {
            let input = with("RS256", kid, claims);
            let signature = stranger.ok_or(KeyError)?.sign(input.as_bytes())?;
            Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
        }
        Forgery::AlgNone => Ok(format!("{}.", with("none", kid, claims))),
        Forgery::Hs256WithPublicKey => {
            let input = with("HS256", kid, claims);
            let signature = keys.current.hmac_with_public_pem(input.as_bytes());
            Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
        }
        Forgery::Tampered => {
            let signed = with("RS256", kid, claims.clone());
            let signature = keys.current.sign(signed.as_bytes())?;
            claims.insert("tid".to_owned(), json!(CONSUMERS));
            Ok(format!(
                "{}.{}",
                with("RS256", kid, claims),
                URL_SAFE_NO_PAD.encode(signature)
            ))
        }
    }
}
