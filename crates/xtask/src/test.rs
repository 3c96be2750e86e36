//! Everything that must hold before a change is taken. Continuous integration also tries the benchmarks out.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::programs::{built, cargo};

/// What `fetch-tools` ends with where something has to be installed first.
const NOT_INSTALLED: i32 = 69;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The journeys of people through pages, in a real browser
    #[arg(long, value_enum, default_value_t = BrowserJourneys::IfInstalled)]
    browser: BrowserJourneys,
    /// The previous release's services beside those of today
    #[arg(long, value_enum, default_value_t = PreviousRelease::IfAvailable)]
    previous: PreviousRelease,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PreviousRelease {
    /// Skipped, and said so, where Git's history does not go back to it
    IfAvailable,
    /// Without it nothing passes
    Required,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BrowserJourneys {
    /// Skipped, and said so, where Chromium, chromedriver or npm is missing
    IfInstalled,
    /// Without them nothing passes
    Required,
}

/// One thing to check: by Cargo with these arguments, or not at all, for this reason.
struct Step {
    name: &'static str,
    run: Result<&'static str, String>,
}

fn step(name: &'static str, arguments: &'static str) -> Step {
    let run = Ok(arguments);
    Step { name, run }
}

fn skipped(name: &'static str, why: &str) -> Step {
    let run = Err(why.to_owned());
    Step { name, run }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut tally = Tally::default();
    if !tally.run(&before_tests())? {
        return Ok(ExitCode::FAILURE);
    }
    // Before the tests, which start at once and would all want it.
    ensure!(
        fetch_tool("nats-server")?.is_none(),
        "the tests run on a real nats-server"
    );
    let browser_journeys = browser_journeys(arguments.browser)?;
    let upgrade_tests = upgrade_tests(arguments.previous)?;
    if !tally.run(&[tests(), upgrade_tests, browser_journeys])? || !tally.run(&after_tests())? {
        return Ok(ExitCode::FAILURE);
    }
    let without = if tally.skipped.is_empty() {
        String::new()
    } else {
        format!(", SKIPPED {}", tally.skipped.join(", "))
    };
    writeln!(
        std::io::stderr(),
        "\nOK: {} steps in {}{without}",
        tally.done,
        seconds(started.elapsed())
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What was done so far, and what was not.
#[derive(Default)]
struct Tally {
    done: usize,
    skipped: Vec<String>,
}

impl Tally {
    /// Runs the steps until one fails; whether none did.
    fn run(&mut self, steps: &[Step]) -> anyhow::Result<bool> {
        let mut screen = std::io::stderr();
        for Step { name, run } in steps {
            let arguments = match run {
                Ok(arguments) => arguments,
                Err(why) => {
                    writeln!(screen, "\n== {name}: SKIPPED, {why}")?;
                    self.skipped.push(format!("{name} ({why})"));
                    continue;
                }
            };
            writeln!(screen, "\n== {name}: cargo {arguments}")?;
            let begun = Instant::now();
            let mut command = cargo();
            command.args(arguments.split(' '));
            let passed = command.env("RUSTDOCFLAGS", "-D warnings").status()?;
            let took = seconds(begun.elapsed());
            if !passed.success() {
                writeln!(screen, "\nFAILED: {name} after {took}: cargo {arguments}")?;
                return Ok(false);
            }
            writeln!(screen, "== {name}: ok in {took}")?;
            self.done += 1;
        }
        Ok(true)
    }
}

fn before_tests() -> [Step; 3] {
    [
        step("format", "fmt --all --check"),
        step("lints", "clippy --workspace --all-targets -- -D warnings"),
        // The tests run these as processes.
        step(
            "programs",
            "build --workspace --exclude assent-bench --bins",
        ),
    ]
}

fn after_tests() -> [Step; 4] {
    let dependencies = "dependencies";
    [
        step("doc tests", "test --workspace --doc"),
        step("documentation", "doc --no-deps --workspace"),
        if has("deny") {
            step(dependencies, "deny --workspace check bans licenses sources")
        } else {
            skipped(
                dependencies,
                "cargo-deny is not installed: `cargo install cargo-deny`",
            )
        },
        skipped(
            "advisories",
            "their database is on the internet and changes without us; a workflow asks it weekly, and anybody by \
             `cargo deny check advisories`",
        ),
    ]
}

fn tests() -> Step {
    if has("nextest") {
        return step(
            "tests",
            "nextest run --workspace --filterset !package(assent-browser-tests)&!package(assent-upgrade-tests)",
        );
    }
    step(
        "tests (with cargo test, as cargo-nextest is not installed)",
        "test --workspace --exclude assent-browser-tests --exclude assent-upgrade-tests --lib --bins --tests --examples",
    )
}

/// A step of its own, as not every copy of the source has the history. Its first run builds that release.
fn upgrade_tests(wanted: PreviousRelease) -> anyhow::Result<Step> {
    let name = "upgrade tests";
    if let Some(missing) = fetch_tool("previous-release")? {
        ensure!(
            wanted == PreviousRelease::IfAvailable,
            "{missing}; `git fetch --unshallow`, or leave the upgrade tests out with `--previous if-available`"
        );
        return Ok(skipped(name, &missing));
    }
    let arguments = if has("nextest") {
        "nextest run --workspace --filterset package(assent-upgrade-tests)"
    } else {
        "test --package assent-upgrade-tests"
    };
    Ok(step(name, arguments))
}

/// A step of its own, as not every machine has a browser. Two at once, by nextest's configuration or by number of
/// threads. Nextest selects the same packages as for the other tests: with others, the features of what they share
/// would be others, and it would be built twice.
fn browser_journeys(wanted: BrowserJourneys) -> anyhow::Result<Step> {
    let name = "browser journeys";
    if let Some(missing) = fetch_tool("browser")? {
        ensure!(
            wanted == BrowserJourneys::IfInstalled,
            "the browser journeys need a real browser: {missing}"
        );
        return Ok(skipped(name, &missing));
    }
    let arguments = if has("nextest") {
        "nextest run --workspace --filterset package(assent-browser-tests)"
    } else {
        "test --package assent-browser-tests -- --test-threads=2"
    };
    Ok(step(name, arguments))
}

/// Has a tool found, or fetched into `target/tools`. What has to be installed first, if it can be neither.
fn fetch_tool(name: &str) -> anyhow::Result<Option<String>> {
    let mut fetching = Command::new(built("debug", "fetch-tools")?);
    let output = fetching.arg(name).stderr(Stdio::piped()).output();
    let output = output.context("fetch-tools could not be run")?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        return Ok(None);
    }
    ensure!(
        output.status.code() == Some(NOT_INSTALLED),
        "{name} could not be fetched: {said}"
    );
    Ok(Some(said))
}

/// Whether Cargo has the subcommand.
fn has(subcommand: &str) -> bool {
    let asked = cargo()
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
