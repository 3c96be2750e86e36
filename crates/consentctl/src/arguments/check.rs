//! `consentctl check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How the checks are run and told.
#[derive(Debug, Default, Args)]
pub(crate) struct CheckArguments {
    /// The form of the answer [default: text, or json with --json].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<CheckFormat>,
    /// Leave out reading every event of the log, which takes as long as the log is.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Check the checkpoint that checkpoint watch keeps in this file, too: how old it is, and that the log is no shorter.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint_state: Option<PathBuf>,
    /// Check how long the certificates in this file of PEM are good for, too; may be given several times.
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
}

/// The form of the checks' answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// A line for each check, as doctor writes it.
    Text,
    /// One JSON document.
    Json,
    /// Metrics in Prometheus' text format; the exit code is 0 whenever they were written.
    Prometheus,
    /// A status line with performance data; the exit codes are Nagios' 0 to 3.
    Nagios,
}
