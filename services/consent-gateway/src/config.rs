//! What the gateway is told from outside.

mod values;
mod variables;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use assent_consent_pages::Brand;
use assent_messaging::ConnectionSettings;
use assent_microsoft_identity::{
    AUTODISCOVER, ClientCredential, Credentials, NATIONAL_AUTHORITIES,
};
use assent_service_kit::config::shared::{HostValues, IdleSeconds};
use assent_service_kit::config::{CommaSeparated, HttpUrl, HttpUrlError, ListenAddress, Origin};
use assent_token_vault::{PublicKeyError, PublicKeyFile};
use secrecy::SecretString;
use serde::Deserialize;

pub use assent_consent_core::gateway::AdminProof;
pub use assent_consent_pages::{Color, LogoError};
pub use values::{HandOffDays, ProductName, ProductUrl, Scopes, SessionMinutes, StoreMegabytes};
pub use variables::PROGRAM;

/// The values.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Where to listen.
    pub listen: ListenAddress,
    /// How many connections are served.
    pub http_connections: Option<NonZeroUsize>,
    /// How long one may be idle.
    pub http_idle_seconds: IdleSeconds,
    /// Where the metrics are, if not there.
    pub metrics_listen: Option<ListenAddress>,
    /// What redirect URIs derive from.
    #[serde(deserialize_with = "assent_service_kit::config::url_without_query")]
    pub public_url: HttpUrl,
    /// NATS.
    #[serde(flatten)]
    pub nats: ConnectionSettings,
    /// Stream replicas.
    pub nats_replicas: usize,
    /// How much the buckets may hold together.
    pub store_megabytes: Option<StoreMegabytes>,
    /// The key that refresh tokens are sealed with.
    pub vault_public_key_file: Option<PathBuf>,
    /// Microsoft's sign-in service.
    #[serde(deserialize_with = "assent_service_kit::config::url_without_path")]
    pub entra_authority: HttpUrl,
    /// Microsoft Graph.
    pub graph_url: HttpUrl,
    /// Who we are at Microsoft.
    pub entra_client_id: String,
    /// How we prove it, by a secret.
    pub entra_client_secret: Option<SecretString>,
    /// How we prove it, by a certificate.
    pub entra_client_key_file: Option<PathBuf>,
    /// The certificate.
    pub entra_client_cert_file: Option<PathBuf>,
    /// The other credential during a rotation.
    pub entra_client_second_secret: Option<SecretString>,
    /// The key of the other credential, where that is a certificate.
    pub entra_client_second_key_file: Option<PathBuf>,
    /// The certificate of the other key.
    pub entra_client_second_cert_file: Option<PathBuf>,
    /// Microsoft's Autodiscover.
    pub autodiscover_url: Option<HttpUrl>,
    /// Where the clouds that are not served sign people in.
    pub entra_national_authorities: Option<CommaSeparated<HttpUrl>>,
    /// How long a link for an administrator lives.
    pub hand_off_days: HandOffDays,
    /// What the host application is called.
    pub product_name: ProductName,
    /// Where it is.
    pub product_url: Option<ProductUrl>,
    /// Its logo.
    pub product_logo_file: Option<PathBuf>,
    /// Its colour.
    pub product_accent_color: Color,
    /// Who may embed the settings pages.
    #[serde(default)]
    pub frame_ancestors: CommaSeparated<Origin>,
    /// How long a session of the settings pages lasts.
    pub session_minutes: SessionMinutes,
    /// What proves an administrator.
    pub admin_proof: AdminProof,
    /// The host application.
    #[serde(flatten)]
    pub host: HostValues,
    /// Where browsers may be sent back to.
    #[serde(default)]
    pub return_origins: CommaSeparated<Origin>,
    /// Scopes for the calendar.
    pub scopes_calendar: Scopes,
    /// Scopes for contacts.
    pub scopes_contacts: Scopes,
    /// Scopes for limited e-mail.
    pub scopes_email_limited: Scopes,
    /// Scopes for full e-mail.
    pub scopes_email_full: Scopes,
}

