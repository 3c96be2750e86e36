//! ID tokens: the only thing that tells who somebody is and which tenant they belong to.

use std::time::Duration;

use assent_jwks::LookupError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Validation, get_current_timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;
use uuid::{Uuid, uuid};

use crate::client::Entra;
use crate::endpoints::tenant_of_issuer;
use crate::login_hint::LoginHint;
use crate::signing_keys::SigningKey;
use crate::transport::retry_after;

/// The tenant that all personal Microsoft accounts share.
const CONSUMERS: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 60;

/// Genuine ID tokens are a few kilobytes; with two hundred groups, which is as many as Microsoft lists, and as many roles
/// of an application, some twenty.
const LONGEST_TOKEN: usize = 32 * 1024;

/// Genuine key names have some forty characters. Unknown ones are remembered for a while, so they are bounded.
const LONGEST_KEY_ID: usize = 256;

/// What a token must agree with, beyond being genuine.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenExpectation<'a> {
    /// The nonce of the flow that the token belongs to.
    pub nonce: ExpectedNonce<'a>,
    /// The tenant that it must come from, where that is known.
    pub tenant: Option<Uuid>,
    /// Whether a personal account is an answer, too. Else its token is refused.
    pub personal_accounts: bool,
}

/// The nonce that a token must carry. Leaving it out has to be said.
#[derive(Clone, Copy, Debug)]
pub enum ExpectedNonce<'a> {
    /// Exactly this one: the token was asked for by us.
    Exactly(&'a str),
    /// The token was issued in somebody else's flow, who has checked its nonce.
    CheckedElsewhere,
}

/// A person in a tenant, proven by a token of Microsoft's. It is made nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedIdentity {
    /// The tenant (`tid`).
    pub tenant_id: Uuid,
    /// The person in that tenant (`oid`).
    pub object_id: Uuid,
    /// The template ids of the person's directory roles (`wids`); empty where Microsoft does not say.
    pub directory_roles: Vec<Uuid>,
    /// For whom the token was issued.
    pub audience: String,
    /// How the person belongs to the tenant.
    pub membership: Membership,
    /// By what name Microsoft's sign-in page knows the person, where the token says: the claim `login_hint`, which
    /// Microsoft makes for this, or `preferred_username`. It decides nothing.
    pub login_hint: Option<LoginHint>,
}

/// How a person belongs to the tenant that issued a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The tenant is the person's own.
    Member,
    /// The person comes from elsewhere: `acct` says so, `idp` names who authenticated them, which Microsoft does where it
    /// was not the tenant itself, or the name is one that Microsoft makes for guests. Their mailbox is where they come
    /// from. A token with none of these claims is a member's: `acct` has to be asked for, `idp` is left out for members.
    Guest,
    /// The account is a personal one, of the tenant that all of those share.
    PersonalAccount,
}

/// Why a token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// The text is no token, or the token lacks a claim that is needed.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The token is longer than any genuine one.
    #[error("the token is longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    /// The token is unsigned, or signed in another way than RS256.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// The token names a key that Microsoft does not publish.
    #[error("the key of the token is unknown")]
    UnknownKey,
    /// The signature does not match the key that the token names.
    #[error("the signature does not match")]
    Signature,
    /// The token's issuer is not the one that the key signs for, or does not fit the token's tenant.
    #[error("the issuer is not that of the key and the tenant")]
    Issuer,
    /// The token belongs to a personal account, and none was expected.
    #[error("the token belongs to a personal account")]
    Consumer,
    /// The token comes from another tenant than expected.
    #[error("the token comes from another tenant")]
    Tenant {
        /// The tenant that it comes from.
        actual: Uuid,
    },
    /// The token was issued for another application (`aud`).
    #[error("the token was issued for somebody else")]
    Audience,
    /// The token was issued in another flow (`nonce`).
    #[error("the nonce does not match")]
    Nonce,
    /// The token has expired (`exp`).
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet (`nbf`).
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Microsoft's keys could not be had, so nothing can be said about the token.
    #[error("Microsoft's signing keys are not available")]
    KeysUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl IdTokenError {
    /// After how long it makes sense to ask for the keys again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}

impl Entra {
    /// Verifies an ID token: signature, issuer, tenant, audience, nonce and times.
    pub async fn verify_id_token(
        &self,
        token: &str,
        audiences: &[&str],
        expectation: IdTokenExpectation<'_>,
    ) -> Result<VerifiedIdentity, IdTokenError> {
        let token = UnverifiedIdToken::parse(token)?;
        let keys = &self.shared.signing_keys;
        let (key, _) = keys
            .find(&token.key_id, |keys| keys.get(&token.key_id).cloned())
            .await
            .map_err(|error| match error {
                LookupError::Unknown => IdTokenError::UnknownKey,
                LookupError::Unavailable(_) | LookupError::Abandoned => {
                    IdTokenError::KeysUnavailable(error.into())
                }
            })?;
        token.verify(&key, audiences, expectation, get_current_timestamp())
    }
}

/// A token of which only the name of its key has been read.
pub(crate) struct UnverifiedIdToken<'a> {
    text: &'a str,
    key_id: String,
}

#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    tid: Option<String>,
    oid: Option<Uuid>,
    exp: u64,
    nbf: Option<u64>,
    nonce: Option<String>,
    #[serde(default)]
    wids: Vec<Uuid>,
    /// 0 for a member, 1 for a guest.
    acct: Option<serde_json::Value>,
    idp: Option<String>,
    login_hint: Option<serde_json::Value>,
    preferred_username: Option<serde_json::Value>,
    upn: Option<serde_json::Value>,
}

