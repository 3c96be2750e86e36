//! Refreshing: new tokens for a refresh token.

use std::time::Duration;

use oauth2::TokenResponse as _;
use secrecy::SecretString;
use uuid::Uuid;

use super::RedeemError;
use super::token_endpoint::{Exchange, Grant};
use crate::client::Entra;
use crate::endpoints::token_endpoint;
use crate::id_token::{ExpectedNonce, IdTokenExpectation, VerifiedIdentity};
use crate::scopes::ScopeSet;
use crate::tenant::TenantRef;

/// The scope that brings an ID token.
const OPENID: &str = "openid";

/// What a refresh token brought.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refreshed {
    /// An access token for Microsoft Graph, to be handed on.
    pub access_token: SecretString,
    /// How long it lasts, by Microsoft's word.
    pub expires_in: Duration,
    /// What it really covers, which may be more than was asked for.
    pub scopes: ScopeSet,
    /// The refresh token to use from now on, where Microsoft gave a new one. The one that was used stays good for as long
    /// as it would have.
    pub refresh_token: Option<SecretString>,
    /// Whose token it is; only where `openid` was asked for.
    pub identity: Option<VerifiedIdentity>,
}

impl Entra {
    /// Uses a refresh token, on the path of the tenant whose mailbox it is for. Whether a refusal says that a consent is gone is
    /// told by [`AuthorizationError::consent_end`](crate::AuthorizationError::consent_end).
    pub async fn refresh(
        &self,
        tenant: Uuid,
        refresh_token: SecretString,
        scopes: Vec<String>,
    ) -> Result<Refreshed, RedeemError> {
        let wants_identity = scopes.iter().any(|scope| scope == OPENID);
        let exchange = Exchange {
            endpoint: token_endpoint(&self.shared.authority, &TenantRef::Id(tenant)),
            grant: Grant::RefreshToken {
                token: refresh_token,
                scopes,
            },
        };
        let response = self.exchange(&exchange).await.inspect_err(|error| {
            if let RedeemError::Refused(refusal) = error {
                refusal.log("refresh");
            }
        })?;
        let identity = if wants_identity {
            let id_token = response
                .extra_fields()
                .id_token()
                .ok_or(RedeemError::Nonsense("there is no ID token"))?;
            let expectation = IdTokenExpectation {
                // There was no page, and so no nonce: the token comes straight from Microsoft.
                nonce: ExpectedNonce::CheckedElsewhere,
                tenant: Some(tenant),
                personal_accounts: false,
            };
            let verified = self
                .verify_id_token(id_token, &[self.client_id()], expectation)
                .await;
            Some(verified.map_err(RedeemError::IdToken)?)
        } else {
            None
        };
        Ok(Refreshed {
            scopes: self.granted(&response)?,
            access_token: response.access_token().secret().as_str().into(),
            expires_in: response
                .expires_in()
                .ok_or(RedeemError::Nonsense("there is no lifetime"))?,
            refresh_token: response
                .refresh_token()
                .map(|token| token.secret().as_str().into()),
            identity,
        })
    }
}
