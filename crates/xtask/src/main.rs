//! The developer's commands, run as `cargo xtask <command>`.

mod bench;
mod demo;
mod programs;
mod screenshots;
mod test;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The developer's commands of Assent. None needs root, Docker or an account anywhere; what is missing is fetched into
/// `target/tools`.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell the whole story on real NATS and a simulated Microsoft, step by step
    Demo(programs::Arguments),
    /// Run the same stack until Ctrl-C, with URLs to click
    Up(programs::Arguments),
    /// Check everything: format, lints, tests, documentation, dependencies
    Test(test::Arguments),
    /// Measure, and print every figure as a ratio to a ceiling measured in the same run
    Bench(bench::Arguments),
    /// Take the pictures of the pages anew
    Screenshots(programs::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Screenshots(arguments) => screenshots::run(&arguments),
    }
}
