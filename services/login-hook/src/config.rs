//! What the login hook is told from outside.

use std::num::NonZeroUsize;
use std::time::Duration;

use assent_contract::variables::VARIABLES;
use assent_messaging::ConnectionSettings;
use assent_service_kit::config::shared::{self, HostValues, IdleSeconds};
use assent_service_kit::config::{CommaSeparated, HttpUrl, ListenAddress, Origin};
use assent_service_kit::{Program, Variable};
use serde::Deserialize;

/// The program, as `--help` tells it.
pub static PROGRAM: Program = Program {
    name: "login-hook",
    version: env!("CARGO_PKG_VERSION"),
    about: "Decides at a login what to do about Microsoft 365 permissions: go on, prompt, grant \
            automatically, or have the user sign in through Microsoft.",
    variables: &[
        Variable::plain(
            "ASSENT_LISTEN",
            "address and port to listen on",
            Some("127.0.0.1:8082"),
        ),
        shared::HTTP_CONNECTIONS,
        shared::HTTP_IDLE_SECONDS,
        shared::METRICS_LISTEN,
        shared::NATS_URL,
        shared::NATS_CREDS_FILE,
        shared::NATS_USER,
        shared::NATS_PASSWORD,
        shared::NATS_CA_FILE,
        shared::NATS_INBOX_PREFIX,
        Variable::plain(
            "ASSENT_ENTRA_AUTHORITY",
            "Microsoft's sign-in service",
            Some("https://login.microsoftonline.com"),
        ),
        Variable::plain(
            "ASSENT_ENTRA_CLIENT_ID",
            "our application's (client) id at Microsoft; ID tokens issued for it are taken",
            None,
        ),
        Variable::plain(
            "ASSENT_HOST_ENTRA_CLIENT_ID",
            "the host application's own (client) id at Microsoft, where it has one; ID tokens \
             issued for it are taken too",
            None,
        ),
        shared::HOST_ISSUER,
        shared::HOST_JWKS_URL,
        shared::HOST_AUDIENCE,
        Variable::plain(
            "ASSENT_RETURN_ORIGINS",
            "origins that return_to may name, separated by commas",
            Some(""),
        ),
        Variable::plain(
            "ASSENT_QUERY_TIMEOUT_MS",
            "how long a login waits for the projection, in milliseconds",
            Some("250"),
        ),
        Variable::plain(
            "ASSENT_COMMAND_TIMEOUT_MS",
            "how long a login waits for the gateway, in milliseconds",
            Some("1000"),
        ),
    ],
    known_names: VARIABLES,
};

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
    /// Microsoft's sign-in service.
    #[serde(deserialize_with = "assent_service_kit::config::url_without_path")]
    pub entra_authority: HttpUrl,
    /// Who we are at Microsoft.
    pub entra_client_id: ClientId,
    /// Who the host application is at Microsoft.
    pub host_entra_client_id: Option<ClientId>,
    /// The host application.
    #[serde(flatten)]
    pub host: HostValues,
    /// Where browsers may be sent back to.
    #[serde(default)]
    pub return_origins: CommaSeparated<Origin>,
    /// How long a login waits for the projection.
    pub query_timeout_ms: Milliseconds,
    /// How long a login waits for the gateway.
    pub command_timeout_ms: Milliseconds,
}

/// An application's id at Microsoft.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ClientId(String);

/// The text is no application id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an application id, such as 11111111-2222-3333-4444-555555555555")]
pub struct ClientIdError;

impl ClientId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, ClientIdError> {
        let identifier = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || !text.chars().all(identifier) {
            return Err(ClientIdError);
        }
        Ok(Self(text))
    }
}

/// A deadline. The longest is short enough that all of them together stay within the time
/// that any request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Milliseconds(Duration);

/// The number makes no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of milliseconds from 1 to 5000")]
pub struct MillisecondsError;

impl TryFrom<u64> for Milliseconds {
    type Error = MillisecondsError;

    fn try_from(number: u64) -> Result<Self, MillisecondsError> {
        if (1..=5000).contains(&number) {
            Ok(Self(Duration::from_millis(number)))
        } else {
            Err(MillisecondsError)
        }
    }
}

impl From<Milliseconds> for Duration {
    fn from(milliseconds: Milliseconds) -> Self {
        milliseconds.0
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use assent_service_kit::config::{ConfigError, load};

    use super::{Config, PROGRAM};

    const REQUIRED: [(&str, &str); 3] = [
        (
            "ASSENT_ENTRA_CLIENT_ID",
            "a55e0000-0000-4000-8000-00000000c1d1",
        ),
        ("ASSENT_HOST_ISSUER", "https://host.example"),
        ("ASSENT_HOST_JWKS_URL", "https://host.example/jwks.json"),
    ];

    fn config(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = REQUIRED
            .iter()
            .chain(more)
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        load(PROGRAM.variables, PROGRAM.known_names, environment, None)
    }

    #[test]
    fn what_nobody_sets_has_its_default() {
        let config = config(&[]).unwrap();
        assert_eq!(Duration::from(config.query_timeout_ms).as_millis(), 250);
        assert_eq!(Duration::from(config.command_timeout_ms).as_millis(), 1000);
        assert_eq!(config.host_entra_client_id, None);
        assert!(config.return_origins.as_slice().is_empty());
        assert_eq!(config.host.host_audience, "assent");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (name, value) in [
            ("ASSENT_QUERY_TIMEOUT_MS", "0"),
            ("ASSENT_QUERY_TIMEOUT_MS", "soon"),
            ("ASSENT_COMMAND_TIMEOUT_MS", "60000"),
            ("ASSENT_ENTRA_CLIENT_ID", "x') or (1 eq 1"),
            ("ASSENT_HOST_ENTRA_CLIENT_ID", "a b"),
            ("ASSENT_RETURN_ORIGINS", "https://host.example/path"),
            ("ASSENT_ENTRA_AUTHORITY", "http://login.example"),
            (
                "ASSENT_ENTRA_AUTHORITY",
                "https://login.example/common/v2.0",
            ),
        ] {
            let refused = config(&[(name, value)]).unwrap_err();
            assert!(refused.to_string().contains(name), "{name}: {refused}");
        }
    }
}
