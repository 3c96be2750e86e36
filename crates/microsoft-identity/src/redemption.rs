//! Redeeming a code: where a claim becomes a fact. Refreshing: where it is found to be one still.

mod refresh;
mod token_endpoint;

use std::time::Duration;

use oauth2::TokenResponse as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use self::refresh::Refreshed;
use self::token_endpoint::{EntraTokenResponse, Exchange, Grant};
use crate::callbacks::AuthorizationCode;
use crate::client::Entra;
use crate::endpoints::token_endpoint;
use crate::errors::AuthorizationError;
use crate::id_token::{IdTokenError, IdTokenExpectation, VerifiedIdentity};
use crate::scopes::ScopeSet;
use crate::tenant::TenantRef;
use crate::transport::{CallError, NoAnswer, retry_after};

/// What a redeemed code proved.
#[derive(Debug)]
#[non_exhaustive]
pub struct Redeemed {
    /// Who signed in, and in which tenant.
    pub identity: VerifiedIdentity,
    /// What this person's token really covers: their own grants and the tenant's.
    pub scopes: ScopeSet,
    /// For asking Microsoft Graph about the grant; not to be kept.
    pub access_token: AccessToken,
    /// What it can be had anew with, where Microsoft gave one. Only the token broker ever uses it.
    pub refresh_token: Option<SecretString>,
}

/// An access token. It cannot be shown, logged or serialized, only sent.
#[derive(Debug)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// Wraps a token that came some other way.
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self(token.into())
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why a code, or a refresh token, brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// Microsoft refused; the class says what it means.
    #[error("Microsoft refused what was to be redeemed")]
    Refused(#[source] AuthorizationError),
    /// The ID token does not prove what was expected.
    #[error("the ID token does not hold")]
    IdToken(#[source] IdTokenError),
    /// Microsoft could not be reached or is unwell. Whether the code was used up is unknown.
    #[error("Microsoft could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Microsoft did not answer in time. Whether the code was used up is unknown.
    #[error("Microsoft did not answer in time")]
    TimedOut,
    /// The answer is no token response, or lacks what would prove something.
    #[error("the answer made no sense: {0}")]
    Nonsense(&'static str),
    /// The request could not be made with our own settings.
    #[error("the request could not be made")]
    OurFault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<CallError> for RedeemError {
    fn from(error: CallError) -> Self {
        if let CallError::Request(source) = error {
            return Self::OurFault(source);
        }
        match error.into() {
            NoAnswer::TimedOut => Self::TimedOut,
            NoAnswer::Nonsense(what) => Self::Nonsense(what),
            NoAnswer::Unreachable(error) => Self::Unreachable(error.into()),
        }
    }
}

impl RedeemError {
    /// After how long it makes sense to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}

impl Entra {
    /// Redeems a code on the tenant path where it was acquired, and verifies the ID token that comes with it.
    /// Redemption is tried once: a second attempt with the same code would be refused.
    pub async fn redeem_code(
        &self,
        tenant: &TenantRef,
        code: AuthorizationCode,
        redirect_uri: &Url,
        pkce_verifier: SecretString,
        expectation: IdTokenExpectation<'_>,
    ) -> Result<Redeemed, RedeemError> {
        let exchange = Exchange {
            endpoint: token_endpoint(&self.shared.authority, tenant),
            grant: Grant::Code {
                code,
                redirect_uri: redirect_uri.clone(),
                pkce_verifier,
            },
        };
        let response = self.exchange(&exchange).await.inspect_err(|error| {
            if let RedeemError::Refused(refusal) = error {
                refusal.log("redeem_code");
            }
        })?;
        let id_token = response
            .extra_fields()
            .id_token()
            .ok_or(RedeemError::Nonsense("there is no ID token"))?;
        let identity = self
            .verify_id_token(id_token, &[self.client_id()], expectation)
            .await
            .map_err(RedeemError::IdToken)?;
        let scopes = self.granted(&response)?;
        Ok(Redeemed {
            identity,
            scopes,
            access_token: AccessToken(response.access_token().secret().as_str().into()),
            refresh_token: response
                .refresh_token()
                .map(|token| token.secret().as_str().into()),
        })
    }

    /// What Microsoft says that the token can do.
    fn granted(&self, response: &EntraTokenResponse) -> Result<ScopeSet, RedeemError> {
        // Microsoft may leave it out when it equals what was asked, but then it proves nothing for `.default`.
        let granted = response
            .scopes()
            .ok_or(RedeemError::Nonsense("there is no scope"))?;
        let granted: Vec<&str> = granted.iter().map(|scope| scope.as_str()).collect();
        Ok(ScopeSet::parse(&granted.join(" "), &self.shared.graph_url))
    }
}
