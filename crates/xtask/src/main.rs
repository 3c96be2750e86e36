//! The developer's commands, run as `cargo xtask <command>`.
//!
//! They build and run other packages, and need next to nothing themselves: so this program is there within seconds.

mod bench;
mod programs;
mod release;
mod test;

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
    Demo(programs::DemoArguments),
    /// Run the same stack until Ctrl-C, with URLs to click
    Up(programs::DemoArguments),
    /// Run three NATS servers as one cluster and two of each service until Ctrl-C, to kill and freeze them
    Cluster(programs::DemoArguments),
    /// Check everything: format, lints, tests, documentation, dependencies
    Test(test::Arguments),
    /// Measure, and print every figure as a ratio to a ceiling measured in the same run; compare runs
    Bench(bench::Arguments),
    /// Make what is shipped: programs, chart, image, SBOM, checksums, signature
    Release(release::Arguments),
    /// Tell how much of a machine each program takes: disk, memory, time to start
    Sizes(programs::SizesArguments),
    /// Take the pictures of the pages anew
    Screenshots(programs::DemoArguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Demo(arguments) => programs::demo("demo", &arguments),
        Command::Up(arguments) => programs::demo("up", &arguments),
        Command::Cluster(arguments) => programs::demo("cluster", &arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Release(arguments) => release::run(&arguments),
        Command::Sizes(arguments) => programs::sizes(&arguments),
        Command::Screenshots(arguments) => programs::demo("screenshots", &arguments),
    }
}
