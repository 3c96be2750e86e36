//! The variables, as `--help` tells them.

use assent_contract::variables::VARIABLES;
use assent_service_kit::config::{microsoft, shared};
use assent_service_kit::{Program, Variable};

/// The program, as `--help` tells it.
pub static PROGRAM: Program = Program {
    name: "consent-gateway",
    version: env!("CARGO_PKG_VERSION"),
    about: "KvStore Microsoft 365 consent on the event log: the only writer, and the only one \
            that talks to Microsoft. Serves the HTTP API, Microsoft's callbacks and the \
            login hook's commands.",
    variables: &[
        Variable::plain(
            "ASSENT_LISTEN",
            "address and port to listen on",
            Some("127.0.0.1:8080"),
        ),
        shared::METRICS_LISTEN,
        Variable::plain(
            "ASSENT_PUBLIC_URL",
            "external base URL; register <it>/callbacks/microsoft/admin-consent and <it>/callbacks/microsoft/authorize as redirect URIs at Microsoft",
            None,
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
            "ASSENT_NATS_REPLICAS",
            "on how many NATS servers each stream is kept (1, 3 or 5)",
            Some("1"),
        ),
        Variable::plain(
            "ASSENT_STORE_MEGABYTES",
            "how many megabytes (MiB) the four buckets reserve together on each NATS server; the event log and the \
             stream of changes reserve none and grow beside them (256 for buckets that are not there yet; without it \
             those that are there keep their sizes)",
            None,
        ),
        Variable::plain(
            "ASSENT_VAULT_PUBLIC_KEY_FILE",
            "the token broker's public key (PEM), with which the refresh tokens of users' consents are sealed; read again \
             when it is replaced (without it they are dropped)",
            None,
        ),
        microsoft::ENTRA_AUTHORITY,
        microsoft::GRAPH_URL,
        Variable::plain(
            "ASSENT_AUTODISCOVER_URL",
            "Microsoft's Autodiscover, which tells where a mailbox is (https://outlook.office365.com; with another \
             ASSENT_GRAPH_URL than Microsoft's, that)",
            None,
        ),
        Variable::plain(
            "ASSENT_ENTRA_NATIONAL_AUTHORITIES",
            "sign-in services of the clouds that are not served, separated by commas, to tell their tenants from ours \
             (Microsoft's own; with another ASSENT_ENTRA_AUTHORITY than Microsoft's, none)",
            None,
        ),
        Variable::plain(
            "ASSENT_ENTRA_CLIENT_ID",
            "the application's (client) id at Microsoft",
            None,
        ),
        microsoft::CREDENTIALS[0],
        microsoft::CREDENTIALS[1],
        microsoft::CREDENTIALS[2],
        microsoft::CREDENTIALS[3],
        microsoft::CREDENTIALS[4],
        microsoft::CREDENTIALS[5],
        Variable::plain(
            "ASSENT_ADMIN_PROOF",
            "what proves an Office 365 administrator, beside the role in their ID token, which is always needed: role \
             (nothing else, Microsoft Graph is not asked), grant (Graph has to list a tenant-wide grant, too) or either \
             (the role; a grant is noted where Graph lists one)",
            Some("either"),
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
            "ASSENT_HAND_OFF_DAYS",
            "how many days a link for an administrator can be used (1 to 30)",
            Some("7"),
        ),
        Variable::plain(
            "ASSENT_PRODUCT_NAME",
            "what your application is called, on the pages that people see",
            Some("the application"),
        ),
        Variable::plain(
            "ASSENT_PRODUCT_URL",
            "where your application is: the pages lead back to it",
            None,
        ),
        Variable::plain(
            "ASSENT_PRODUCT_LOGO_FILE",
            "its logo, shown instead of its name: SVG, PNG, JPEG or WebP of at most 256 KiB",
            None,
        ),
        Variable::plain(
            "ASSENT_PRODUCT_ACCENT_COLOR",
            "its colour, #rgb or #rrggbb; made darker or lighter until it can be read",
            Some("#0b57a4"),
        ),
        Variable::plain(
            "ASSENT_FRAME_ANCESTORS",
            "origins that may embed the settings pages, separated by commas; only those of the same site as \
             ASSENT_PUBLIC_URL work, because browsers send the session's cookie to no other",
            Some(""),
        ),
        Variable::plain(
            "ASSENT_SESSION_MINUTES",
            "how many minutes a session of the settings pages lasts (5 to 480)",
            Some("60"),
        ),
        microsoft::SCOPES[0],
        microsoft::SCOPES[1],
        microsoft::SCOPES[2],
        microsoft::SCOPES[3],
    ],
    known_names: VARIABLES,
};
