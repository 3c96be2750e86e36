//! The benchmarks: built, and run in this one's place.

use std::process::ExitCode;

use clap::Subcommand;

use crate::programs::{become_program, build, built};

/// Shown below the help.
const MORE: &str = "\
Each row is a figure of ours beside a ceiling: the least that a program can do that gives the
same answer, or the same work on something small. Both are measured in this run, in turns, on
this machine, so the ratio says more than the figures do: compare it, and not requests per
second, with another machine's. `cargo xtask bench list` says what each row is beside, and what
it means to somebody who uses Assent. A row that misses its target says so; the command succeeds
all the same. What this machine lacks is skipped, and how to install it is said.

  cargo xtask bench                   all rows, some 20 minutes on two cores; touch nothing
  cargo xtask bench --rows P1,P2      what you are working on
  cargo xtask bench --json > now      a list of {row, what, ours, ceiling, ratio, target, met}
  cargo xtask bench compare 3f2a now  what changed since then; exits with 1 if anything got worse
  cargo xtask bench --record          all rows, kept in crates/bench/results.jsonl
  cargo xtask bench readme            the table in README.md, made of what is kept";

/// What is measured, and what becomes of it.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = MORE)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only see that every benchmark runs, unoptimised, in less than two minutes; the figures mean nothing
    #[arg(long, conflicts_with = "record")]
    quick: bool,
    /// Only these rows, such as P1,P6
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Print JSON on standard output; what is going on, and the table, on standard error
    #[arg(long)]
    json: bool,
    /// How many users the view of P8 to P11 has, such as 5000000; a million, if absent
    #[arg(long, conflicts_with = "record")]
    users: Option<u32>,
    /// Keep the run in crates/bench/results.jsonl, with commit, date and machine
    #[arg(long, conflicts_with = "rows")]
    record: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Say what got better or worse by more than the rounds lie apart; exits with 1 if anything got worse
    ///
    /// A run is named by the beginning of its commit or of its date (the latest such one counts), or is a file that
    /// `--json` wrote. With no names the last run that was kept is compared with the one before it on such a machine.
    Compare {
        /// The earlier run
        before: Option<String>,
        /// The later run; the last one that was kept, if absent
        after: Option<String>,
    },
    /// Write the table of figures in README.md anew, of the runs that were kept
    Readme,
    /// Say of each row what it is beside, and what it means
    List,
}

/// Becomes `assent-bench`, optimised where it measures, as figures of anything else would mislead.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    const PACKAGES: [&str; 7] = [
        "assent-bench",
        "assent-consentctl",
        "assent-entra-simulator",
        "consent-gateway",
        "login-hook",
        "projection",
        "token-broker",
    ];
    let mut handed_on = Vec::new();
    let measures = match &arguments.command {
        None => true,
        Some(Command::Compare { before, after }) => {
            handed_on.push("compare".to_owned());
            handed_on.extend(before.iter().chain(after).cloned());
            false
        }
        Some(Command::Readme) => {
            handed_on.push("readme".to_owned());
            false
        }
        Some(Command::List) => {
            handed_on.push("list".to_owned());
            false
        }
    };
    for (flag, is_given) in [
        ("--quick", arguments.quick),
        ("--json", arguments.json),
        ("--record", arguments.record),
    ] {
        if is_given {
            handed_on.push(flag.to_owned());
        }
    }
    for row in &arguments.rows {
        handed_on.extend(["--rows".to_owned(), row.clone()]);
    }
    if let Some(users) = arguments.users {
        handed_on.extend(["--users".to_owned(), users.to_string()]);
    }
    // Whoever has measured has it optimised, and need not build it twice.
    let release = if measures {
        !arguments.quick
    } else {
        built("release", "assent-bench")?.exists()
    };
    build(release, &PACKAGES)?;
    become_program(release, "assent-bench", &handed_on)
}
