//! Who we are at Microsoft, and where Microsoft is.

use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::health::CredentialPlace;

/// The shortest RSA key of a certificate that is taken, in bits.
pub(crate) const FEWEST_KEY_BITS: usize = 2048;

/// What [`crate::Entra`] is built from.
#[derive(Debug)]
pub struct Settings {
    /// Where sign-in happens: `https://login.microsoftonline.com`. `http` only on a loopback address.
    pub authority: Url,
    /// Where sign-in of the clouds is that we do not serve: [`crate::NATIONAL_AUTHORITIES`]. They are only asked whether
    /// a tenant lives there. None: nobody is asked.
    pub national_authorities: Vec<Url>,
    /// Where Microsoft Graph is: `https://graph.microsoft.com`. `http` only on a loopback address.
    pub graph_url: Url,
    /// Where Autodiscover is: [`crate::AUTODISCOVER`]. `http` only on a loopback address.
    pub autodiscover_url: Url,
    /// Our application's id in the app registration.
    pub client_id: String,
    /// How we prove to Microsoft that we are that application.
    pub credentials: Credentials,
    /// How long one operation against Microsoft may take altogether; five seconds is sensible.
    pub timeout: Duration,
}

/// Our credentials: usually one, and two while one is being exchanged for another.
#[derive(Debug)]
pub enum Credentials {
    /// None. Only public data can be asked for: redeeming a code is then refused by Microsoft, verifying ID tokens
    /// works.
    None,
    /// The only one.
    One(ClientCredential),
    /// An old one and a new one, in any order and of any kind. Whichever Microsoft accepts is used, so that neither
    /// side has to be changed at the same moment as the other.
    Rotating {
        /// The one to begin with.
        first: ClientCredential,
        /// The one to use where the first is refused.
        second: ClientCredential,
    },
}

/// How the application proves itself at the token endpoint.
#[derive(Debug)]
pub enum ClientCredential {
    /// A client secret.
    Secret(SecretString),
    /// A certificate: each request is signed (`private_key_jwt`, PS256). Preferred.
    Certificate {
        /// The RSA private key, PKCS#8 or PKCS#1, in PEM.
        key_pem: SecretString,
        /// The certificate that is uploaded at Microsoft, in PEM.
        certificate_pem: String,
    },
}

/// Why no client could be built from the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A base address is neither `https` nor `http` on a loopback address, or carries a query or user information.
    #[error(
        "{name} must be an https address, or http on a loopback address, without query, fragment or credentials"
    )]
    Address {
        /// Which of the settings.
        name: &'static str,
    },
    /// The client id is empty or holds something that is no part of an identifier.
    #[error("the client id is not an application id")]
    ClientId,
    /// The timeout is zero.
    #[error("the timeout must be longer than zero")]
    Timeout,
    /// A certificate or its key cannot be used.
    #[error("the {place} credential cannot be used")]
    Credential {
        /// Which of the credentials it is.
        place: CredentialPlace,
        /// Why it cannot be used.
        #[source]
        problem: CertificateProblem,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    HttpClient(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with a certificate or its key. That it has expired, or is not valid yet, is none of it: a service has
/// to come up all the same, and Microsoft may see it otherwise.
#[derive(Debug, thiserror::Error)]
pub enum CertificateProblem {
    /// The private key could not be read.
    #[error("the private key is not an RSA key in PEM")]
    PrivateKey(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificate could not be read.
    #[error("the certificate is not an X.509 certificate in PEM")]
    Certificate,
    /// The certificate holds a key of another kind.
    #[error("the certificate is not for an RSA key, as Microsoft needs it")]
    NotRsa,
    /// The key is too short to be safe.
    #[error("the certificate's key has {bits} bits; it needs {FEWEST_KEY_BITS} or more")]
    TooWeak {
        /// The length of the key, in bits.
        bits: usize,
    },
    /// The certificate is not for the private key.
    #[error("the certificate does not belong to the private key")]
    AnotherKey,
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        check_address("authority", &self.authority)?;
        for address in &self.national_authorities {
            check_address("national_authorities", address)?;
        }
        check_address("graph_url", &self.graph_url)?;
        check_address("autodiscover_url", &self.autodiscover_url)?;
        // The id goes into a path of Microsoft Graph, so nothing but an identifier may pass.
        let is_identifier = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        if self.client_id.is_empty() || !self.client_id.chars().all(is_identifier) {
            return Err(SettingsError::ClientId);
        }
        if self.timeout.is_zero() {
            return Err(SettingsError::Timeout);
        }
        Ok(())
    }
}

fn check_address(name: &'static str, address: &Url) -> Result<(), SettingsError> {
    let transport_is_safe = match address.scheme() {
        "https" => true,
        "http" => is_loopback(address),
        _ => false,
    };
    let is_bare = address.query().is_none()
        && address.fragment().is_none()
        && address.username().is_empty()
        && address.password().is_none();
    if transport_is_safe && is_bare {
        Ok(())
    } else {
        Err(SettingsError::Address { name })
    }
}

fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(authority: &str) -> Settings {
        Settings {
            authority: authority.parse().unwrap(),
            national_authorities: Vec::new(),
            graph_url: "https://graph.microsoft.com".parse().unwrap(),
            autodiscover_url: crate::AUTODISCOVER.parse().unwrap(),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            credentials: Credentials::Rotating {
                first: ClientCredential::Secret("hunter2".into()),
                second: ClientCredential::Secret("hunter3".into()),
            },
            timeout: Duration::from_secs(5),
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in [
            "https://login.microsoftonline.com",
            "http://127.0.0.1:8090",
            "http://localhost/",
            "http://[::1]:1",
        ] {
            assert!(settings(good).check().is_ok(), "{good}");
        }
        for bad in [
            "http://login.microsoftonline.com",
            "ftp://127.0.0.1",
            "https://u:p@example.com",
            "https://a.b/?x=1",
        ] {
            assert!(settings(bad).check().is_err(), "{bad}");
        }
    }

    #[test]
    fn other_clouds_are_held_to_the_same() {
        let mut settings = settings("https://login.microsoftonline.com");
        settings.national_authorities = crate::NATIONAL_AUTHORITIES
            .map(|address| address.parse().unwrap())
            .to_vec();
        assert!(settings.check().is_ok());
        let bad = "http://login.microsoftonline.us".parse().unwrap();
        settings.national_authorities.push(bad);
        let error = settings.check().unwrap_err();
        assert!(
            error.to_string().starts_with("national_authorities"),
            "{error}"
        );
    }

    #[test]
    fn the_client_id_cannot_leave_its_quotes() {
        let mut settings = settings("https://login.microsoftonline.com");
        settings.client_id = "x') or (1 eq 1".to_owned();
        assert!(matches!(settings.check(), Err(SettingsError::ClientId)));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", settings("https://login.microsoftonline.com"));
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
