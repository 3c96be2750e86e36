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
use assent_service_kit::config::microsoft::{
    CredentialValue, CredentialValues, MicrosoftConfigError, ScopeValues,
};
use assent_service_kit::config::shared::{HostValues, IdleSeconds};
use assent_service_kit::config::{CommaSeparated, HttpUrl, HttpUrlError, ListenAddress, Origin};
use assent_token_vault::{PublicKeyError, PublicKeyFile};
use serde::Deserialize;

pub use assent_consent_core::gateway::AdminProof;
pub use assent_consent_pages::{Color, LogoError};
pub use values::{HandOffDays, ProductName, ProductUrl, SessionMinutes, StoreMegabytes};
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
    /// How we prove it.
    #[serde(flatten)]
    pub credentials: CredentialValues,
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
    /// Which scopes stand for which permission.
    #[serde(flatten)]
    pub scopes: ScopeValues,
}

/// Variables that don't go together, or name what can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The key to seal refresh tokens with is none.
    #[error("ASSENT_VAULT_PUBLIC_KEY_FILE")]
    VaultKey(#[source] PublicKeyError),
    /// Who we are at Microsoft, or the scopes.
    #[error(transparent)]
    Microsoft(#[from] MicrosoftConfigError),
    /// The logo is none.
    #[error("ASSENT_PRODUCT_LOGO_FILE")]
    Logo(#[source] LogoError),
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
        let (first, second) = self.credentials.read()?;
        Ok(match second {
            None => Credentials::One(credential(first)),
            Some(second) => Credentials::Rotating {
                first: credential(first),
                second: credential(second),
            },
        })
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
        self.scopes.check()?;
        self.credentials().map(drop)
    }
}

fn credential(value: CredentialValue) -> ClientCredential {
    match value {
        CredentialValue::Secret(secret) => ClientCredential::Secret(secret),
        CredentialValue::Certificate {
            key_pem,
            certificate_pem,
        } => ClientCredential::Certificate {
            key_pem,
            certificate_pem,
        },
    }
}

#[cfg(test)]
mod tests;
