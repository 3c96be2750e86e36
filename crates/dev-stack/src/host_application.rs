//! The application Assent is built into, as far as Assent sees it: it signs tokens, publishes its keys, and takes
//! browsers back.

mod pages;
mod token;

use std::net::{Ipv4Addr, SocketAddr};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::http::Uri;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::pages::Pages;
pub use self::token::TokenBuilder;

/// What Assent's services are told to expect as audience.
pub const AUDIENCE: &str = "assent";

const JWKS_PATH: &str = "/jwks.json";

/// The host application: an HTTP server in this process, and the key it signs with. Stops when dropped.
#[derive(Debug)]
pub struct HostApplication {
    origin: String,
    jwks_path: &'static str,
    key: SigningKey,
    /// A key the published set does not hold.
    other_key: SigningKey,
    pages: Pages,
    /// Absent where the application is a program of its own, and only tokens are made here.
    server: Option<JoinHandle<()>>,
}

/// The host application could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HostApplicationError {
    /// No key could be made.
    #[error("no signing key could be made")]
    Key,
    /// The HTTP server could not be bound.
    #[error("the host application cannot listen")]
    Listen(#[source] std::io::Error),
}

impl HostApplication {
    /// Starts it on a free port.
    pub async fn start() -> Result<Self, HostApplicationError> {
        let key = SigningKey::generate()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(HostApplicationError::Listen)?;
        let address = listener
            .local_addr()
            .map_err(HostApplicationError::Listen)?;
        let keys = JwkSet {
            keys: vec![key.published.clone()],
        };
        let pages = Pages::default();
        let router = Router::new()
            .route(
                JWKS_PATH,
                get(move || std::future::ready(Json(keys.clone()))),
            )
            .fallback({
                let pages = pages.clone();
                move |uri: Uri| std::future::ready(pages.at(&uri))
            });
        let server = tokio::spawn(async move {
            // It ends with the task.
            axum::serve(listener, router).await.ok();
        });
        Self::signing_for((address, JWKS_PATH), key, pages, Some(server))
    }

    /// The example application, which listens on `address` and signs with the same key
    /// ([`signing_key`](Self::signing_key)): its tokens and those made here are of one issuer.
    pub(crate) fn example(address: SocketAddr) -> Result<Self, HostApplicationError> {
        Self::signing_for(
            (address, "/.well-known/jwks.json"),
            SigningKey::generate()?,
            Pages::default(),
            None,
        )
    }

    fn signing_for(
        (address, jwks_path): (SocketAddr, &'static str),
        key: SigningKey,
        pages: Pages,
        server: Option<JoinHandle<()>>,
    ) -> Result<Self, HostApplicationError> {
        Ok(Self {
            origin: format!("http://{address}"),
            jwks_path,
            other_key: SigningKey {
                id: key.id.clone(),
                ..SigningKey::generate()?
            },
            key,
            pages,
            server,
        })
    }

    /// The key it signs with, as PEM.
    pub(crate) fn signing_key(&self) -> String {
        let der = BASE64_STANDARD.encode(self.key.private.as_bytes());
        format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
    }

    /// The issuer its tokens name.
    pub fn issuer(&self) -> String {
        self.origin()
    }

    /// The origin of its pages, which browsers may be sent back to.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Where its keys are published.
    pub fn jwks_url(&self) -> String {
        format!("{}{}", self.origin, self.jwks_path)
    }

    /// Puts up a page of its own; its address.
    pub fn page(&self, html: impl Into<String>) -> String {
        format!("{}{}", self.origin(), self.pages.add(html.into()))
    }

    /// Puts up a page with a button that posts fields to an address elsewhere: where the answer is shown, in the whole
    /// window or in a frame with the title `frame`.
    pub fn page_that_posts(
        &self,
        action: &str,
        fields: &[(&str, &str)],
        button: &str,
        frame: Option<&str>,
    ) -> String {
        self.page(pages::with_form(action, fields, button, frame))
    }

    /// The environment that makes our services believe its tokens.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("ASSENT_HOST_ISSUER".to_owned(), self.issuer()),
            ("ASSENT_HOST_JWKS_URL".to_owned(), self.jwks_url()),
            ("ASSENT_HOST_AUDIENCE".to_owned(), AUDIENCE.to_owned()),
            ("ASSENT_RETURN_ORIGINS".to_owned(), self.origin()),
            ("ASSENT_FRAME_ANCESTORS".to_owned(), self.origin()),
        ]
    }

    /// A token of a user of an account: good for five minutes, without any role.
    pub fn token_for(&self, user: &str, account: &str) -> TokenBuilder<'_> {
        TokenBuilder::new(self)
            .claim("sub", user)
            .claim("account", account)
    }

    /// Tokens that prove nothing, though all that they say is good: what is wrong with each, and the token.
    pub fn wrong_tokens(&self, user: &str, account: &str) -> Vec<(&'static str, String)> {
        let good = || {
            let token = self.token_for(user, account);
            token
                .super_admin()
                .permission("company_settings:manage")
                .claim("scope", "login:decide permissions:read")
        };
        let signed = good().sign();
        let (head, _) = signed.rsplit_once('.').unwrap_or_default();
        let unsigned = head.split_once('.').unwrap_or_default().1;
        vec![
            ("expired", good().expired().sign()),
            ("for another service", good().audience("billing").sign()),
            (
                "by another issuer",
                good().issuer("https://evil.example").sign(),
            ),
            ("by another key", good().signed_by_another_key().sign()),
            ("without an end", good().without("exp").sign()),
            ("without a subject", good().without("sub").sign()),
            ("without an issuer", good().without("iss").sign()),
            ("without an audience", good().without("aud").sign()),
            ("without a signature", format!("{head}.")),
            ("unsigned", format!("eyJhbGciOiJub25lIn0.{unsigned}.")),
            ("no token", "x".to_owned()),
        ]
    }

    /// A token of one of the host's own services, signed.
    pub fn service_token(&self, scopes: &[&str]) -> String {
        self.service(scopes).sign()
    }

    /// A token of one of the host's own services, to be changed before it is signed.
    pub fn service(&self, scopes: &[&str]) -> TokenBuilder<'_> {
        TokenBuilder::new(self)
            .claim("sub", "host-service")
            .claim("scope", scopes.join(" "))
    }
}

impl Drop for HostApplication {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// An ES256 key, and how it is published.
struct SigningKey {
    id: String,
    private: EncodingKey,
    published: Jwk,
}

impl SigningKey {
    fn generate() -> Result<Self, HostApplicationError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| HostApplicationError::Key)?;
        let private = pair.to_pkcs8v1().map_err(|_| HostApplicationError::Key)?;
        let private = EncodingKey::from_ec_der(private.as_ref());
        let named = |private| {
            let mut published = Jwk::from_encoding_key(private, Algorithm::ES256)?;
            // RFC 7638: whoever knows the key knows its name.
            let id = published.thumbprint(ThumbprintHash::SHA256)?;
            published.common.key_id = Some(id.clone());
            Ok::<_, jsonwebtoken::errors::Error>((id, published))
        };
        let (id, published) = named(&private).map_err(|_| HostApplicationError::Key)?;
        Ok(Self {
            id,
            private,
            published,
        })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests;
