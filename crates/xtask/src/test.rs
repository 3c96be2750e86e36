//! Everything that must hold before a change is taken: what continuous integration runs, and nothing else.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use assent_dev_stack::{browser, nats_server, tools_directory};

use crate::bench;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The journeys of people through pages, in a real browser
    #[arg(long, value_enum, default_value_t = BrowserJourneys::IfInstalled)]
    browser: BrowserJourneys,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BrowserJourneys {
    /// Skipped, and said so, where Chromium, chromedriver or npm is missing
    IfInstalled,
    /// Without them nothing passes
    Required,
}

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
    Skipped(String),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut screen = std::io::stderr();
    let started = Instant::now();

    // Before the tests, which start at once and would all want it.
    let tools = tools_directory()?;
    let server =
        nats_server::find_or_fetch(&tools).context("the tests run on a real nats-server")?;
    writeln!(screen, "nats-server: {}", server.display())?;

    let browser_journeys = browser_journeys(arguments.browser, &tools)?;

    let steps = steps(browser_journeys);
    let mut skipped = Vec::new();
    let mut done = 0_usize;
    for step in &steps {
        match &step.run {
            Run::Skipped(why) => {
                writeln!(screen, "\n== {}: SKIPPED, {why}", step.name)?;
                skipped.push(format!("{} ({why})", step.name));
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
        format!(", SKIPPED {}", skipped.join(", "))
    };
    writeln!(
        screen,
        "\nOK: {done} steps in {}{without}",
        seconds(started.elapsed())
    )?;
    Ok(ExitCode::SUCCESS)
}

fn steps(browser_journeys: Step) -> Vec<Step> {
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
        browser_journeys,
        cargo("doc tests", &["test", "--workspace", "--doc"]),
        Step {
            name: "documentation",
            run: Run::Cargo(
                &["doc", "--no-deps", "--workspace"],
                &[("RUSTDOCFLAGS", "-D warnings")],
            ),
        },
        if has("deny") {
            cargo(
                "dependencies",
                &[
                    "deny",
                    "--workspace",
                    "check",
                    "bans",
                    "licenses",
                    "sources",
                ],
            )
        } else {
            Step {
                name: "dependencies",
                run: Run::Skipped(
                    "cargo-deny is not installed: `cargo install cargo-deny`".to_owned(),
                ),
            }
        },
        Step {
            name: "advisories",
            run: Run::Skipped(
                "their database is on the internet and changes without us; a workflow asks it \
                 weekly, and anybody by `cargo deny check advisories`"
                    .to_owned(),
            ),
        },
        if bench::BUILT {
            cargo("benchmarks", &["xtask", "bench", "--quick"])
        } else {
            Step {
                name: "benchmarks",
                run: Run::Skipped("there are none yet".to_owned()),
            }
        },
    ]
}

fn tests() -> Step {
    if has("nextest") {
        return Step {
            name: "tests",
            run: Run::Cargo(
                &[
                    "nextest",
                    "run",
                    "--workspace",
                    "--exclude",
                    "assent-browser-tests",
                ],
                &[],
            ),
        };
    }
    Step {
        name: "tests (with cargo test, as cargo-nextest is not installed)",
        run: Run::Cargo(
            &[
                "test",
                "--workspace",
                "--exclude",
                "assent-browser-tests",
                "--lib",
                "--bins",
                "--tests",
                "--examples",
            ],
            &[],
        ),
    }
}

/// A step of its own, as not every machine has a browser. Two at once, by nextest's configuration or by number of threads.
fn browser_journeys(wanted: BrowserJourneys, tools: &Path) -> anyhow::Result<Step> {
    let name = "browser journeys";
    if let Err(error) = browser::find_or_fetch(tools) {
        return match error.not_installed() {
            Some(missing) if wanted == BrowserJourneys::IfInstalled => Ok(Step {
                name,
                run: Run::Skipped(missing.to_string()),
            }),
            _ => Err(error).context("the browser journeys need a real browser"),
        };
    }
    let arguments: &[&str] = if has("nextest") {
        &["nextest", "run", "--package", "assent-browser-tests"]
    } else {
        &[
            "test",
            "--package",
            "assent-browser-tests",
            "--",
            "--test-threads=2",
        ]
    };
    Ok(Step {
        name,
        run: Run::Cargo(arguments, &[]),
    })
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
