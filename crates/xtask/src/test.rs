//! Everything that must hold before a change is taken: what continuous integration runs, and nothing else.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use assent_dev_stack::{nats_server, tools_directory};

use crate::bench;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// One thing to check.
struct Step {
    name: &'static str,
    run: Run,
}

enum Run {
    /// Cargo with these arguments and variables.
    Cargo(
        &'static [&'static str],
        &'static [(&'static str, &'static str)],
    ),
    /// Not here, for this reason; said, and counted.
    Skipped(&'static str),
}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    let mut screen = std::io::stderr();
    let started = Instant::now();

    // Before the tests, which start at once and would all want it.
    let tools = tools_directory()?;
    let server =
        nats_server::find_or_fetch(&tools).context("the tests run on a real nats-server")?;
    writeln!(screen, "nats-server: {}", server.display())?;

    let steps = steps();
    let mut skipped = Vec::new();
    let mut done = 0_usize;
    for step in &steps {
        match step.run {
            Run::Skipped(why) => {
                writeln!(screen, "\n== {}: SKIPPED, {why}", step.name)?;
                skipped.push(step.name);
            }
            Run::Cargo(arguments, variables) => {
                writeln!(screen, "\n== {}: cargo {}", step.name, arguments.join(" "))?;
                let begun = Instant::now();
                let passed = cargo(arguments)
                    .envs(variables.iter().copied())
                    .status()?
                    .success();
                let took = seconds(begun.elapsed());
                if !passed {
                    writeln!(
                        screen,
                        "\nFAILED: {} after {took}: cargo {}",
                        step.name,
                        arguments.join(" ")
                    )?;
                    return Ok(ExitCode::FAILURE);
                }
                writeln!(screen, "== {}: ok in {took}", step.name)?;
                done += 1;
            }
        }
    }
    let without = if skipped.is_empty() {
        String::new()
    } else {
        format!(", without {}", skipped.join(", "))
    };
    writeln!(
        screen,
        "\nOK: {done} steps in {}{without}",
        seconds(started.elapsed())
    )?;
    Ok(ExitCode::SUCCESS)
}

fn steps() -> Vec<Step> {
    let cargo = |name, arguments| Step {
        name,
        run: Run::Cargo(arguments, &[]),
    };
    vec![
        cargo("format", &["fmt", "--all", "--check"]),
        cargo(
            "lints",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
        ),
        // The tests run these as processes.
        cargo("programs", &["build", "--workspace", "--bins"]),
        tests(),
        cargo("doc tests", &["test", "--workspace", "--doc"]),
        Step {
            name: "documentation",
            run: Run::Cargo(
                &["doc", "--no-deps", "--workspace"],
                &[("RUSTDOCFLAGS", "-D warnings")],
            ),
        },
        if has("deny") {
            cargo("dependencies", &["deny", "--workspace", "check"])
        } else {
            Step {
                name: "dependencies",
                run: Run::Skipped("cargo-deny is not installed: cargo install cargo-deny"),
            }
        },
        if bench::BUILT {
            cargo("benchmarks", &["xtask", "bench", "--quick"])
        } else {
            Step {
                name: "benchmarks",
                run: Run::Skipped("there are none yet"),
            }
        },
    ]
}

fn tests() -> Step {
    if has("nextest") {
        return Step {
            name: "tests",
            run: Run::Cargo(&["nextest", "run", "--workspace"], &[]),
        };
    }
    Step {
        name: "tests (with cargo test, as cargo-nextest is not installed)",
        run: Run::Cargo(
            &[
                "test",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--examples",
            ],
            &[],
        ),
    }
}

/// Whether Cargo has the subcommand.
fn has(subcommand: &str) -> bool {
    let asked = cargo(&[subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// Cargo, at the root of the workspace wherever the command was given.
fn cargo(arguments: &[&str]) -> Command {
    // The Cargo that runs this, so that the whole check is one toolchain's.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::null());
    command
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
