//! Redeeming a code: where a claim becomes a fact.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, ExtraTokenFields, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, StandardRevocableToken, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::callbacks::AuthorizationCode;
use crate::client::{Entra, token_endpoint};
use crate::credential::{Credential, client_assertion};
use crate::errors::{AuthorizationError, TokenRefusal};
use crate::id_token::{IdTokenError, IdTokenExpectation, VerifiedIdentity};
use crate::scopes::ScopeSet;
use crate::tenant::TenantRef;
use crate::transport::{CallError, retry_after};

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
}

/// An access token. It cannot be shown, logged or serialized, only sent.
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

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// Why a code proved nothing.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// Microsoft refused; the class says what it means.
    #[error("the code was refused")]
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
        match error {
            CallError::TimedOut => Self::TimedOut,
            CallError::TooLarge => Self::Nonsense("larger than anything expected"),
            CallError::Request(source) => Self::OurFault(source),
            CallError::NotConnected(_)
            | CallError::Broken(_)
            | CallError::Unavailable(_)
            | CallError::Throttled { .. }
            | CallError::CircuitOpen { .. } => Self::Unreachable(error.into()),
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
    /// It is tried once: a second attempt with the same code would be refused.
    pub async fn redeem_code(
        &self,
        tenant: &TenantRef,
        code: AuthorizationCode,
        redirect_uri: &Url,
        pkce_verifier: SecretString,
        expectation: IdTokenExpectation<'_>,
    ) -> Result<Redeemed, RedeemError> {
        let response = self
            .exchange(tenant, code, redirect_uri, pkce_verifier)
            .await
            .inspect_err(|error| {
                if let RedeemError::Refused(refusal) = error {
                    refusal.log("redeem_code");
                }
            })?;
        let id_token = response
            .extra_fields()
            .id_token
            .as_ref()
            .ok_or(RedeemError::Nonsense("there is no ID token"))?;
        let identity = self
            .verify_id_token(id_token.0.expose_secret(), &[self.client_id()], expectation)
            .await
            .map_err(RedeemError::IdToken)?;
        // Microsoft may leave it out when it equals what was asked, but then it proves nothing for `.default`.
        let granted = response
            .scopes()
            .ok_or(RedeemError::Nonsense("there is no scope"))?;
        let granted: Vec<&str> = granted.iter().map(|scope| scope.as_str()).collect();
        Ok(Redeemed {
            identity,
            scopes: ScopeSet::parse(&granted.join(" "), &self.shared.graph_url),
            access_token: AccessToken(response.access_token().secret().as_str().into()),
        })
    }

    async fn exchange(
        &self,
        tenant: &TenantRef,
        code: AuthorizationCode,
        redirect_uri: &Url,
        pkce_verifier: SecretString,
    ) -> Result<EntraTokenResponse, RedeemError> {
        let endpoint = token_endpoint(&self.shared.authority, tenant);
        let mut client = EntraClient::new(ClientId::new(self.shared.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(endpoint.clone()));
        let mut assertion = None;
        match &self.shared.credential {
            Credential::None => {}
            Credential::Secret(secret) => {
                client =
                    client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
            }
            Credential::Certificate { key, thumbprint } => {
                let signed = client_assertion(
                    key,
                    thumbprint,
                    &self.shared.client_id,
                    &endpoint,
                    unix_now(),
                )
                .map_err(|error| RedeemError::OurFault(error.into()))?;
                assertion = Some(signed);
            }
        }
        let mut request = client
            .exchange_code(oauth2::AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(
                pkce_verifier.expose_secret().to_owned(),
            ))
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())));
        if let Some(assertion) = assertion {
            request = request
                .add_extra_param(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                )
                .add_extra_param("client_assertion", assertion);
        }
        // The closure owns what it uses: one that borrows would make this future `Send` for
        // some lifetimes only, which no caller could spawn.
        let sign_in = self.shared.transport.sign_in.clone();
        let deadline = sign_in.deadline();
        let post = move |request| {
            let sign_in = sign_in.clone();
            async move { sign_in.post_once(request, deadline).await }
        };
        request
            .request_async(&post)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(refusal) => RedeemError::Refused(refusal.into()),
                RequestTokenError::Request(error) => error.into(),
                // The body of an unreadable answer may hold tokens, so nothing of it is passed on.
                RequestTokenError::Parse(..) => RedeemError::Nonsense("not a token response"),
                RequestTokenError::Other(_) => RedeemError::Nonsense("an empty token response"),
            })
    }
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

type EntraTokenResponse = StandardTokenResponse<EntraTokenFields, BasicTokenType>;

type EntraClient = oauth2::Client<
    TokenRefusal,
    EntraTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
>;

/// What OpenID Connect adds to a token response.
#[derive(Debug, Deserialize, Serialize)]
struct EntraTokenFields {
    #[serde(skip_serializing)]
    id_token: Option<RawIdToken>,
}

impl ExtraTokenFields for EntraTokenFields {}

#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct RawIdToken(SecretString);

impl From<String> for RawIdToken {
    fn from(token: String) -> Self {
        Self(token.into())
    }
}
