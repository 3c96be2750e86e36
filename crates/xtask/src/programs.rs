//! Our programs, built and run for as long as a command lasts.

use std::future::Future;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use assent_dev_stack::{nats_server, profile_directory, tools_directory};
use tokio::signal::unix::{SignalKind, signal};

/// What a stack runs.
const PACKAGES: [&str; 6] = [
    "consent-gateway",
    "projection",
    "login-hook",
    "assent-entra-simulator",
    "assent-consentctl",
    "assent-example-host",
];

/// What a shell tells of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What every command takes that runs a stack.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run the programs as they are, without building them first
    #[arg(long)]
    no_build: bool,
}

impl Arguments {
    /// Builds what a stack runs, unless it is to be run as it is; says what it did.
    pub(crate) fn build(&self) -> anyhow::Result<Option<String>> {
        (!self.no_build).then(build).transpose()
    }
}

/// Builds what a stack runs, in the profile that this program was built in; says what it did.
fn build() -> anyhow::Result<String> {
    let mut screen = std::io::stderr();
    let begun = Instant::now();
    writeln!(
        screen,
        "building the programs (the first time takes minutes) ..."
    )?;
    let release = profile_directory()?.ends_with("release");
    // The Cargo that runs this, so that nothing is built twice.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--bins"])
        .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
        .args(release.then_some("--release"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::null());
    if !command.status().context("cargo cannot be run")?.success() {
        bail!("the programs could not be built");
    }
    // Here, so that its time is not taken for a start.
    nats_server::find_or_fetch(&tools_directory()?)?;
    Ok(format!(
        "built the programs in {:.1} s",
        begun.elapsed().as_secs_f64()
    ))
}

/// Runs `work` until it ends, or until Ctrl-C or SIGTERM. Either way by returning: what it had started is dropped, and
/// so gone.
pub(crate) fn until_interrupted(
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            // Ctrl-C reaches our programs too, and their end must not be told as a failure.
            biased;
            _ = interrupt.recv() => interrupted(),
            _ = terminate.recv() => interrupted(),
            done = work => match done {
                Ok(()) => Ok(ExitCode::SUCCESS),
                // What was expected and what came; a backtrace of this program would say nothing.
                Err(error) => {
                    writeln!(std::io::stderr(), "\nFAILED: {error:#}")?;
                    Ok(ExitCode::FAILURE)
                }
            },
        }
    })
}

fn interrupted() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stderr(), "\ninterrupted; everything is stopped")?;
    Ok(ExitCode::from(INTERRUPTED))
}
