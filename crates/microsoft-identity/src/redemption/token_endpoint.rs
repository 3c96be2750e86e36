//! One request at the token endpoint, made again with our second credential if Microsoft does not believe the first.

use std::borrow::Cow;

use jsonwebtoken::get_current_timestamp;
use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, ClientId, EndpointNotSet, ExtraTokenFields, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::RedeemError;
use crate::callbacks::AuthorizationCode;
use crate::client::Entra;
use crate::errors::TokenRefusal;
use crate::metrics;

/// What is exchanged for tokens, and where.
pub(super) struct Exchange {
    pub(super) endpoint: Url,
    pub(super) grant: Grant,
}

/// What is exchanged for tokens.
pub(super) enum Grant {
    /// A code, and what belongs to it.
    Code {
        code: AuthorizationCode,
        redirect_uri: Url,
        pkce_verifier: SecretString,
    },
    /// A refresh token, and for which scopes.
    RefreshToken {
        token: SecretString,
        scopes: Vec<String>,
    },
}

/// The parameters of a token request that authenticate us.
type AuthParameters = Vec<(&'static str, String)>;

impl Entra {
    /// Exchanges a grant for tokens.
    pub(super) async fn exchange(
        &self,
        exchange: &Exchange,
    ) -> Result<EntraTokenResponse, RedeemError> {
        let shared = &self.shared;
        let deadline = shared.transport.sign_in.deadline();
        let mut refused = Vec::new();
        let mut refusal = None;
        for credential in shared.credentials.by_preference() {
            let auth = credential
                .parameters(
                    &shared.client_id,
                    &exchange.endpoint,
                    get_current_timestamp(),
                )
                .map_err(|error| RedeemError::OurFault(error.into()))?;
            match self.exchange_with(exchange, auth, deadline).await {
                // It is said before the grant is looked at, so a code is still good.
                Err(RedeemError::Refused(error)) if error.is_about_our_credential() => {
                    metrics::count_credential_refusal(credential.place());
                    refused.extend_from_slice(&error.codes);
                    refusal = Some(error);
                }
                result => {
                    let believed = match &result {
                        Ok(_) => true,
                        Err(RedeemError::Refused(error)) => error.is_about_the_grant(),
                        Err(_) => false,
                    };
                    if believed {
                        shared.credentials.note_accepted(credential, &refused);
                    }
                    return result;
                }
            }
        }
        match refusal {
            Some(refusal) => {
                shared.credentials.note_refused(refused);
                Err(RedeemError::Refused(refusal))
            }
            // There is no credential at all. Microsoft says so.
            None => {
                self.exchange_with(exchange, AuthParameters::new(), deadline)
                    .await
            }
        }
    }

    async fn exchange_with(
        &self,
        exchange: &Exchange,
        auth: AuthParameters,
        deadline: Instant,
    ) -> Result<EntraTokenResponse, RedeemError> {
        let client = EntraClient::new(ClientId::new(self.shared.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(exchange.endpoint.clone()));
        // The closure owns what it uses: one that borrows would make this future `Send` for
        // some lifetimes only, which no caller could spawn.
        let sign_in = self.shared.transport.sign_in.clone();
        let post = move |request| {
            let sign_in = sign_in.clone();
            async move { sign_in.post_once(request, deadline).await }
        };
        let answer = match &exchange.grant {
            Grant::Code {
                code,
                redirect_uri,
                pkce_verifier,
            } => {
                let verifier = pkce_verifier.expose_secret().to_owned();
                let redirect_uri = RedirectUrl::from_url(redirect_uri.clone());
                let mut request = client
                    .exchange_code(oauth2::AuthorizationCode::new(code.expose().to_owned()))
                    .set_pkce_verifier(PkceCodeVerifier::new(verifier))
                    .set_redirect_uri(Cow::Owned(redirect_uri));
                for (name, value) in auth {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&post).await
            }
            Grant::RefreshToken { token, scopes } => {
                let token = RefreshToken::new(token.expose_secret().to_owned());
                let mut request = client
                    .exchange_refresh_token(&token)
                    .add_scopes(scopes.iter().cloned().map(Scope::new));
                for (name, value) in auth {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&post).await
            }
        };
        answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(refusal) => RedeemError::Refused(refusal.into()),
            RequestTokenError::Request(error) => error.into(),
            RequestTokenError::Parse(_, body) => RedeemError::Nonsense(kind_of(&body)),
            RequestTokenError::Other(_) => RedeemError::Nonsense("an empty answer"),
        })
    }
}

/// What came in place of a token response. It may hold tokens, so nothing of it is passed on.
fn kind_of(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        None => "an empty answer",
        Some(b'<') => "a web page, as proxies send",
        Some(_) => "no token response",
    }
}

pub(super) type EntraTokenResponse = StandardTokenResponse<EntraTokenFields, BasicTokenType>;

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
pub(super) struct EntraTokenFields {
    #[serde(skip_serializing)]
    id_token: Option<RawIdToken>,
}

impl EntraTokenFields {
    pub(super) fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(|token| token.0.expose_secret())
    }
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
