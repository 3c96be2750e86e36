//! What the operator of Hirely decides: command line or environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use serde::Deserialize;
use url::Url;

/// Hirely: a small applicant tracker that shows how to build Assent into a product.
///
/// It signs tokens that Assent believes, lets people sign in through Microsoft, asks Assent's login hook about each of
/// them, sends them to Assent's settings pages, and runs a sync worker that starts and stops with their consent.
///
/// Assent has to know it: give the gateway, the projection and the login hook
/// ASSENT_HOST_ISSUER=<HOST_PUBLIC_URL>, ASSENT_HOST_JWKS_URL=<HOST_PUBLIC_URL>/.well-known/jwks.json,
/// ASSENT_HOST_AUDIENCE=assent, ASSENT_RETURN_ORIGINS=<HOST_PUBLIC_URL>, and the login hook
/// ASSENT_HOST_ENTRA_CLIENT_ID=<HOST_MICROSOFT_CLIENT_ID>. Microsoft has to know it, too: register the redirect URI
/// <HOST_PUBLIC_URL>/sign-in/microsoft/callback.
#[derive(Debug, Parser)]
#[command(name = "example-host", version)]
pub(crate) struct Config {
    /// Address and port to listen on
    #[arg(long, env = "HOST_LISTEN", default_value = "127.0.0.1:8070")]
    pub(crate) listen: SocketAddr,

    /// Where browsers reach it; also the issuer that its tokens name
    #[arg(long, env = "HOST_PUBLIC_URL", default_value = "http://127.0.0.1:8070", value_parser = base_url)]
    pub(crate) public_url: Url,

    /// The key that signs its tokens: PKCS#8 PEM, P-256 (`openssl genpkey -algorithm EC -pkeyopt
    /// ec_paramgen_curve:P-256`). Without it a key is made at each start, which one process can afford, and several
    /// cannot
    #[arg(long, env = "HOST_SIGNING_KEY_FILE", value_name = "PATH")]
    pub(crate) signing_key_file: Option<PathBuf>,

    /// Assent's gateway, as browsers and we reach it
    #[arg(long, env = "HOST_GATEWAY_URL", default_value = "http://127.0.0.1:8080", value_parser = base_url)]
    pub(crate) gateway_url: Url,

    /// Assent's login hook
    #[arg(long, env = "HOST_LOGIN_HOOK_URL", default_value = "http://127.0.0.1:8082", value_parser = base_url)]
    pub(crate) login_hook_url: Url,

    /// Assent's token broker, which takes reports
    #[arg(long, env = "HOST_TOKEN_BROKER_URL", default_value = "http://127.0.0.1:8083", value_parser = base_url)]
    pub(crate) token_broker_url: Url,

    /// Microsoft Graph, which is synced from
    #[arg(long, env = "HOST_GRAPH_URL", default_value = "https://graph.microsoft.com", value_parser = base_url)]
    pub(crate) graph_url: Url,

    /// How long a job rests when it has synced all there is, in milliseconds
    #[arg(long, env = "HOST_SYNC_EVERY_MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    pub(crate) sync_every_ms: u64,

    /// How long it takes to store one message, event or contact, in milliseconds: a real product has a database, and this
    /// one pretends
    #[arg(long, env = "HOST_SYNC_STORE_MS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub(crate) sync_store_ms: u64,

    /// How long a login waits for the login hook, in milliseconds. Its own deadlines (250 ms and 1 s) should fit in
    #[arg(long, env = "HOST_LOGIN_DEADLINE_MS", default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) login_deadline_ms: u64,

    /// Microsoft's sign-in service
    #[arg(long, env = "HOST_MICROSOFT_AUTHORITY", default_value = "https://login.microsoftonline.com", value_parser = base_url)]
    pub(crate) microsoft_authority: Url,

    /// Hirely's own application (client) id at Microsoft, for signing in. It is not the one that Assent asks consent for
    #[arg(long, env = "HOST_MICROSOFT_CLIENT_ID")]
    pub(crate) microsoft_client_id: String,

    /// Its client secret
    #[arg(long, env = "HOST_MICROSOFT_CLIENT_SECRET", hide_env_values = true)]
    pub(crate) microsoft_client_secret: Secret,

    /// The NATS server that Assent tells changes on
    #[arg(long, env = "HOST_NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub(crate) nats_url: String,

    /// Who the sync worker is to NATS
    #[arg(long, env = "HOST_NATS_USER", default_value = "sync-worker")]
    pub(crate) nats_user: String,

    /// Its password
    #[arg(long, env = "HOST_NATS_PASSWORD", hide_env_values = true)]
    pub(crate) nats_password: Secret,

    /// Where NATS may answer it: Assent's NATS permissions allow each user its own prefix only
    #[arg(
        long,
        env = "HOST_NATS_INBOX_PREFIX",
        default_value = "_INBOX_sync-worker"
    )]
    pub(crate) nats_inbox_prefix: String,
}

impl Config {
    /// The issuer that our tokens name. Byte for byte what Assent is told as ASSENT_HOST_ISSUER: no slash at the end.
    pub(crate) fn issuer(&self) -> String {
        self.public_url.as_str().trim_end_matches('/').to_owned()
    }

    /// The absolute address of a path of ours.
    pub(crate) fn own_address(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }
}

/// A secret that is in no log: it has no `Display`, and its `Debug` says nothing.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Parses an address that paths are appended to.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = match url.scheme() {
        "https" => true,
        "http" => loopback,
        _ => false,
    };
    if !safe {
        return Err("must be https (http only for this machine)".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have no query and no fragment".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[&str]) -> Result<Config, clap::Error> {
        let required = [
            "example-host",
            "--microsoft-client-id=id",
            "--microsoft-client-secret=secret",
            "--nats-password=password",
        ];
        Config::try_parse_from(required.iter().chain(more))
    }

    #[test]
    fn the_issuer_has_no_slash_at_the_end() {
        let config = config(&["--public-url=https://hirely.example/"]).unwrap();

        assert_eq!(config.issuer(), "https://hirely.example");
        assert_eq!(
            config.own_address("/signed-in"),
            "https://hirely.example/signed-in"
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for bad in [
            "--gateway-url=http://gateway.example",
            "--login-hook-url=hook",
            "--microsoft-authority=https://login.example?x=1",
            "--login-deadline-ms=0",
        ] {
            let (name, _) = bad.split_once('=').unwrap();
            let refused = config(&[bad]).unwrap_err().to_string();
            assert!(refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", config(&[]).unwrap());

        assert!(!printed.contains("password\""), "{printed}");
        assert!(!printed.contains("secret\""), "{printed}");
    }
}
