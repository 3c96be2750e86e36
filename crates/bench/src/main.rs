//! The benchmarks: every figure beside a ceiling measured in the same run, on the same machine.
//!
//! Machines differ and are noisy, so only the ratio counts: rounds of ours and of the ceiling
//! take turns, and the medians are compared. A row that misses its target says so; none is a test.
//!
//! [`catalogue`] says what is measured and what it means, a `p…` module how.

mod catalogue;
mod ceiling;
mod compare;
mod figure_text;
mod fill;
mod fixture;
mod logins;
mod machine;
mod many_users;
mod measure;
mod p10_p11_view;
mod p12_history;
mod p13_group_commit;
mod p14_tokens;
mod p15_withdrawal;
mod p16_verify;
mod p17_leader_killed;
mod p18_authzen;
mod p1_login;
mod p2_login_tail;
mod p3_postgresql;
mod p4_query;
mod p5_rebuild;
mod p6_append;
mod p7_told;
mod p8_method;
mod p9_latency;
mod postgresql;
mod postgresql_client;
mod readme;
mod results;
mod table;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use catalogue::Entry;
use clap::{Parser, Subcommand};
use fixture::Fixture;
use logins::Logins;
use many_users::ManyUsers;
use results::{Measured, Run};
use table::Row;

/// Measures the programs that lie beside this one. `cargo xtask bench --help` says more.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only see that every benchmark runs; the figures mean nothing
    #[arg(long, conflicts_with = "record")]
    quick: bool,
    /// Only these rows, such as P1,P6
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Print JSON on standard output, and the table on standard error
    #[arg(long)]
    json: bool,
    /// How many users P8 to P11 have
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..))]
    users: Option<u32>,
    /// Keep the run in crates/bench/results.jsonl
    #[arg(long)]
    record: bool,
    /// Be the ceiling's server process for a row
    #[arg(long, hide = true)]
    ceiling: Option<ceiling::Kind>,
}

#[derive(Subcommand)]
enum Command {
    /// Compare two runs
    Compare {
        before: Option<String>,
        after: Option<String>,
    },
    /// Write README's table of figures
    Readme,
    /// Say what is measured
    List,
}

/// How much to measure.
#[derive(Debug, Clone, Copy)]
struct Size {
    rounds: usize,
    seconds_per_round: f64,
    appends: usize,
    events: usize,
    history: usize,
    /// In PostgreSQL's tables.
    consents: usize,
    changes_a_second: u32,
    /// In the view of P8 to P11.
    users: usize,
    /// In the view that P9 compares it with.
    few_users: usize,
}

impl Size {
    /// How many changes there are in a round of P7.
    fn changes(self) -> usize {
        let changes =
            Duration::from_secs_f64(self.seconds_per_round * f64::from(self.changes_a_second));
        usize::try_from(changes.as_secs()).unwrap_or(usize::MAX)
    }
}

/// As many users as the rows are named after.
const MILLION: usize = 1_000_000;

const FULL: Size = Size {
    rounds: 5,
    seconds_per_round: 3.0,
    appends: 20_000,
    events: 1_000_000,
    history: 5_000,
    consents: 200_000,
    changes_a_second: 1_000,
    users: MILLION,
    few_users: 10_000,
};
const QUICK: Size = Size {
    rounds: 1,
    seconds_per_round: 0.3,
    appends: 200,
    events: 2_000,
    history: 200,
    consents: 2_000,
    changes_a_second: 50,
    users: 2_000,
    few_users: 100,
};

