//! What the projection is told from outside.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use assent_contract::variables::VARIABLES;
use assent_messaging::ConnectionSettings;
use assent_service_kit::config::shared::{self, HostValues, IdleSeconds};
use assent_service_kit::config::{HttpUrl, ListenAddress};
use assent_service_kit::{Program, Variable};
use serde::Deserialize;

/// The program, as `--help` tells it.
pub static PROGRAM: Program = Program {
    name: "projection",
    version: env!("CARGO_PKG_VERSION"),
    about: "Builds the effective permissions of every user from the log of consent events, and \
            answers queries over NATS and HTTP. Its data directory is a cache: it may be deleted \
            at any time, and is rebuilt from the log.",
    variables: &[
        Variable::plain(
            "ASSENT_LISTEN",
            "address and port to listen on",
            Some("127.0.0.1:8081"),
        ),
        shared::METRICS_LISTEN,
        Variable::plain(
            "ASSENT_DATA_DIR",
            "directory of the view; one process at a time",
            Some("./data/projection"),
        ),
        shared::HTTP_CONNECTIONS,
        shared::HTTP_IDLE_SECONDS,
        shared::NATS_URL,
        shared::NATS_CREDS_FILE,
        shared::NATS_USER,
        shared::NATS_PASSWORD,
        shared::NATS_CA_FILE,
        shared::NATS_INBOX_PREFIX,
        Variable::plain(
            "ASSENT_PROJECTION_URL",
            "where others reach this service, as GET /.well-known/authzen-configuration tells it (the address at which \
             that was asked)",
            None,
        ),
        shared::HOST_ISSUER,
        shared::HOST_JWKS_URL,
        shared::HOST_AUDIENCE,
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
    /// Where others reach it.
    pub projection_url: Option<HttpUrl>,
    /// Where the view lives.
    pub data_dir: PathBuf,
    /// NATS.
    #[serde(flatten)]
    pub nats: ConnectionSettings,
    /// The host application.
    #[serde(flatten)]
    pub host: HostValues,
}
