//! Two runs beside one another: what got worse by more than the rounds lie apart anyway.

use std::cmp::Ordering;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::figure_text::figure_text;
use crate::results::{Measured, Run};

/// A difference of less than this share is none, however little the rounds lie apart: there are few of them.
const NOTICED: f64 = 0.05;

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Same,
    Worse,
}

/// The two runs to compare: those that are named, else the last one and the last before it on such a machine.
pub(crate) fn chosen(
    runs: &[Run],
    before: Option<&str>,
    after: Option<&str>,
) -> anyhow::Result<(Run, Run)> {
    let after = match after {
        Some(name) => named(runs, name)?,
        None => runs.last().cloned().context(
            "no run is kept yet: `cargo xtask bench --record` keeps one in crates/bench/results.jsonl",
        )?,
    };
    if let Some(name) = before {
        return Ok((named(runs, name)?, after));
    }
    let earlier = || runs.iter().rev().filter(|run| run.date < after.date);
    let on_such_a_machine = earlier().find(|run| run.machine.is_like(&after.machine));
    let before = on_such_a_machine.or_else(|| earlier().next());
    let before = before.context("there is no earlier run to compare with: name two, see --help")?;
    Ok((before.clone(), after))
}

/// The latest run of this name: the beginning of a commit or of a date, or a file that `--json` wrote.
fn named(runs: &[Run], name: &str) -> anyhow::Result<Run> {
    let is_named =
        |run: &&Run| run.commit.starts_with(name) || run.date.to_string().starts_with(name);
    if let Some(run) = runs.iter().rev().find(is_named) {
        return Ok(run.clone());
    }
    let file = Path::new(name);
    if !file.is_file() {
        let kept: Vec<_> = runs
            .iter()
            .map(|run| format!("{} ({})", run.commit, run.date))
            .collect();
        bail!(
            "no run is called {name}: give the beginning of a commit or of a date, or a file that --json wrote; kept are: {}",
            kept.join(", ")
        );
    }
    let text = std::fs::read_to_string(file)?;
    let rows: Vec<Measured> = serde_json::from_str(&text)
        .with_context(|| format!("{name} is nothing that --json wrote"))?;
    // Whoever compares a file has just made it.
    let mut run = Run::begin();
    name.clone_into(&mut run.commit);
    run.rows = rows;
    Ok(run)
}

/// Says what became of each figure, and whether nothing got worse.
pub(crate) fn print(out: &mut impl Write, before: &Run, after: &Run) -> anyhow::Result<bool> {
    for (name, run) in [("before", before), ("after", after)] {
        writeln!(
            out,
            "{name:<7} {} ({}), {}",
            run.commit, run.date, run.machine
        )?;
    }
    if !before.machine.is_like(&after.machine) {
        writeln!(
            out,
            "two kinds of machine: ratios are compared all the same, with care"
        )?;
    }
    writeln!(
        out,
        "\n{:<4} {:<38} {:>8} {:>8} {:>8}",
        "row", "what", "before", "after", ""
    )?;
    let mut is_well = true;
    for now in &after.rows {
        let then = before.rows.iter().find(|then| then.is_same(now));
        let verdict = then.map(|then| verdict(then, now));
        is_well &= verdict != Some(Some(Verdict::Worse));
        let said = match (then, verdict.flatten()) {
            (None, _) => "new".to_owned(),
            (Some(_), None) => "not measured in both".to_owned(),
            (Some(_), Some(Verdict::Same)) => "same".to_owned(),
            (Some(then), Some(changed)) => format!(
                "{}: {} before, {} after",
                if changed == Verdict::Worse {
                    "WORSE"
                } else {
                    "better"
                },
                spread(then),
                spread(now)
            ),
        };
        let shown = |row: Option<&Measured>| {
            row.and_then(compared)
                .map_or_else(|| "-".to_owned(), |(figure, _)| figure_text(figure))
        };
        writeln!(
            out,
            "{:<4} {:<38} {:>8} {:>8}  {said}",
            now.row,
            now.what,
            shown(then),
            shown(Some(now))
        )?;
    }
    let is_gone = |then: &&Measured| !after.rows.iter().any(|now| now.is_same(then));
    for then in before.rows.iter().filter(is_gone) {
        writeln!(
            out,
            "{:<4} {:<38} not measured any more",
            then.row, then.what
        )?;
    }
    Ok(is_well)
}

/// What became of a figure; nothing, where it was not measured in both runs. Where the rounds of both overlap it is the same.
pub(crate) fn verdict(then: &Measured, now: &Measured) -> Option<Verdict> {
    let (before, [before_low, before_high]) = compared(then)?;
    let (after, [after_low, after_high]) = compared(now)?;
    let overlaps = after_low <= before_high && before_low <= after_high;
    if overlaps || (after - before).abs() <= NOTICED * before.abs() {
        return Some(Verdict::Same);
    }
    let more_is_better = now.comparison == ">=";
    Some(match (after.total_cmp(&before), more_is_better) {
        (Ordering::Equal, _) => Verdict::Same,
        (Ordering::Greater, true) | (Ordering::Less, false) => Verdict::Better,
        (Ordering::Greater, false) | (Ordering::Less, true) => Verdict::Worse,
    })
}

