//! Who is calling: bearer tokens checked against the issuer's published keys.
//!
//! The common path (a known key) takes no lock across an await and builds
//! nothing but the caller: keys and validations are prepared when fetched, and
//! a token that was verified with a key is remembered with that key.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use assent_jwks::{KeyCache, LookupError};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::config::HttpUrl;
use crate::error_chain::with_sources;
use crate::health::{Dependency, Health};
use crate::openapi::ErrorResponses;
use crate::problem::{HttpProblem, Problem, ProblemType};
use crate::runtime::Runtime;

mod caller;
mod claim;
mod fetch;
mod keys;
mod remembered;

pub use caller::Caller;
pub use fetch::FetchError;

use caller::Claims;
use fetch::HostKeys;
use keys::{Key, LEEWAY_SECONDS, allowed_algorithm};

/// Longer tokens, in bytes, are refused unread.
pub const LONGEST_TOKEN: usize = 8 * 1024;

const REFRESH_AFTER: Duration = Duration::from_hours(1);

/// Between two looks at whether keys can be had, while they can, and while they can't.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const TRY_EVERY: Duration = Duration::from_secs(3);

/// Checks tokens of one issuer for one audience; clones share the keys.
#[derive(Clone)]
pub struct BearerVerifier {
    keys: KeyCache<HostKeys>,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BearerError {
    /// The request has no bearer token.
    #[error("no bearer token was sent")]
    Missing,
    /// The text is no signed token.
    #[error("the token cannot be read")]
    Malformed,
    /// The token is signed in a way that is not accepted.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The token is signed with a key the issuer does not publish.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is not valid")]
    Signature,
    /// The token has expired (`exp`).
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet (`nbf`).
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The token is of another issuer (`iss`).
    #[error("the token is of another issuer")]
    Issuer,
    /// The token is for another audience (`aud`).
    #[error("the token is for another audience")]
    Audience,
    /// The token is longer than [`LONGEST_TOKEN`].
    #[error("the token is longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    /// A claim is missing: its name.
    #[error("the token's claim {0} is missing")]
    MissingClaim(String),
    /// A claim is there in a shape that is not taken.
    #[error("the token's claim {claim} must be {expected}")]
    MalformedClaim {
        /// The claim's name.
        claim: &'static str,
        /// What the claim must be.
        expected: &'static str,
    },
    /// The issuer's keys cannot be fetched and none are known.
    #[error("the issuer's keys cannot be fetched")]
    KeysUnavailable(#[source] Option<Arc<FetchError>>),
}

/// Why a verifier cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the client that fetches keys cannot be built")]
pub struct BearerSetupError(#[source] reqwest::Error);

impl BearerVerifier {
    /// A verifier for the tokens of `issuer` meant for `audience`. Keys are
    /// fetched when the first token arrives.
    pub fn new(issuer: &str, jwks_url: &HttpUrl, audience: &str) -> Result<Self, BearerSetupError> {
        let source = HostKeys::new(jwks_url.as_url().clone(), issuer, audience);
        Ok(Self {
            keys: KeyCache::new(source.map_err(BearerSetupError)?, REFRESH_AFTER),
        })
    }

    /// Checks a token: signature, issuer, audience, times, and the shapes of the claims. Says for whom it speaks.
    pub async fn verify(&self, token: &str) -> Result<Caller, BearerError> {
        if token.len() > LONGEST_TOKEN {
            return Err(BearerError::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| keys::refusal(&error))?;
        if !allowed_algorithm(header.alg) {
            return Err(BearerError::Algorithm);
        }
        // An extension we must understand and do not.
        if header.crit.is_some() {
            return Err(BearerError::Malformed);
        }
        let (id, algorithm) = (header.kid.as_deref(), header.alg);
        let name = id.unwrap_or_default();
        let found = self.keys.find(name, |keys| keys.find(id, algorithm)).await;
        let (key, keys) = found.map_err(|error| self.refusal(error, id))?;
        match key.check(token) {
            Err(BearerError::Signature) => {
                let newer = self.keys.newer_than(&keys, name).await;
                match newer.and_then(|newer| newer.keys.find(id, algorithm)) {
                    Some(key) => key.check(token),
                    None => Err(BearerError::Signature),
                }
            }
            checked => checked,
        }
    }

    fn refusal(&self, error: LookupError<FetchError>, id: Option<&str>) -> BearerError {
        match error {
            LookupError::Unknown if self.keys.current().is_some_and(|now| now.keys.has(id)) => {
                BearerError::Algorithm
            }
            LookupError::Unknown => BearerError::UnknownKey,
            LookupError::Unavailable(error) => BearerError::KeysUnavailable(Some(error)),
            LookupError::Abandoned => BearerError::KeysUnavailable(None),
        }
    }

    /// Keeps readiness in step with the issuer's keys, which are fetched before the first token needs them. Without them no
    /// token proves anybody, and the program goes on with all that needs no token.
    pub fn watch_keys(&self, health: &Health, runtime: &Runtime) {
        let keys = health.dependency("host_keys");
        let watching = self.clone().watch(keys, runtime.clone());
        runtime.spawn_critical("host-keys", watching);
    }

    async fn watch(self, keys: Dependency, runtime: Runtime) {
        loop {
            let pause = match self.keys.available().await {
                Ok(()) => {
                    keys.ready();
                    LOOK_EVERY
                }
                Err(error) => {
                    let kept = match self.keys.current() {
                        Some(_) => "tokens are checked with the keys that are known",
                        None => "no token is accepted",
                    };
                    let why = with_sources(&error);
                    keys.do_without(format!("ASSENT_HOST_JWKS_URL: {why}; {kept}"));
                    TRY_EVERY
                }
            };
            tokio::select! {
                () = runtime.shutdown_requested() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Checks the bearer token of a request, by its `Authorization` header.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = bearer_token(headers).map_err(Problem::from)?;
        self.verify(token).await.map_err(Problem::from)
    }
}

impl fmt::Debug for BearerVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BearerVerifier")
    }
}

impl BearerError {
    /// The library tells a claim in another shape as missing, or says that it can't read the token. Which claim it is
    /// stands in the token that the caller sent, so it can be said whether or not the signature holds.
    fn naming_malformed_claim(self, token: &str) -> Self {
        if !matches!(self, Self::MissingClaim(_) | Self::Malformed) {
            return self;
        }
        let claims = jsonwebtoken::dangerous::insecure_decode_claims::<serde_json::Value>(token);
        claims
            .ok()
            .and_then(|claims| claim::malformed(&claims))
            .map_or(self, |(claim, expected)| Self::MalformedClaim {
                claim,
                expected,
            })
    }
}

impl Key {
    /// Whose token it is, if it is good: as found before, where it was.
    fn check(&self, token: &str) -> Result<Caller, BearerError> {
        let digest = remembered::digest(token);
        let leeway = Duration::from_secs(LEEWAY_SECONDS);
        let known = self.remembered().recall(&digest, SystemTime::now(), leeway);
        if let Some(caller) = known {
            return Ok(caller);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, self.decoding(), self.validation())
            .map_err(|error| keys::refusal(&error).naming_malformed_claim(token))?
            .claims;
        let caller = claims.into_caller()?;
        self.remembered().remember(digest, &caller);
        Ok(caller)
    }
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, BearerError> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return Err(BearerError::Missing);
    };
    let text = value.to_str().map_err(|_| BearerError::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(BearerError::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::Missing);
    }
    Ok(token.trim())
}

impl ErrorResponses for BearerError {
    fn problem_types() -> Vec<ProblemType> {
        let problems = [
            HttpProblem::Unauthenticated,
            HttpProblem::HostKeysUnavailable,
        ];
        problems.map(ProblemType::from).to_vec()
    }
}

impl From<BearerError> for Problem {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::KeysUnavailable(_) => {
                Self::new(HttpProblem::HostKeysUnavailable).internal(error)
            }
            BearerError::Missing
            | BearerError::Malformed
            | BearerError::Algorithm
            | BearerError::UnknownKey
            | BearerError::Signature
            | BearerError::Expired
            | BearerError::NotYetValid
            | BearerError::Issuer
            | BearerError::Audience
            | BearerError::TooLong
            | BearerError::MissingClaim(_)
            | BearerError::MalformedClaim { .. } => Self::unauthenticated(error.to_string()),
        }
    }
}
