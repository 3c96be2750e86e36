//! The benchmarks: every figure beside a ceiling measured in the same run, on the same machine.
//!
//! Machines differ and are noisy, so only the ratio counts: rounds of ours and of the ceiling
//! take turns, and the medians are compared. A row that misses its target says so; none is a test.

mod ceiling;
mod fixture;
mod measure;
mod p12_history;
mod p13_group_commit;
mod p14_tokens;
mod p16_verify;
mod p17_leader_killed;
mod p1_login;
mod p4_query;
mod p5_rebuild;
mod p6_append;
mod table;

use std::io::Write;

use clap::Parser;
use table::Row;

/// Measures the programs that lie beside this one.
#[derive(Parser)]
struct Arguments {
    /// Only see that every benchmark runs; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Only these rows, such as P1,P6
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Be the ceiling's server process for a row
    #[arg(long, hide = true)]
    ceiling: Option<ceiling::Kind>,
}

/// How much to measure.
#[derive(Debug, Clone, Copy)]
struct Size {
    rounds: usize,
    seconds_per_round: f64,
    appends: usize,
    events: usize,
    history: usize,
}

const FULL: Size = Size {
    rounds: 5,
    seconds_per_round: 3.0,
    appends: 20_000,
    events: 1_000_000,
    history: 5_000,
};
const QUICK: Size = Size {
    rounds: 1,
    seconds_per_round: 0.3,
    appends: 200,
    events: 2_000,
    history: 200,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.ceiling {
        Some(kind) => ceiling::serve(kind).await,
        None => Box::pin(measure_all(&arguments)).await,
    }
}

async fn measure_all(arguments: &Arguments) -> anyhow::Result<()> {
    let size = if arguments.quick { QUICK } else { FULL };
    let wanted = |row: &str| {
        arguments.rows.is_empty()
            || arguments
                .rows
                .iter()
                .any(|name| name.eq_ignore_ascii_case(row))
    };
    let mut rows: Vec<Row> = Vec::new();
    let mut screen = std::io::stderr();
    if wanted("P1") || wanted("P4") || wanted("P14") {
        let fixture = fixture::Fixture::start().await?;
        if wanted("P1") {
            writeln!(screen, "P1: login decisions over HTTP …")?;
            rows.push(p1_login::measure(&fixture, size).await?);
        }
        if wanted("P4") {
            writeln!(screen, "P4: permission queries over NATS …")?;
            rows.push(p4_query::measure(&fixture, size).await?);
        }
        if wanted("P14") {
            writeln!(screen, "P14: access tokens over NATS …")?;
            rows.push(p14_tokens::measure(&fixture, size).await?);
        }
    }
    if wanted("P5") {
        writeln!(
            screen,
            "P5: rebuilding the view from {} events …",
            size.events
        )?;
        rows.push(p5_rebuild::measure(size).await?);
    }
    if wanted("P6") {
        writeln!(screen, "P6: recording grants …")?;
        rows.push(p6_append::measure(size).await?);
    }
    if wanted("P12") {
        writeln!(screen, "P12: commands on long histories …")?;
        rows.extend(p12_history::measure(size).await?);
    }
    if wanted("P13") {
        writeln!(screen, "P13: recording grants of many users at once …")?;
        rows.push(p13_group_commit::measure(size).await?);
    }
    if wanted("P16") {
        writeln!(
            screen,
            "P16: proving a log of {} events, putting it back, asking it …",
            size.events
        )?;
        rows.extend(Box::pin(p16_verify::measure(size)).await?);
    }
    if wanted("P17") {
        writeln!(screen, "P17: the leader of three servers is killed …")?;
        rows.push(p17_leader_killed::measure(size).await?);
    }
    table::print(&rows, arguments.quick)
}
