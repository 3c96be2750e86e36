//! The table for people.

use std::io::Write;

use crate::catalogue::Entry;
use crate::figure_text::{figure_text, in_thousands};
use crate::measure::Rounds;
use crate::results::{Measured, Run, Spread};

/// One figure: ours and the ceiling's rounds, which took turns; or why there is none.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) entry: &'static Entry,
    /// The entry's, but for how many users there are.
    pub(crate) what: String,
    pub(crate) how: String,
    pub(crate) rounds: Result<Pair, String>,
}

/// The rounds of ours and of the ceiling.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) ours: Rounds,
    pub(crate) ceiling: Rounds,
}

impl Row {
    /// `ours` and `ceiling` are of the same rounds, in order.
    pub(crate) fn new(
        entry: &'static Entry,
        ours: Vec<f64>,
        ceiling: Vec<f64>,
        how: String,
    ) -> Self {
        let (ours, ceiling) = (Rounds::new(ours), Rounds::new(ceiling));
        Self {
            entry,
            what: entry.what.to_owned(),
            how,
            rounds: Ok(Pair { ours, ceiling }),
        }
    }

    /// As measured with so many users, where the entry is about a million: another number is another figure.
    pub(crate) fn of_users(mut self, users: usize) -> Self {
        self.what = self.what.replace("1,000,000", &in_thousands(users));
        self
    }

    /// What this machine lacks, and how that is mended.
    pub(crate) fn skipped(entry: &'static Entry, why: String) -> Self {
        Self {
            entry,
            what: entry.what.to_owned(),
            how: String::new(),
            rounds: Err(why),
        }
    }
}

/// The table, with the machine above and the spread below.
pub(crate) fn print(out: &mut impl Write, run: &Run, is_smoke: bool) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n{}; commit {}, {}",
        run.machine, run.commit, run.date
    )?;
    writeln!(
        out,
        "\n{:<4} {:<38} {:>11} {:>11} {:<5} {:>7} {:>8}  verdict",
        "row", "what", "ours", "ceiling", "", "ratio", "target"
    )?;
    for row in &run.rows {
        let verdict = match (is_smoke, &row.skipped, row.met) {
            (_, Some(_), _) => "SKIPPED",
            (true, None, _) => "smoke run: the figures mean nothing",
            (false, None, true) => "met",
            (false, None, false) => "MISSED",
        };
        let shown = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), figure_text);
        writeln!(
            out,
            "{:<4} {:<38} {:>11} {:>11} {:<5} {:>7} {:>8}  {verdict}",
            row.row,
            row.what,
            shown(row.ours),
            shown(row.ceiling),
            row.unit,
            row.ratio
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            row.target_text(),
        )?;
    }
    writeln!(out)?;
    for row in &run.rows {
        if let Some(why) = &row.skipped {
            writeln!(out, "{} {}: SKIPPED. {why}", row.row, row.what)?;
            continue;
        }
        let spread =
            |[low, high]: [f64; 2]| format!("{} to {}", figure_text(low), figure_text(high));
        writeln!(
            out,
            "{} {}: ours {}, ceiling {}, ratio {}. {}",
            row.row,
            row.what,
            spread(row.spread.ours),
            spread(row.spread.ceiling),
            row.spread
                .ratio
                .map_or_else(|| "-".to_owned(), spread_ratio),
            row.how
        )?;
    }
    Ok(())
}

fn spread_ratio([low, high]: [f64; 2]) -> String {
    format!("{low:.2} to {high:.2}")
}

impl From<&Row> for Measured {
    fn from(row: &Row) -> Self {
        let Entry {
            row: name,
            unit,
            target,
            ..
        } = *row.entry;
        let mut measured = Self {
            row: name.to_owned(),
            what: row.what.clone(),
            unit: unit.as_str().to_owned(),
            ours: None,
            ceiling: None,
            ratio: None,
            target: target.number(),
            target_of: target.of().to_owned(),
            comparison: target.comparison().to_owned(),
            met: false,
            spread: Spread::default(),
            how: row.how.clone(),
            skipped: None,
        };
        match &row.rounds {
            Ok(Pair { ours, ceiling }) => {
                let (middle, beside) = (ours.median(), ceiling.median());
                measured.ours = Some(middle);
                measured.ceiling = Some(beside);
                // Nothing is so many times nothing.
                measured.ratio = (beside != 0.0).then_some(middle / beside);
                measured.met = target.is_met(middle, beside);
                measured.spread = Spread {
                    ours: ours.spread(),
                    ceiling: ceiling.spread(),
                    ratio: ours.ratios(ceiling).map(|ratios| ratios.spread()),
                };
            }
            Err(why) => measured.skipped = Some(why.clone()),
        }
        measured
    }
}
