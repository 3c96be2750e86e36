//! The variables, as `--help` tells them.

use assent_contract::variables::VARIABLES;
use assent_service_kit::config::{microsoft, shared};
use assent_service_kit::{Program, Variable};

/// The program, as `--help` tells it.
pub static PROGRAM: Program = Program {
    name: "token-broker",
    version: env!("CARGO_PKG_VERSION"),
    about: "Keeps Microsoft's refresh tokens sealed, hands sync workers an access token while the \
            permission is effective, and notices what was withdrawn at Microsoft.",
    variables: &[
        Variable::plain(
            "ASSENT_LISTEN",
            "address and port to listen on",
            Some("127.0.0.1:8083"),
        ),
        shared::METRICS_LISTEN,
        shared::HTTP_CONNECTIONS,
        shared::HTTP_IDLE_SECONDS,
        shared::NATS_URL,
        shared::NATS_CREDS_FILE,
        shared::NATS_USER,
        shared::NATS_PASSWORD,
        shared::NATS_CA_FILE,
        shared::NATS_INBOX_PREFIX,
        Variable::plain(
            "ASSENT_NATS_REPLICAS",
            "on how many NATS servers each bucket is kept (1, 3 or 5)",
            Some("1"),
        ),
        Variable::plain(
            "ASSENT_TOKEN_MEGABYTES",
            "how many megabytes (MiB) the buckets of tokens and of receipts reserve together on each NATS server; a user \
             takes about 4 KiB (256 for buckets that are not there yet; without it those that are there keep their sizes)",
            None,
        ),
        microsoft::ENTRA_AUTHORITY,
        microsoft::GRAPH_URL,
        Variable::plain(
            "ASSENT_ENTRA_CLIENT_ID",
            "the application's (client) id at Microsoft: the one that refresh tokens are for",
            None,
        ),
        microsoft::CREDENTIALS[0],
        microsoft::CREDENTIALS[1],
        microsoft::CREDENTIALS[2],
        microsoft::CREDENTIALS[3],
        microsoft::CREDENTIALS[4],
        microsoft::CREDENTIALS[5],
        shared::HOST_ISSUER,
        shared::HOST_JWKS_URL,
        shared::HOST_AUDIENCE,
        Variable::plain(
            "ASSENT_VAULT_KEYS_DIR",
            "directory of the private keys that open the sealed tokens (consentctl vault init makes it); readable for \
             nobody else",
            None,
        ),
        Variable::plain(
            "ASSENT_VERIFY_EVERY_MINUTES",
            "within how many minutes each held token is tried at Microsoft, to notice what was withdrawn (0.01 to 1440)",
            Some("60"),
        ),
        Variable::plain(
            "ASSENT_VERIFY_RATE",
            "how many tokens a broker tries in a second (1 to 10000)",
            Some("100"),
        ),
        Variable::plain(
            "ASSENT_VERIFY_RATE_PER_TENANT",
            "how many of them of one tenant",
            Some("10"),
        ),
        microsoft::SCOPES[0],
        microsoft::SCOPES[1],
        microsoft::SCOPES[2],
        microsoft::SCOPES[3],
    ],
    known_names: VARIABLES,
};
