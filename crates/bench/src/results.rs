//! What was measured, as it is kept: one line for each full run, so that a regression shows.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::figure_text;
use crate::machine::{self, Machine};

/// One figure, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) row: String,
    pub(crate) what: String,
    /// Of `ours` and `ceiling`.
    pub(crate) unit: String,
    /// The median of the rounds.
    pub(crate) ours: Option<f64>,
    pub(crate) ceiling: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) target: f64,
    /// What the target is of: `ratio`, `ours`, or `ours - ceiling`.
    pub(crate) target_of: String,
    /// `>=` or `<=`.
    pub(crate) comparison: String,
    pub(crate) met: bool,
    pub(crate) spread: Spread,
    pub(crate) how: String,
    /// Why it was not measured, and how that is mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) skipped: Option<String>,
}

/// The lowest and the highest of the rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) ours: [f64; 2],
    pub(crate) ceiling: [f64; 2],
    /// Of the rounds' own ratios; none where they are not pairs.
    pub(crate) ratio: Option<[f64; 2]>,
}

impl Measured {
    /// What is wanted, for people.
    pub(crate) fn target_text(&self) -> String {
        figure_text::target_text(&self.comparison, self.target, &self.target_of, &self.unit)
    }

    /// Whether it is the same figure of another run.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.row == other.row && self.what == other.what
    }
}

/// A run, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// What was measured; `-changed` at its end where the tree was not that of the commit.
    pub(crate) commit: String,
    /// When it began.
    pub(crate) date: Timestamp,
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Measured>,
}

impl Run {
    /// A run that begins now, without figures yet.
    pub(crate) fn begin() -> Self {
        let now = Timestamp::now();
        Self {
            commit: machine::commit(),
            date: now.round(jiff::Unit::Second).unwrap_or(now),
            machine: Machine::describe(),
            rows: Vec::new(),
        }
    }
}

/// Where the runs are kept.
pub(crate) fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results.jsonl")
}

/// The runs that are kept, the oldest first.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Run>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be read", file.display()));
        }
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}: line {} is no run", file.display(), number + 1))
        })
        .collect()
}

/// Keeps a run.
pub(crate) fn append(file: &Path, run: &Run) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(run)?;
    line.push(b'\n');
    let mut kept = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)?;
    kept.write_all(&line)
        .with_context(|| format!("{} can't be written", file.display()))
}
