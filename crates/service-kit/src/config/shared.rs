//! Variables that several programs read, described once.

use serde::Deserialize;

use crate::bearer::{BearerSetupError, BearerVerifier};
use crate::config::{HttpUrl, Secret, Variable};

/// Where NATS is.
pub const NATS_URL: Variable = Variable::plain(
    "ASSENT_NATS_URL",
    "address of the NATS server, or several separated by commas",
    Some("nats://127.0.0.1:4222"),
);
/// Who we are to NATS, by a signed token.
pub const NATS_CREDS_FILE: Variable = Variable::plain(
    "ASSENT_NATS_CREDS_FILE",
    "a .creds file to sign in to NATS with",
    None,
);
/// Who we are to NATS, by name.
pub const NATS_USER: Variable = Variable::plain("ASSENT_NATS_USER", "user name at NATS", None);
/// The password for it.
pub const NATS_PASSWORD: Variable = Variable::secret("ASSENT_NATS_PASSWORD", "password at NATS");
/// Who vouches for the NATS server.
pub const NATS_CA_FILE: Variable = Variable::plain(
    "ASSENT_NATS_CA_FILE",
    "CA certificates of the NATS server; requires TLS",
    None,
);
/// Where replies arrive.
pub const NATS_INBOX_PREFIX: Variable = Variable::plain(
    "ASSENT_NATS_INBOX_PREFIX",
    "subject prefix for replies (_INBOX_<user>, or _INBOX without a user)",
    None,
);
/// Who signs the host application's tokens.
pub const HOST_ISSUER: Variable = Variable::plain(
    "ASSENT_HOST_ISSUER",
    "issuer (iss) of the host application's tokens",
    None,
);
/// Where its keys are.
pub const HOST_JWKS_URL: Variable = Variable::plain(
    "ASSENT_HOST_JWKS_URL",
    "address of the host application's JSON Web Key Set",
    None,
);
/// For whom its tokens are.
pub const HOST_AUDIENCE: Variable = Variable::plain(
    "ASSENT_HOST_AUDIENCE",
    "audience (aud) that the host application's tokens name",
    Some("assent"),
);

/// The values of the NATS variables; flatten it into a program's configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct NatsValues {
    /// See [`NATS_URL`].
    pub nats_url: String,
    /// See [`NATS_CREDS_FILE`].
    pub nats_creds_file: Option<std::path::PathBuf>,
    /// See [`NATS_USER`].
    pub nats_user: Option<String>,
    /// See [`NATS_PASSWORD`].
    pub nats_password: Option<Secret>,
    /// See [`NATS_CA_FILE`].
    pub nats_ca_file: Option<std::path::PathBuf>,
    /// See [`NATS_INBOX_PREFIX`].
    pub nats_inbox_prefix: Option<String>,
}

/// The values of the host application's variables; flatten it into a program's
/// configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct HostValues {
    /// See [`HOST_ISSUER`].
    pub host_issuer: String,
    /// See [`HOST_JWKS_URL`].
    pub host_jwks_url: HttpUrl,
    /// See [`HOST_AUDIENCE`].
    pub host_audience: String,
}

impl HostValues {
    /// What believes the host application's tokens.
    pub fn verifier(&self) -> Result<BearerVerifier, BearerSetupError> {
        BearerVerifier::new(&self.host_issuer, &self.host_jwks_url, &self.host_audience)
    }
}