/// What of a figure is compared, and its spread: the ratio, because machines differ; or what the target is of.
fn compared(row: &Measured) -> Option<(f64, [f64; 2])> {
    let (ours, ceiling) = (row.ours?, row.ceiling?);
    match row.target_of.as_str() {
        "ratio" => {
            let ratio = row.ratio?;
            Some((ratio, row.spread.ratio.unwrap_or([ratio, ratio])))
        }
        "ours" => Some((ours, row.spread.ours)),
        _ => {
            let [low, high] = row.spread.ours;
            Some((ours - ceiling, [low - ceiling, high - ceiling]))
        }
    }
}

fn spread(row: &Measured) -> String {
    compared(row).map_or_else(String::new, |(_, [low, high])| {
        format!("{} to {}", figure_text(low), figure_text(high))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Entry, LOGINS, RESTART, TOLD};
    use crate::table::Row;

    fn measured(entry: &'static Entry, ours: &[f64], ceiling: &[f64]) -> Measured {
        Measured::from(&Row::new(
            entry,
            ours.to_vec(),
            ceiling.to_vec(),
            String::new(),
        ))
    }

    #[test]
    fn only_what_is_beyond_the_spread_and_noticed_is_worse() {
        let before = measured(&LOGINS, &[100.0, 110.0, 120.0], &[100.0; 3]);
        for (ours, expected) in [
            ([90.0, 95.0, 99.0], Verdict::Worse),
            // The rounds overlap.
            ([90.0, 95.0, 101.0], Verdict::Same),
            ([130.0, 140.0, 150.0], Verdict::Better),
        ] {
            let after = measured(&LOGINS, &ours, &[100.0; 3]);
            assert_eq!(verdict(&before, &after), Some(expected), "{ours:?}");
        }
        // One round each: what is hardly different is the same.
        let (one, other) = (
            measured(&LOGINS, &[100.0], &[100.0]),
            measured(&LOGINS, &[96.0], &[100.0]),
        );
        assert_eq!(verdict(&one, &other), Some(Verdict::Same));
        // A slower machine that is as slow for both is no regression.
        let slower = measured(&LOGINS, &[50.0, 55.0, 60.0], &[50.0; 3]);
        assert_eq!(verdict(&before, &slower), Some(Verdict::Same));
    }

    #[test]
    fn where_less_is_better_more_is_worse() {
        let before = measured(&TOLD, &[2.0, 2.1], &[0.2, 0.2]);
        let after = measured(&TOLD, &[3.0, 3.1], &[0.2, 0.2]);
        assert_eq!(verdict(&before, &after), Some(Verdict::Worse));
        assert_eq!(verdict(&after, &before), Some(Verdict::Better));
        let (quick, slow) = (
            measured(&RESTART, &[0.7], &[0.5]),
            measured(&RESTART, &[1.4], &[0.5]),
        );
        assert!(quick.met && slow.met);
        assert_eq!(verdict(&quick, &slow), Some(Verdict::Worse));
    }

    fn run(commit: &str, date: &str, rows: Vec<Measured>) -> Run {
        Run {
            commit: commit.to_owned(),
            date: date.parse().unwrap(),
            rows,
            ..Run::begin()
        }
    }

    #[test]
    fn runs_are_found_by_commit_and_by_date_and_a_regression_is_told() {
        let good = measured(&LOGINS, &[100.0, 110.0], &[100.0, 100.0]);
        let bad = measured(&LOGINS, &[50.0, 55.0], &[100.0, 100.0]);
        let skipped = Measured::from(&Row::skipped(&TOLD, "no time".to_owned()));
        let runs = [
            run("aaaa", "2026-11-01T00:00:00Z", vec![good.clone(), skipped]),
            run("bbbb", "2026-11-02T00:00:00Z", vec![bad]),
            run("cccc", "2026-11-03T00:00:00Z", vec![good]),
        ];
        let commits = |before, after| {
            let (before, after) = chosen(&runs, before, after).unwrap();
            (before.commit, after.commit)
        };
        assert_eq!(commits(None, None), ("bbbb".to_owned(), "cccc".to_owned()));
        assert_eq!(
            commits(Some("aa"), Some("2026-11-02")),
            ("aaaa".to_owned(), "bbbb".to_owned())
        );
        assert_eq!(
            commits(Some("aa"), None),
            ("aaaa".to_owned(), "cccc".to_owned())
        );
        assert!(chosen(&runs, Some("nobody"), None).is_err());
        assert!(chosen(&[], None, None).is_err());
        assert!(chosen(&runs[..1], None, None).is_err());

        let mut said = Vec::new();
        assert!(!print(&mut said, &runs[0], &runs[1]).unwrap());
        let said = String::from_utf8(said).unwrap();
        assert!(
            said.contains("WORSE") && said.contains("not measured any more"),
            "{said}"
        );
        assert!(print(&mut Vec::new(), &runs[1], &runs[2]).unwrap());
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.jsonl");
        assert!(crate::results::read(&file).unwrap().is_empty());
        let one = run(
            "aaaa",
            "2026-11-01T00:00:00Z",
            vec![measured(&LOGINS, &[1.0, 3.0, 2.0], &[1.0; 3])],
        );
        let skipped = Measured::from(&Row::skipped(&TOLD, "no time".to_owned()));
        let other = run("bbbb", "2026-11-02T00:00:00Z", vec![skipped]);
        crate::results::append(&file, &one).unwrap();
        crate::results::append(&file, &other).unwrap();
        assert_eq!(crate::results::read(&file).unwrap(), [one, other]);
        std::fs::write(&file, "{}\n").unwrap();
        assert!(crate::results::read(&file).is_err());
    }
}
