//! Signing in to Hirely through Microsoft: OpenID Connect, authorization code flow, with PKCE, state and nonce.
//!
//! This has nothing to do with Assent yet, and most products have it already. Assent needs its result: the ID token, to
//! verify for itself who signed in. Hirely asks for no mailbox here; that is Assent's part, under an application of its
//! own at Microsoft.

mod keys;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use self::keys::{KeyError, PublishedKeys};
use crate::config::{Config, Secret};
use crate::random::unguessable;
use crate::users::MicrosoftIdentity;

/// `openid profile` to know who it is, `User.Read` for the access token that lets Assent see where the mailbox is.
const SCOPES: &str = "openid profile User.Read";

/// The path that Microsoft sends browsers back to.
pub(crate) const CALLBACK: &str = "/sign-in/microsoft/callback";

/// Client of Microsoft's sign-in service.
pub(crate) struct Microsoft {
    http: reqwest::Client,
    authority: String,
    client_id: String,
    client_secret: Secret,
    redirect_uri: String,
    keys: PublishedKeys,
}

/// A sign-in that waits for Microsoft to send the browser back. It belongs to one browser: see `web/sign_in.rs`.
#[derive(Debug, Clone)]
pub(crate) struct PendingSignIn {
    pub(crate) state: String,
    nonce: String,
    pkce_verifier: String,
    /// The tenant segment of Microsoft's addresses: a tenant id, or `organizations`.
    tenant_segment: String,
}

/// A verified sign-in: who it is, and the tokens.
pub(crate) struct SignedIn {
    pub(crate) identity: MicrosoftIdentity,
    pub(crate) id_token: String,
    pub(crate) access_token: Option<String>,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("Microsoft did not answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("Microsoft refused the code: {0}")]
    Refused(String),
    #[error("the ID token's key is not to be had")]
    Key(#[from] KeyError),
    #[error("the ID token proves nothing")]
    IdToken(#[from] jsonwebtoken::errors::Error),
    #[error("the ID token is of another issuer")]
    Issuer,
    #[error("the ID token belongs to another sign-in")]
    Nonce,
}

#[derive(Deserialize)]
struct TokenResponse {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

#[derive(Deserialize)]
struct IdTokenClaims {
    iss: String,
    tid: Uuid,
    oid: Uuid,
    nonce: String,
}

impl Microsoft {
    pub(crate) fn new(http: &reqwest::Client, config: &Config) -> anyhow::Result<Self> {
        let authority = config.microsoft_authority.as_str().trim_end_matches('/');
        // Users of any customer's tenant, and no private accounts.
        let keys = Url::parse(&format!("{authority}/organizations/discovery/v2.0/keys"))?;
        Ok(Self {
            http: http.clone(),
            authority: authority.to_owned(),
            client_id: config.microsoft_client_id.clone(),
            client_secret: config.microsoft_client_secret.clone(),
            redirect_uri: config.own_address(CALLBACK),
            keys: PublishedKeys::new(http.clone(), keys),
        })
    }

    /// Begins a sign-in: where to send the browser, and what to keep until it comes back. Without a tenant people are
    /// signed in to their own.
    pub(crate) fn begin(&self, tenant: Option<Uuid>) -> anyhow::Result<(Url, PendingSignIn)> {
        let tenant_segment =
            tenant.map_or_else(|| "organizations".to_owned(), |tenant| tenant.to_string());
        let pending = PendingSignIn {
            tenant_segment,
            state: unguessable()?,
            nonce: unguessable()?,
            pkce_verifier: unguessable()?,
        };
        let challenge = digest(&SHA256, pending.pkce_verifier.as_bytes());
        let mut address = Url::parse(&format!(
            "{}/{}/oauth2/v2.0/authorize",
            self.authority, pending.tenant_segment
        ))?;
        address.query_pairs_mut().extend_pairs([
            ("client_id", self.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", &self.redirect_uri),
            ("scope", SCOPES),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(challenge)),
            ("code_challenge_method", "S256"),
            // Several people share the browser of somebody who plays them all.
            ("prompt", "select_account"),
        ]);
        Ok((address, pending))
    }

    /// Trades the code for tokens, and checks that they are of this sign-in.
    pub(crate) async fn finish(
        &self,
        pending: &PendingSignIn,
        code: &str,
    ) -> Result<SignedIn, SignInError> {
        let answer = self
            .http
            .post(format!(
                "{}/{}/oauth2/v2.0/token",
                self.authority, pending.tenant_segment
            ))
            .form(&[
                ("grant_type", "authorization_code"),
                ("client_id", &self.client_id),
                ("client_secret", self.client_secret.expose()),
                ("redirect_uri", &self.redirect_uri),
                ("code_verifier", &pending.pkce_verifier),
                ("code", code),
            ])
            .send()
            .await
            .map_err(SignInError::NoAnswer)?;
        if !answer.status().is_success() {
            let refusal = answer.json::<TokenError>().await;
            return Err(SignInError::Refused(
                refusal.map_or_else(|_| "unreadable".to_owned(), |refusal| refusal.error),
            ));
        }
        let tokens: TokenResponse = answer.json().await.map_err(SignInError::NoAnswer)?;
        let identity = self.verify(&tokens.id_token, &pending.nonce).await?;
        Ok(SignedIn {
            identity,
            id_token: tokens.id_token,
            access_token: tokens.access_token,
        })
    }

    /// Checks an ID token, and reads who it is about.
    async fn verify(&self, id_token: &str, nonce: &str) -> Result<MicrosoftIdentity, SignInError> {
        let key = self.keys.find_for(id_token).await?;
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_audience(&[&self.client_id]);
        rules.validate_nbf = true;
        let claims = jsonwebtoken::decode::<IdTokenClaims>(id_token, &key.decoding, &rules)?.claims;
        // Each tenant is an issuer of its own, and a key may be good for some issuers only.
        let issuer = format!("{}/{}/v2.0", self.authority, claims.tid);
        if claims.iss != issuer || !key.may_sign_for(&issuer, claims.tid) {
            return Err(SignInError::Issuer);
        }
        if claims.nonce != nonce {
            return Err(SignInError::Nonce);
        }
        Ok(MicrosoftIdentity {
            tenant_id: claims.tid,
            object_id: claims.oid,
        })
    }
}