impl Claims {
    /// A claim of another shape is as good as none: a token is not worth less for it.
    fn login_hint(&self) -> Option<LoginHint> {
        let mut claims = [&self.login_hint, &self.preferred_username].into_iter();
        claims.find_map(|claim| LoginHint::parse(claim.as_ref()?.as_str()?).ok())
    }

    fn membership(&self, tenant_id: Uuid) -> Membership {
        if tenant_id == CONSUMERS {
            return Membership::PersonalAccount;
        }
        let is_member_by_account = match &self.acct {
            None => true,
            Some(acct) => acct.as_u64() == Some(0) || acct.as_str() == Some("0"),
        };
        let is_authenticated_here = match &self.idp {
            None => true,
            Some(idp) => {
                *idp == self.iss
                    || Url::parse(idp).ok().as_ref().and_then(tenant_of_issuer) == Some(tenant_id)
            }
        };
        let names = [&self.upn, &self.preferred_username];
        let mut names = names.into_iter().flatten().filter_map(|name| name.as_str());
        let is_named_as_guest = names.any(is_of_a_guest);
        if is_member_by_account && is_authenticated_here && !is_named_as_guest {
            Membership::Member
        } else {
            Membership::Guest
        }
    }
}

/// `ana_contoso.example#EXT#@fabrikam.example`: nobody else has a `#` in their name. Such a name makes somebody a guest;
/// no name makes anybody a member.
fn is_of_a_guest(name: &str) -> bool {
    name.to_ascii_uppercase().contains("#EXT#@")
}

impl<'a> UnverifiedIdToken<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, IdTokenError> {
        if text.len() > LONGEST_TOKEN {
            return Err(IdTokenError::TooLong);
        }
        let (header, _) = text
            .split_once('.')
            .ok_or(IdTokenError::Malformed("it is not a JWT"))?;
        let header: TokenHeader = URL_SAFE_NO_PAD
            .decode(header)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(IdTokenError::Malformed("it has no JWT header"))?;
        if header.alg != "RS256" {
            return Err(IdTokenError::Algorithm);
        }
        // What is critical has to be understood, and nothing that may stand there is understood here.
        if header.crit.is_some() {
            return Err(IdTokenError::Malformed("it wants something critical"));
        }
        let key_id = header
            .kid
            .ok_or(IdTokenError::Malformed("it names no key"))?;
        if key_id.len() > LONGEST_KEY_ID {
            return Err(IdTokenError::Malformed("the name of its key is too long"));
        }
        Ok(Self { text, key_id })
    }

    pub(crate) fn verify(
        &self,
        key: &SigningKey,
        audiences: &[&str],
        expectation: IdTokenExpectation<'_>,
        now: u64,
    ) -> Result<VerifiedIdentity, IdTokenError> {
        let claims = self.signed_claims(key)?;
        let tid = claims
            .tid
            .as_deref()
            .ok_or(IdTokenError::Malformed("it has no tid"))?;
        // Only the usual hyphenated form: `uuid` would also accept braces and a URN.
        let tenant_id = Uuid::try_parse(tid).ok().filter(|_| tid.len() == 36);
        let tenant_id = tenant_id.ok_or(IdTokenError::Malformed("its tid is not a GUID"))?;
        if tenant_id == CONSUMERS && !expectation.personal_accounts {
            return Err(IdTokenError::Consumer);
        }
        // The key says for which issuer it signs. Without this, a key of one tenant's own could sign for any other.
        let issuer_of_key = key.issuer.replace("{tenantid}", tid);
        let tenant_of_issuer = Url::parse(&claims.iss)
            .ok()
            .as_ref()
            .and_then(tenant_of_issuer);
        if claims.iss != issuer_of_key || tenant_of_issuer != Some(tenant_id) {
            return Err(IdTokenError::Issuer);
        }
        if !audiences.contains(&claims.aud.as_str()) {
            return Err(IdTokenError::Audience);
        }
        if let ExpectedNonce::Exactly(nonce) = expectation.nonce
            && claims.nonce.as_deref() != Some(nonce)
        {
            return Err(IdTokenError::Nonce);
        }
        if now > claims.exp.saturating_add(LEEWAY) {
            return Err(IdTokenError::Expired);
        }
        if claims
            .nbf
            .is_some_and(|start| start > now.saturating_add(LEEWAY))
        {
            return Err(IdTokenError::NotYetValid);
        }
        if expectation
            .tenant
            .is_some_and(|expected| expected != tenant_id)
        {
            return Err(IdTokenError::Tenant { actual: tenant_id });
        }
        let object_id = claims.oid.ok_or(IdTokenError::Malformed("it has no oid"))?;
        Ok(VerifiedIdentity {
            tenant_id,
            object_id,
            membership: claims.membership(tenant_id),
            login_hint: claims.login_hint(),
            directory_roles: claims.wids,
            audience: claims.aud,
        })
    }

    /// Checks the signature and nothing else; the claims are checked one by one, each with its own refusal.
    fn signed_claims(&self, key: &SigningKey) -> Result<Claims, IdTokenError> {
        let mut signature_only = Validation::new(Algorithm::RS256);
        signature_only.required_spec_claims.clear();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        jsonwebtoken::decode(self.text, &key.decoding, &signature_only)
            .map(|token| token.claims)
            .map_err(|error| {
                if matches!(
                    error.kind(),
                    jsonwebtoken::errors::ErrorKind::InvalidSignature
                ) {
                    IdTokenError::Signature
                } else {
                    IdTokenError::Malformed("its claims are not those of an ID token")
                }
            })
    }
}

#[cfg(test)]
mod tests;
