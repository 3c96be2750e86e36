//! Programs of other packages, built with all that they run, and run in this one's place.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::Context;

/// What the commands take that show something on a whole stack.
#[derive(clap::Args)]
pub(crate) struct DemoArguments {
    /// Run the programs as they are, without building them first
    #[arg(long)]
    no_build: bool,
}

#[derive(clap::Args)]
pub(crate) struct SizesArguments {
    /// Of what is built for development; the figures say little
    #[arg(long)]
    quick: bool,
}

const OF_DEMO: [&str; 8] = [
    "assent-demo",
    "assent-consentctl",
    "assent-entra-simulator",
    "assent-example-host",
    "consent-gateway",
    "login-hook",
    "projection",
    "token-broker",
];

/// Becomes `assent-demo COMMAND`.
pub(crate) fn demo(command: &str, arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    let release = !cfg!(debug_assertions);
    if !arguments.no_build {
        build(release, &OF_DEMO)?;
    }
    become_program(release, "assent-demo", &[command.to_owned()])
}

/// Becomes `assent-demo sizes`, optimised, as it is shipped.
pub(crate) fn sizes(arguments: &SizesArguments) -> anyhow::Result<ExitCode> {
    let release = !arguments.quick;
    build(release, &OF_DEMO)?;
    become_program(release, "assent-demo", &["sizes".to_owned()])
}

/// Cargo at the root of the workspace, wherever the command was given.
pub(crate) fn cargo() -> Command {
    // The Cargo that runs this, so that all is one toolchain's and nothing is built twice.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::null());
    command
}

/// Builds the packages' programs in one go: what they share has the features that one of them needs, and one after the
/// other would build it twice. With these packages they are the features of the whole workspace, so that nothing is to
/// be built after `cargo build`, or `cargo build --release`.
pub(crate) fn build(release: bool, packages: &[&str]) -> anyhow::Result<()> {
    let mut screen = std::io::stderr();
    writeln!(
        screen,
        "building the programs (the first time takes minutes) ..."
    )?;
    let begun = Instant::now();
    let mut command = cargo();
    command
        .args(["build", "--bins"])
        .args(packages.iter().flat_map(|package| ["--package", package]));
    if release {
        command.arg("--release");
    }
    let built = command.status().context("cargo cannot be run")?;
    anyhow::ensure!(built.success(), "the programs could not be built");
    writeln!(
        screen,
        "built the programs in {:.1} s",
        begun.elapsed().as_secs_f64()
    )?;
    Ok(())
}

/// Where Cargo puts a program: beside the folder that this one lies in, or in it.
pub(crate) fn built(profile_folder: &str, program: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("the path of the running program is not known")?;
    let target = this.ancestors().nth(2);
    let target = target.context("this program does not lie in a Cargo target directory")?;
    Ok(target.join(profile_folder).join(program))
}

/// Runs the program instead of this one: with the same process id, so that whoever interrupts us interrupts it.
pub(crate) fn become_program(
    release: bool,
    program: &str,
    arguments: &[String],
) -> anyhow::Result<ExitCode> {
    let folder = if release { "release" } else { "debug" };
    let path = built(folder, program)?;
    let error = Command::new(&path).args(arguments).exec();
    Err(error).with_context(|| format!("{} could not be run", path.display()))
}
