//! The benchmarks.

use std::io::Write;
use std::process::ExitCode;

/// Whether there are benchmarks for `cargo xtask test` to try out.
pub(crate) const BUILT: bool = false;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only see that every benchmark runs; the figures mean nothing
    #[arg(long)]
    pub(crate) quick: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let quick = if arguments.quick { " --quick" } else { "" };
    writeln!(std::io::stderr(), "cargo xtask bench{quick}: not built yet")?;
    Ok(ExitCode::FAILURE)
}