/// What `compare` ends with where something got worse. Whatever can't be done at all ends with 2.
const WORSE: u8 = 1;
const FAILED: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(&Arguments::parse())).await {
        Ok(code) => code,
        Err(error) => {
            // Where nobody reads that, nothing can be done about it.
            drop(writeln!(std::io::stderr(), "error: {error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut screen = std::io::stdout();
    match (&arguments.command, arguments.ceiling) {
        (Some(Command::Compare { before, after }), _) => {
            let kept = results::read(&results::file())?;
            let (before, after) = compare::chosen(&kept, before.as_deref(), after.as_deref())?;
            let is_well = compare::print(&mut screen, &before, &after)?;
            Ok(if is_well {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(WORSE)
            })
        }
        (Some(Command::Readme), _) => readme::write().map(|()| ExitCode::SUCCESS),
        (Some(Command::List), _) => list(&mut screen).map(|()| ExitCode::SUCCESS),
        (None, Some(kind)) => ceiling::serve(kind).await.map(|()| ExitCode::SUCCESS),
        (None, None) => measure_all(arguments).await,
    }
}

fn list(screen: &mut impl Write) -> anyhow::Result<()> {
    for entry in catalogue::ALL {
        let Entry {
            row,
            what,
            ceiling,
            means,
            ..
        } = entry;
        writeln!(
            screen,
            "{row:<4} {what}\n     beside: {ceiling}\n     means:  {means}"
        )?;
    }
    Ok(())
}

async fn measure_all(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut size = if arguments.quick { QUICK } else { FULL };
    if let Some(users) = arguments.users {
        size.users = usize::try_from(users)?;
    }
    let names = catalogue::rows();
    for row in &arguments.rows {
        let is_known = names.iter().any(|name| name.eq_ignore_ascii_case(row));
        ensure!(
            is_known,
            "there is no row {row}; there are {}",
            names.join(", ")
        );
    }
    let mut run = Run::begin();
    let mut done = Done {
        wanted: arguments.rows.clone(),
        rows: Vec::new(),
        failed: Vec::new(),
    };
    measure_stack(&mut done, size).await?;
    if done.begin("P5")? {
        done.end("P5", p5_rebuild::measure(size).await.map(one))?;
    }
    if done.begin("P6")? {
        done.end("P6", p6_append::measure(size).await.map(one))?;
    }
    if done.begin("P7")? {
        done.end("P7", p7_told::measure(size).await.map(one))?;
    }
    measure_many(&mut done, size).await?;
    if done.begin("P12")? {
        done.end("P12", p12_history::measure(size).await)?;
    }
    if done.begin("P13")? {
        done.end("P13", p13_group_commit::measure(size).await.map(one))?;
    }
    if done.begin("P15")? {
        done.end("P15", p15_withdrawal::measure(size).await.map(one))?;
    }
    if done.begin("P16")? {
        done.end("P16", Box::pin(p16_verify::measure(size)).await)?;
    }
    if done.begin("P17")? {
        done.end("P17", p17_leader_killed::measure(size).await.map(one))?;
    }
    run.rows = done.rows.iter().map(Measured::from).collect();
    report(arguments, &run)?;
    ensure!(
        done.failed.is_empty(),
        "not measured: {}",
        done.failed.join(", ")
    );
    if arguments.record {
        ensure!(arguments.rows.is_empty(), "only a whole run is kept");
        results::append(&results::file(), &run)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What needs a stack with one account and one user, all on the same one.
async fn measure_stack(done: &mut Done, size: Size) -> anyhow::Result<()> {
    if !["P1", "P2", "P3", "P4", "P14", "P18"]
        .iter()
        .any(|row| done.wants(row))
    {
        return Ok(());
    }
    let fixture = Fixture::start().await?;
    if ["P1", "P2", "P3"].iter().any(|row| done.wants(row)) {
        measure_logins(done, &fixture, size).await?;
    }
    if done.begin("P4")? {
        done.end("P4", p4_query::measure(&fixture, size).await.map(one))?;
    }
    if done.begin("P14")? {
        done.end("P14", p14_tokens::measure(&fixture, size).await.map(one))?;
    }
    if done.begin("P18")? {
        done.end("P18", p18_authzen::measure(&fixture, size).await.map(one))?;
    }
    Ok(())
}

async fn measure_logins(done: &mut Done, fixture: &Fixture, size: Size) -> anyhow::Result<()> {
    let logins = Logins::prepare(fixture).await?;
    if done.begin("P1")? {
        done.end("P1", p1_login::measure(&logins, size).await.map(one))?;
    }
    if done.begin("P2")? {
        done.end("P2", p2_login_tail::measure(&logins, size).await.map(one))?;
    }
    if done.begin("P3")? {
        let measured = p3_postgresql::measure(fixture, &logins, size).await;
        done.end("P3", measured.map(one))?;
    }
    Ok(())
}

/// What needs a view of very many users, all on the same one.
async fn measure_many(done: &mut Done, size: Size) -> anyhow::Result<()> {
    if !["P8", "P9", "P10", "P11"].iter().any(|row| done.wants(row)) {
        return Ok(());
    }
    writeln!(
        std::io::stderr(),
        "P8 to P11: the grants of {} users …",
        size.users
    )?;
    let mut many = ManyUsers::start(size.users).await?;
    if done.begin("P8")? {
        done.end("P8", p8_method::measure(&many, size).await.map(one))?;
    }
    if done.begin("P9")? {
        let few = ManyUsers::start(size.few_users).await?;
        done.end("P9", p9_latency::measure(&many, &few, size).await.map(one))?;
    }
    let wanted = (done.begin("P10")?, done.begin("P11")?);
    if wanted == (false, false) {
        return Ok(());
    }
    match Box::pin(p10_p11_view::measure(&mut many, size)).await {
        Ok([space, restart]) => {
            if wanted.0 {
                done.end("P10", Ok(space))?;
            }
            if wanted.1 {
                done.end("P11", Ok(restart))?;
            }
            Ok(())
        }
        Err(error) => done.end(if wanted.0 { "P10" } else { "P11" }, Err(error)),
    }
}

fn report(arguments: &Arguments, run: &Run) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    if arguments.json {
        table::print(&mut std::io::stderr(), run, arguments.quick)?;
        serde_json::to_writer_pretty(&mut out, &run.rows)?;
        return Ok(writeln!(out)?);
    }
    table::print(&mut out, run, arguments.quick)
}

fn one(row: Row) -> Vec<Row> {
    Vec::from([row])
}

/// What is measured so far. A row that fails does not take the others' figures with it.
struct Done {
    wanted: Vec<String>,
    rows: Vec<Row>,
    failed: Vec<&'static str>,
}

impl Done {
    fn wants(&self, row: &str) -> bool {
        self.wanted.is_empty()
            || self
                .wanted
                .iter()
                .any(|name| name.eq_ignore_ascii_case(row))
    }

    /// Says what is measured now, if it is wanted.
    fn begin(&self, row: &'static str) -> anyhow::Result<bool> {
        if !self.wants(row) {
            return Ok(false);
        }
        let mut screen = std::io::stderr();
        for entry in catalogue::ALL.iter().filter(|entry| entry.row == row) {
            writeln!(screen, "{row}: {}, beside {} …", entry.what, entry.ceiling)?;
        }
        Ok(true)
    }

    fn end(&mut self, row: &'static str, measured: anyhow::Result<Vec<Row>>) -> anyhow::Result<()> {
        match measured {
            Ok(rows) => self.rows.extend(rows),
            Err(error) => {
                writeln!(std::io::stderr(), "{row} FAILED: {error:#}")?;
                let why = format!("it failed: {error:#}");
                let entries = catalogue::ALL.iter().filter(|entry| entry.row == row);
                let rows = entries.map(|entry| Row::skipped(entry, why.clone()));
                self.rows.extend(rows);
                self.failed.push(row);
            }
        }
        Ok(())
    }
}
