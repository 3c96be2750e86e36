//! The application Assent is built into, as far as Assent sees it: it signs tokens, publishes its keys, and takes
//! browsers back.

mod pages;
mod token;

use std::net::{Ipv4Addr, SocketAddr};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::http::Uri;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::pages::Pages;
pub use self::token::TokenBuilder;

/// What Assent's services are told to expect as audience.
pub const AUDIENCE: &str = "assent";

/// The host application: an HTTP server in this process, and the key it signs with. Stops when dropped.
#[derive(Debug)]
pub struct HostApplication {
    address: SocketAddr,
    key: SigningKey,
    /// A key the published set does not hold.
    other_key: SigningKey,
    pages: Pages,
    server: JoinHandle<()>,
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
        let key = SigningKey::generate("host-1")?;
        let other_key = SigningKey::generate("host-1")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(HostApplicationError::Listen)?;
        let address = listener
            .local_addr()
            .map_err(HostApplicationError::Listen)?;
        let keys = json!({ "keys": [key.published] });
        let pages = Pages::default();
        let router = Router::new()
            .route(
                "/jwks.json",
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
        Ok(Self {
            address,
            key,
            other_key,
            pages,
            server,
        })
    }

    /// The issuer its tokens name.
    pub fn issuer(&self) -> String {
        self.origin()
    }

    /// The origin of its pages, which browsers may be sent back to.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its keys are published.
    pub fn jwks_url(&self) -> String {
        format!("{}/jwks.json", self.origin())
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
        self.server.abort();
    }
}

/// An ES256 key, and how it is published.
struct SigningKey {
    id: &'static str,
    private: EncodingKey,
    published: Value,
}

impl SigningKey {
    fn generate(id: &'static str) -> Result<Self, HostApplicationError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| HostApplicationError::Key)?;
        let private = pair.to_pkcs8v1().map_err(|_| HostApplicationError::Key)?;
        // An uncompressed point: 4, then 32 bytes each of x and y.
        let point = pair
            .public_key()
            .as_ref()
            .get(1..)
            .ok_or(HostApplicationError::Key)?;
        let (x, y) = point
            .split_at_checked(32)
            .ok_or(HostApplicationError::Key)?;
        let published = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id,
            "x": BASE64_URL_SAFE_NO_PAD.encode(x), "y": BASE64_URL_SAFE_NO_PAD.encode(y),
        });
        Ok(Self {
            id,
            private: EncodingKey::from_ec_der(private.as_ref()),
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
