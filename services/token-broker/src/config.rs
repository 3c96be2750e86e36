//! What the token broker is told from outside.

mod values;
mod variables;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use assent_messaging::ConnectionSettings;
use assent_microsoft_identity::{ClientCredential, Credentials, ScopeMap};
use assent_service_kit::config::microsoft::{
    CredentialValue, CredentialValues, MicrosoftConfigError, ScopeValues,
};
use assent_service_kit::config::shared::{HostValues, IdleSeconds};
use assent_service_kit::config::{HttpUrl, ListenAddress};
use serde::Deserialize;

pub use values::{RefreshRate, TokenMegabytes, VerifyEvery};
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
    /// NATS.
    #[serde(flatten)]
    pub nats: ConnectionSettings,
    /// On how many servers the buckets are kept.
    pub nats_replicas: usize,
    /// How much the buckets may hold together.
    pub token_megabytes: Option<TokenMegabytes>,
    /// Microsoft's sign-in service.
    #[serde(deserialize_with = "assent_service_kit::config::url_without_path")]
    pub entra_authority: HttpUrl,
    /// Microsoft Graph, whose scopes the tokens are for.
    pub graph_url: HttpUrl,
    /// Who we are at Microsoft.
    pub entra_client_id: String,
    /// How we prove it.
    #[serde(flatten)]
    pub credentials: CredentialValues,
    /// The host application.
    #[serde(flatten)]
    pub host: HostValues,
    /// Which scopes stand for which permission.
    #[serde(flatten)]
    pub scopes: ScopeValues,
    /// Where the keys are.
    pub vault_keys_dir: PathBuf,
    /// How often each token is tried.
    pub verify_every_minutes: VerifyEvery,
    /// How many are tried in a second.
    pub verify_rate: RefreshRate,
    /// How many of one tenant.
    pub verify_rate_per_tenant: RefreshRate,
}

/// Variables that don't go together, or name what can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Who we are at Microsoft, or the scopes.
    #[error(transparent)]
    Microsoft(#[from] MicrosoftConfigError),
    /// A number of replicas that no NATS cluster can keep.
    #[error("ASSENT_NATS_REPLICAS must be 1, 3 or 5")]
    Replicas,
}

impl Config {
    /// Checks what serde can't.
    pub fn check(&self) -> Result<(), ConfigError> {
        if ![1, 3, 5].contains(&self.nats_replicas) {
            return Err(ConfigError::Replicas);
        }
        self.scopes.check()?;
        self.microsoft_credentials().map(drop)
    }

    /// How we prove to Microsoft who we are; during a rotation in two ways.
    pub(crate) fn microsoft_credentials(&self) -> Result<Credentials, ConfigError> {
        let (first, second) = self.credentials.read()?;
        Ok(match second {
            None => Credentials::One(credential(first)),
            Some(second) => Credentials::Rotating {
                first: credential(first),
                second: credential(second),
            },
        })
    }

    /// Which scopes stand for which permission.
    pub fn scope_map(&self) -> ScopeMap {
        ScopeMap {
            calendar: self.scopes.calendar.clone().into(),
            contacts: self.scopes.contacts.clone().into(),
            email_limited: self.scopes.email_limited.clone().into(),
            email_full: self.scopes.email_full.clone().into(),
        }
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
