//! The stack, left running.

use std::io::Write;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stderr(), "cargo xtask up: not built yet")?;
    Ok(ExitCode::FAILURE)
}
