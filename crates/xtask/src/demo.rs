//! The whole story, told step by step.

use std::io::Write;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stderr(), "cargo xtask demo: not built yet")?;
    Ok(ExitCode::FAILURE)
}
