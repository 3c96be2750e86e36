//! The table at the end.

use std::io::Write;

use crate::measure::Rounds;

/// One row: ours, the ceiling, and what was wanted.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) ours: Rounds,
    pub(crate) ceiling: Rounds,
    pub(crate) target: f64,
    pub(crate) how: String,
}

pub(crate) fn print(rows: &[Row], quick: bool) -> anyhow::Result<()> {
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
