//! The table at the end.

use std::io::Write;

use crate::bench::measure::Rounds;

/// One row: ours, the ceiling, and what was wanted.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) ours: Rounds,
    pub(super) ceiling: Rounds,
    pub(super) target: f64,
    pub(super) how: String,
}

pub(super) fn print(rows: &[Row], quick: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "\n{:<4} {:<34} {:>12} {:>12} {:>7} {:>8}  verdict",
        "row", "what", "ours/s", "ceiling/s", "ratio", "target"
    )?;
    for row in rows {
        let ratio = row.ours.median() / row.ceiling.median();
        let verdict = match (quick, row.target <= ratio) {
            (true, _) => "smoke run: the figures mean nothing",
            (false, true) => "met",
            (false, false) => "MISSED",
        };
        writeln!(
            out,
            "{:<4} {:<34} {:>12.0} {:>12.0} {:>7.2} {:>8}  {verdict}",
            row.name,
            row.what,
            row.ours.median(),
            row.ceiling.median(),
            ratio,
            format!(">= {:.2}", row.target)
        )?;
    }
    writeln!(out)?;
    for row in rows {
        writeln!(
            out,
            "{}: ours {:.0} to {:.0}, ceiling {:.0} to {:.0}. {}",
            row.name,
            row.ours.lowest(),
            row.ours.highest(),
            row.ceiling.lowest(),
            row.ceiling.highest(),
            row.how
        )?;
    }
    Ok(())
}
