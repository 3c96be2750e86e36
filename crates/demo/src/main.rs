//! What Assent does, to look at: on a whole stack of real processes. `cargo xtask` builds these processes and runs this
//! program.

mod cluster;
mod demo;
mod interruptible;
mod screenshots;
mod sizes;
mod up;

use std::process::ExitCode;

use assent_dev_stack::{nats_server, tools_directory};
use clap::Parser;

/// Shows Assent on real NATS and a simulated Microsoft.
#[derive(Parser)]
enum Command {
    /// Tell the whole story, step by step
    Demo,
    /// Run the same stack until Ctrl-C, with URLs to click
    Up,
    /// Run three NATS servers and two of each service until Ctrl-C
    Cluster,
    /// Take the pictures of the pages anew
    Screenshots,
    /// Tell how much of a machine each program takes
    Sizes,
}

fn main() -> anyhow::Result<ExitCode> {
    let command = Command::parse();
    // Here, so that its time is not taken for a start.
    nats_server::find_or_fetch(&tools_directory()?)?;
    match command {
        Command::Demo => interruptible::run(demo::tell()),
        Command::Up => interruptible::run(up::run()),
        Command::Cluster => interruptible::run(cluster::run()),
        Command::Screenshots => interruptible::run(screenshots::take_all()),
        Command::Sizes => interruptible::run(sizes::tell()),
    }
}
