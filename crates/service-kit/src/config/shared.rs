//! Variables that several programs read, described once.

use std::time::Duration;

use serde::Deserialize;

use crate::bearer::{BearerSetupError, BearerVerifier};
use crate::config::{HttpUrl, Variable};

/// Where the metrics are, if not with everything else.
pub const METRICS_LISTEN: Variable = Variable::plain(
    "ASSENT_METRICS_LISTEN",
    "address and port for GET /metrics alone; the other port then has none",
    None,
);
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

/// How many connections are served.
pub const HTTP_CONNECTIONS: Variable = Variable::plain(
    "ASSENT_HTTP_CONNECTIONS",
    "how many HTTP connections are served at once (as many as the limit of open files allows, 4096 at most)",
    None,
);
/// How long a connection may wait.
pub const HTTP_IDLE_SECONDS: Variable = Variable::plain(
    "ASSENT_HTTP_IDLE_SECONDS",
    "within how many seconds a connection has to bring the head of a request, its next one as well (1 to 300); behind a \
     proxy, more than the proxy keeps idle connections",
    Some("10"),
);

/// A number of seconds for which a connection may be idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct IdleSeconds(Duration);

/// The number makes no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of seconds from 1 to 300")]
pub struct IdleSecondsError;

impl From<IdleSeconds> for Duration {
    fn from(seconds: IdleSeconds) -> Self {
        seconds.0
    }
}

impl TryFrom<u64> for IdleSeconds {
    type Error = IdleSecondsError;

    fn try_from(seconds: u64) -> Result<Self, IdleSecondsError> {
        match seconds {
            1..=300 => Ok(Self(Duration::from_secs(seconds))),
            _ => Err(IdleSecondsError),
        }
    }
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