/// Variables that don't go together, or name what can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No way to prove to Microsoft who we are, or two.
    #[error(
        "set either ASSENT_ENTRA_CLIENT_SECRET, or both ASSENT_ENTRA_CLIENT_KEY_FILE and \
         ASSENT_ENTRA_CLIENT_CERT_FILE"
    )]
    Credential,
    /// Half of a second credential, or two of them.
    #[error(
        "for a rotation set either ASSENT_ENTRA_CLIENT_SECOND_SECRET, or both \
         ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE and ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE; or none of them"
    )]
    SecondCredential,
    /// A file can't be read.
    #[error("{variable} names a file that can't be read: {}", .path.display())]
    File {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key to seal refresh tokens with is none.
    #[error("ASSENT_VAULT_PUBLIC_KEY_FILE")]
    VaultKey(#[source] PublicKeyError),
    /// The logo is none.
    #[error("ASSENT_PRODUCT_LOGO_FILE")]
    Logo(#[source] LogoError),
    /// A permission without scopes would count as granted by everyone.
    #[error("{0} must name at least one scope")]
    NoScope(&'static str),
    /// A number of replicas that no NATS cluster can keep.
    #[error("ASSENT_NATS_REPLICAS must be 1, 3 or 5")]
    Replicas,
}

/// Microsoft's own sign-in service and Graph.
const MICROSOFT_AUTHORITY: &str = "https://login.microsoftonline.com";
const MICROSOFT_GRAPH: &str = "https://graph.microsoft.com";

impl Config {
    /// How we prove to Microsoft who we are; during a rotation in two ways.
    pub fn credentials(&self) -> Result<Credentials, ConfigError> {
        let first = credential(
            self.entra_client_secret.as_ref(),
            (
                "ASSENT_ENTRA_CLIENT_KEY_FILE",
                self.entra_client_key_file.as_ref(),
            ),
            (
                "ASSENT_ENTRA_CLIENT_CERT_FILE",
                self.entra_client_cert_file.as_ref(),
            ),
            ConfigError::Credential,
        )?;
        let second = credential(
            self.entra_client_second_secret.as_ref(),
            (
                "ASSENT_ENTRA_CLIENT_SECOND_KEY_FILE",
                self.entra_client_second_key_file.as_ref(),
            ),
            (
                "ASSENT_ENTRA_CLIENT_SECOND_CERT_FILE",
                self.entra_client_second_cert_file.as_ref(),
            ),
            ConfigError::SecondCredential,
        )?;
        match (first, second) {
            (None, _) => Err(ConfigError::Credential),
            (Some(only), None) => Ok(Credentials::One(only)),
            (Some(first), Some(second)) => Ok(Credentials::Rotating { first, second }),
        }
    }

    /// Where mailboxes are told. Whatever stands in for Graph stands in for this, too.
    pub fn autodiscover(&self) -> Result<HttpUrl, HttpUrlError> {
        match &self.autodiscover_url {
            Some(url) => Ok(url.clone()),
            None if self.graph_url.as_str() == MICROSOFT_GRAPH => HttpUrl::parse(AUTODISCOVER),
            None => Ok(self.graph_url.clone()),
        }
    }

    /// Where the clouds that are not served sign people in. Whatever stands in for Microsoft stands alone.
    pub fn national_authorities(&self) -> Result<Vec<HttpUrl>, HttpUrlError> {
        match &self.entra_national_authorities {
            Some(urls) => Ok(urls.as_slice().to_vec()),
            None if self.entra_authority.as_str() == MICROSOFT_AUTHORITY => NATIONAL_AUTHORITIES
                .into_iter()
                .map(HttpUrl::parse)
                .collect(),
            None => Ok(Vec::new()),
        }
    }

    /// What refresh tokens are sealed with. Reads the file for the first time.
    pub(crate) fn vault_key(&self) -> Result<Option<PublicKeyFile>, ConfigError> {
        let file = self.vault_public_key_file.as_ref();
        let key = file.map(PublicKeyFile::open).transpose();
        key.map_err(ConfigError::VaultKey)
    }

    /// What the host application looks like. Reads its logo.
    pub(crate) fn brand(&self) -> Result<Brand, ConfigError> {
        Brand::new(
            self.product_name.clone().into(),
            self.product_url.clone().map(Into::into),
            self.product_logo_file.as_deref(),
            self.product_accent_color,
        )
        .map_err(ConfigError::Logo)
    }

    /// Checks what serde can't.
    pub fn check(&self) -> Result<(), ConfigError> {
        if ![1, 3, 5].contains(&self.nats_replicas) {
            return Err(ConfigError::Replicas);
        }
        for (name, scopes) in [
            ("ASSENT_SCOPES_CALENDAR", &self.scopes_calendar),
            ("ASSENT_SCOPES_CONTACTS", &self.scopes_contacts),
            ("ASSENT_SCOPES_EMAIL_LIMITED", &self.scopes_email_limited),
            ("ASSENT_SCOPES_EMAIL_FULL", &self.scopes_email_full),
        ] {
            if scopes.as_slice().is_empty() {
                return Err(ConfigError::NoScope(name));
            }
        }
        self.credentials().map(drop)
    }
}

/// A secret, or a key with its certificate, or neither; anything else is a mistake.
fn credential(
    secret: Option<&SecretString>,
    (key_variable, key): (&'static str, Option<&PathBuf>),
    (certificate_variable, certificate): (&'static str, Option<&PathBuf>),
    otherwise: ConfigError,
) -> Result<Option<ClientCredential>, ConfigError> {
    match (secret, key, certificate) {
        (None, None, None) => Ok(None),
        (Some(secret), None, None) => Ok(Some(ClientCredential::Secret(secret.clone()))),
        (None, Some(key), Some(certificate)) => Ok(Some(ClientCredential::Certificate {
            key_pem: read(key_variable, key)?.into(),
            certificate_pem: read(certificate_variable, certificate)?,
        })),
        (_, _, _) => Err(otherwise),
    }
}

fn read(variable: &'static str, path: &PathBuf) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        variable,
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests;
