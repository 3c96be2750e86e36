//! `consentctl verify`.

use std::path::PathBuf;

use clap::Args;

/// What the log is held against.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// A checkpoint that was kept: the log must hold what it says.
    #[arg(long, value_name = "FILE")]
    pub(crate) since: Option<PathBuf>,
    /// The public key, or its file, that the checkpoint must be signed with; without it the signature is not checked.
    #[arg(long, value_name = "PUB", requires = "since")]
    pub(crate) key: Option<String>,
}
