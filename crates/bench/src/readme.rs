//! README's table of figures, made of what is kept.

use std::fmt::Write as _;

use anyhow::Context as _;

use crate::catalogue::{ALL, Entry};
use crate::figure_text::{figure_text, target_text};
use crate::machine;
use crate::results::{self, Measured, Run};

const BEGIN: &str = "<!-- figures: made by `cargo xtask bench readme` -->";
const END: &str = "<!-- end of figures -->";

/// Writes the table into README.
pub(crate) fn write() -> anyhow::Result<()> {
    let readme = machine::workspace().join("README.md");
    let text = std::fs::read_to_string(&readme)?;
    let runs = results::read(&results::file())?;
    std::fs::write(&readme, with_figures(&text, &runs)?)?;
    Ok(())
}

/// The text with the table that the runs make, between its marks.
fn with_figures(text: &str, runs: &[Run]) -> anyhow::Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .context("README.md has no mark where figures begin")?;
    let (_, after) = rest
        .split_once(END)
        .context("README.md has no mark where figures end")?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", figures(runs)?))
}

fn figures(runs: &[Run]) -> anyhow::Result<String> {
    let mut text = String::new();
    match runs.last() {
        Some(last) => writeln!(
            text,
            "Measured on {} (commit `{}`, {}).",
            last.machine,
            last.commit,
            last.date.strftime("%-d %B %Y")
        )?,
        None => writeln!(text, "No full run is kept yet.")?,
    }
    writeln!(text)?;
    writeln!(
        text,
        "| | what | ours | beside it | ratio | target | what it means |"
    )?;
    writeln!(text, "|---|---|---:|---:|---:|---:|---|")?;
    for entry in ALL {
        let found = latest(entry, runs);
        let cell = |figure: Option<f64>, unit: &str| {
            figure.map_or_else(
                || "-".to_owned(),
                |figure| format!("{} {unit}", figure_text(figure)),
            )
        };
        let unit = entry.unit.as_str();
        let beside = found.and_then(|row| row.ceiling).map_or_else(
            || entry.ceiling.to_owned(),
            |figure| format!("{} {unit}: {}", figure_text(figure), entry.ceiling),
        );
        let wanted = entry.target;
        let target = target_text(wanted.comparison(), wanted.number(), wanted.of(), unit);
        let ratio = found.and_then(|row| row.ratio);
        writeln!(
            text,
            "| {} | {} | {} | {beside} | {} | {} {target} | {} |",
            entry.row,
            entry.what,
            cell(found.and_then(|row| row.ours), unit),
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            found.map_or("not measured:", |row| if row.met {
                "met:"
            } else {
                "missed:"
            }),
            entry.means,
        )?;
    }
    Ok(text)
}

/// The figure of the latest run that has it.
fn latest<'r>(entry: &Entry, runs: &'r [Run]) -> Option<&'r Measured> {
    let rows = runs.iter().rev().flat_map(|run| &run.rows);
    let is_it =
        |row: &&Measured| row.row == entry.row && row.what == entry.what && row.skipped.is_none();
    let mut found = rows.filter(is_it);
    found.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_figures_that_are_kept() {
        let text = std::fs::read_to_string(machine::workspace().join("README.md")).unwrap();
        let runs = results::read(&results::file()).unwrap();
        assert!(
            with_figures(&text, &runs).unwrap() == text,
            "README.md is not in step with crates/bench/results.jsonl: `cargo xtask bench readme`"
        );
    }
}
