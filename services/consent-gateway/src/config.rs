//! What the gateway is told from outside.

use std::path::PathBuf;

use assent_microsoft_identity::ClientCredential;
use assent_service_kit::config::shared::{self, HostValues, NatsValues};
use assent_service_kit::config::{CommaSeparated, HttpUrl, ListenAddress, Origin, Secret};
use assent_service_kit::{Program, Variable};
use serde::Deserialize;

pub use crate::gateway::AdminProof;

/// The program, as `--help` tells it.
pub static PROGRAM: Program = Program {
    name: "consent-gateway",
    version: env!("CARGO_PKG_VERSION"),
    about: "Records Microsoft 365 consent on the event log: the only writer, and the only one \
            that talks to Microsoft. Serves the HTTP API, Microsoft's callbacks and the \
            login hook's commands.",
    variables: &[
        variable(
            "ASSENT_LISTEN",
            "address and port to listen on",
            Some("127.0.0.1:8080"),
        ),
        variable(
            "ASSENT_PUBLIC_URL",
            "external base URL; register <it>/callbacks/microsoft/admin-consent and <it>/callbacks/microsoft/authorize as redirect URIs at Microsoft",
            None,
        ),
        shared::NATS_URL,
        shared::NATS_CREDS_FILE,
        shared::NATS_USER,
        shared::NATS_PASSWORD,
        shared::NATS_CA_FILE,
        shared::NATS_INBOX_PREFIX,
        variable(
            "ASSENT_NATS_REPLICAS",
            "on how many NATS servers each stream is kept (1, 3 or 5)",
            Some("1"),
        ),
        variable(
            "ASSENT_ENTRA_AUTHORITY",
            "Microsoft's sign-in service",
            Some("https://login.microsoftonline.com"),
        ),
        variable(
            "ASSENT_GRAPH_URL",
            "Microsoft Graph",
            Some("https://graph.microsoft.com"),
        ),
        variable(
            "ASSENT_ENTRA_CLIENT_ID",
            "the application's (client) id at Microsoft",
            None,
        ),
        Variable {
            name: "ASSENT_ENTRA_CLIENT_SECRET",
            help: "the application's client secret",
            default: None,
            secret: true,
        },
        variable(
            "ASSENT_ENTRA_CLIENT_KEY_FILE",
            "RSA private key (PEM) for private_key_jwt; preferred to a secret",
            None,
        ),
        variable(
            "ASSENT_ENTRA_CLIENT_CERT_FILE",
            "the certificate (PEM) that belongs to the key",
            None,
        ),
        variable(
            "ASSENT_ADMIN_PROOF",
            "what proves an Office 365 administrator: role, grant or either",
            Some("either"),
        ),
        shared::HOST_ISSUER,
        shared::HOST_JWKS_URL,
        shared::HOST_AUDIENCE,
        variable(
            "ASSENT_RETURN_ORIGINS",
            "origins that return_to may name, separated by commas",
            Some(""),
        ),
        variable(
            "ASSENT_SCOPES_CALENDAR",
            "Graph scopes for the calendar",
            Some("Calendars.ReadWrite"),
        ),
        variable(
            "ASSENT_SCOPES_CONTACTS",
            "Graph scopes for contacts",
            Some("Contacts.Read"),
        ),
        variable(
            "ASSENT_SCOPES_EMAIL_LIMITED",
            "Graph scopes for limited e-mail",
            Some("Mail.Send"),
        ),
        variable(
            "ASSENT_SCOPES_EMAIL_FULL",
            "Graph scopes for full e-mail",
            Some("Mail.ReadWrite,Mail.Send"),
        ),
    ],
};

const fn variable(
    name: &'static str,
    help: &'static str,
    default: Option<&'static str>,
) -> Variable {
    Variable {
        name,
        help,
        default,
        secret: false,
    }
}

/// The values.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Where to listen.
    pub listen: ListenAddress,
    /// What redirect URIs derive from.
    pub public_url: HttpUrl,
    /// NATS.
    #[serde(flatten)]
    pub nats: NatsValues,
    /// Stream replicas.
    pub nats_replicas: usize,
    /// Microsoft's sign-in service.
    pub entra_authority: HttpUrl,
    /// Microsoft Graph.
    pub graph_url: HttpUrl,
    /// Who we are at Microsoft.
    pub entra_client_id: String,
    /// How we prove it, by a secret.
    pub entra_client_secret: Option<Secret>,
    /// How we prove it, by a certificate.
    pub entra_client_key_file: Option<PathBuf>,
    /// The certificate.
    pub entra_client_cert_file: Option<PathBuf>,
    /// What proves an administrator.
    pub admin_proof: AdminProof,
    /// The host application.
    #[serde(flatten)]
    pub host: HostValues,
    /// Where browsers may be sent back to.
    #[serde(default)]
    pub return_origins: CommaSeparated<Origin>,
    /// Scopes for the calendar.
    pub scopes_calendar: CommaSeparated<String>,
    /// Scopes for contacts.
    pub scopes_contacts: CommaSeparated<String>,
    /// Scopes for limited e-mail.
    pub scopes_email_limited: CommaSeparated<String>,
    /// Scopes for full e-mail.
    pub scopes_email_full: CommaSeparated<String>,
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
    /// A permission without scopes would count as granted by everyone.
    #[error("{0} must name at least one scope")]
    NoScope(&'static str),
    /// A number of replicas that no NATS cluster can keep.
    #[error("ASSENT_NATS_REPLICAS must be 1, 3 or 5")]
    Replicas,
}

impl Config {
    /// How we prove to Microsoft who we are.
    pub fn credential(&self) -> Result<ClientCredential, ConfigError> {
        match (
            &self.entra_client_secret,
            &self.entra_client_key_file,
            &self.entra_client_cert_file,
        ) {
            (Some(secret), None, None) => Ok(ClientCredential::Secret(secret.clone().into_inner())),
            (None, Some(key), Some(certificate)) => Ok(ClientCredential::Certificate {
                key_pem: read("ASSENT_ENTRA_CLIENT_KEY_FILE", key)?.into(),
                certificate_pem: read("ASSENT_ENTRA_CLIENT_CERT_FILE", certificate)?,
            }),
            (_, _, _) => Err(ConfigError::Credential),
        }
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
        self.credential().map(drop)
    }
}

fn read(variable: &'static str, path: &PathBuf) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        variable,
        path: path.clone(),
        source,
    })
}
