//! How to connect to NATS.

use std::path::PathBuf;

use clap::Args;

/// How to connect to NATS.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArguments {
    /// Address of the NATS server, or several separated by commas [default: nats://127.0.0.1:4222].
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) nats_url: Option<String>,
    /// User name at NATS.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) nats_user: Option<String>,
    /// A .creds file to sign in to NATS with.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_creds_file: Option<PathBuf>,
    /// CA certificates of the NATS server; requires TLS.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) nats_ca_file: Option<PathBuf>,
    /// Subject prefix for replies (default: `_INBOX_<user>`, or `_INBOX` without a user).
    #[arg(long, global = true, value_name = "PREFIX")]
    pub(crate) nats_inbox_prefix: Option<String>,
    /// Read a TOML file; its keys are the variables without ASSENT_, in lower case.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
