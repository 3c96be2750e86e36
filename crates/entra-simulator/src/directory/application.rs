//! Application registrations: redirect URIs, secrets, certificates, required permissions.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use thiserror::Error;
use url::Url;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use crate::identifiers::ClientId;

/// An application registration.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent switches of a registration"
)]
pub(crate) struct Application {
    pub(crate) client_id: ClientId,
    pub(crate) name: String,
    pub(crate) redirect_uris: BTreeSet<String>,
    pub(crate) secrets: Vec<String>,
    /// Secrets that were good once.
    pub(crate) expired_secrets: Vec<String>,
    pub(crate) certificates: Vec<Certificate>,
    /// Delegated permissions listed in the registration: what `.default` asks for.
    pub(crate) delegated_permissions: BTreeSet<String>,
    /// Application permissions listed in the registration.
    pub(crate) app_roles: BTreeSet<String>,
    /// Whether ID tokens carry `wids` (`groupMembershipClaims` in the manifest).
    pub(crate) emit_wids: bool,
    /// Entra insists on PKCE only for browser and native clients; by default we insist always.
    pub(crate) require_pkce: bool,
    /// Microsoft knows who published it. Without that, users may consent to signing in and no more.
    pub(crate) publisher_verified: bool,
    /// Microsoft's own suspicion: the same, with a warning.
    pub(crate) risky: bool,
}

impl fmt::Debug for Application {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Application")
            .field("client_id", &self.client_id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A certificate with which an application proves who it is.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// The SHA-256 of the certificate: `x5t#S256`.
    pub(crate) sha256: Vec<u8>,
    /// The SHA-1 of the certificate: `x5t`.
    pub(crate) sha1: Vec<u8>,
    /// The PKCS#1 public key.
    pub(crate) public_key: Vec<u8>,
}

/// Why a certificate could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum CertificateError {
    #[error("the certificate is neither PEM nor base64")]
    Encoding,
    #[error("no RSA public key was found in the certificate")]
    NoRsaKey,
}

impl Certificate {
    /// Reads a certificate: PEM, or the base64 of its DER.
    pub(crate) fn parse(text: &str) -> Result<Self, CertificateError> {
        let encoded: String = text
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .flat_map(str::chars)
            .filter(|character| !character.is_ascii_whitespace())
            .collect();
        let certificate = STANDARD
            .decode(encoded)
            .map_err(|_| CertificateError::Encoding)?;
        let (_, read) = X509Certificate::from_der(&certificate)
            .map_err(|_unreadable| CertificateError::NoRsaKey)?;
        let info = read.public_key();
        let Ok(PublicKey::RSA(_)) = info.parsed() else {
            return Err(CertificateError::NoRsaKey);
        };
        let public_key = info.subject_public_key.data.to_vec();
        let digest = |algorithm| digest::digest(algorithm, &certificate).as_ref().to_vec();
        Ok(Self {
            sha256: digest(&digest::SHA256),
            sha1: digest(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            public_key,
        })
    }

    /// As `x5t#S256` is written.
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.sha256)
    }
}

/// Why a redirect URI could not be registered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RedirectUriError {
    #[error("{0:?} is not an absolute URL")]
    NotAnUrl(String),
    #[error("{0:?} must use https, or http on this machine")]
    Insecure(String),
    #[error("{0:?} has more than 256 characters")]
    TooLong(String),
    #[error("{0:?} has a wildcard, a fragment or one of ! $ ' ( ) , ;")]
    ForbiddenCharacter(String),
}

/// Entra's rules for a redirect URI.
pub(crate) fn check_redirect_uri(uri: &str) -> Result<(), RedirectUriError> {
    let url = Url::parse(uri).map_err(|_| RedirectUriError::NotAnUrl(uri.to_owned()))?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        return Err(RedirectUriError::Insecure(uri.to_owned()));
    }
    if uri.len() > 256 {
        return Err(RedirectUriError::TooLong(uri.to_owned()));
    }
    if url.fragment().is_some() || uri.contains(['*', '!', '$', '\'', '(', ')', ',', ';']) {
        return Err(RedirectUriError::ForbiddenCharacter(uri.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_follow_entras_rules() {
        for good in [
            "https://app.example/callback",
            "http://127.0.0.1:8080/x",
            "http://localhost:1/x",
        ] {
            assert_eq!(check_redirect_uri(good), Ok(()));
        }
        for bad in [
            "callback",
            "http://app.example/",
            "https://*.app.example/",
            "https://app.example/a;b",
        ] {
            assert!(check_redirect_uri(bad).is_err(), "{bad}");
        }
        assert!(check_redirect_uri(&format!("https://app.example/{}", "x".repeat(250))).is_err());
    }

    #[test]
    fn nonsense_is_no_certificate() {
        assert_eq!(
            Certificate::parse("%%%").unwrap_err(),
            CertificateError::Encoding
        );
        assert_eq!(
            Certificate::parse("MAA=").unwrap_err(),
            CertificateError::NoRsaKey
        );
    }
}
