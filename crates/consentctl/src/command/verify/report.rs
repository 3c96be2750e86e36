//! What was checked, and what was found: the first of each kind with its place.

use std::io;
use std::ops::RangeInclusive;

use assent_contract::query::AggregateId;
use assent_domain::ids::Sequence;
use serde::Serialize;

use crate::exit::Outcome;
use crate::output::Output;

/// Of one kind, no more are kept.
const MOST_KEPT: usize = 20;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Ok,
    /// Something is not as it was, or can't be.
    Finding,
    /// Whether something is wrong can't be told from what was given.
    Unknown,
}

/// Something that is not as it must be, and where.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) sequence: Option<u64>,
    #[serde(flatten)]
    pub(super) whose: Option<AggregateId>,
    /// Which part of the row differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    pub(super) says: String,
}

impl Finding {
    pub(super) fn of_missing(range: &RangeInclusive<u64>) -> Self {
        let (first, last) = (*range.start(), *range.end());
        let says = if first == last {
            "missing, although the server counts it".to_owned()
        } else {
            format!("missing, as are all up to message {last}")
        };
        Self {
            sequence: Some(first),
            whose: None,
            field: None,
            says,
        }
    }

    pub(super) fn of_unread(after: Sequence) -> Self {
        Self {
            sequence: None,
            whose: None,
            field: None,
            says: format!("so many are missing that nothing after message {after} was read"),
        }
    }

    fn to_line(&self) -> String {
        let sequence = self.sequence.map(|sequence| format!("message {sequence}"));
        let whose = self.whose.as_ref().map(|whose| match &whose.user_id {
            Some(user) => format!("{}/{user}", whose.account_id),
            None => whose.account_id.to_string(),
        });
        let place: Vec<_> = [sequence, whose, self.field.clone()]
            .into_iter()
            .flatten()
            .collect();
        if place.is_empty() {
            return self.says.clone();
        }
        format!("{}: {}", place.join(", "), self.says)
    }
}

/// What was found of one kind: the first ones, and how many.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    total: u64,
}

impl Findings {
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.total += 1;
        if self.kept.len() < MOST_KEPT {
            self.kept.push(finding);
        }
    }
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        for finding in findings {
            self.add(finding);
        }
    }
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    name: &'static str,
    verdict: Verdict,
    says: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

impl Check {
    pub(super) fn new(name: &'static str, verdict: Verdict, says: impl Into<String>) -> Self {
        Self {
            name,
            verdict,
            says: says.into(),
            findings: Vec::new(),
        }
    }
}

impl Check {
    /// Something was found: what it means, and the first of it.
    pub(super) fn of_findings(name: &'static str, means: Option<&str>, findings: Findings) -> Self {
        let more = match findings.total.saturating_sub(1) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let first = findings.kept.first().map(Finding::to_line);
        let says: Vec<_> = [means.map(str::to_owned), first]
            .into_iter()
            .flatten()
            .collect();
        let says = format!("{}{more}", says.join(": "));
        Self {
            findings: findings.kept,
            ..Self::new(name, Verdict::Finding, says)
        }
    }
}

/// The checks as they are shown.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    ok: bool,
    checks: Vec<Check>,
}

impl Report {
    pub(super) const fn new() -> Self {
        Self {
            ok: true,
            checks: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: &'static str, verdict: Verdict, says: impl Into<String>) {
        self.add_check(Check::new(name, verdict, says));
    }

    pub(super) fn add_check(&mut self, check: Check) {
        self.ok &= check.verdict != Verdict::Finding;
        self.checks.push(check);
    }

    /// Adds what was found; where there is nothing, that all is well.
    pub(super) fn add_all(&mut self, name: &'static str, findings: Findings, otherwise: String) {
        if findings.kept.is_empty() {
            self.add(name, Verdict::Ok, otherwise);
        } else {
            self.add_check(Check::of_findings(name, None, findings));
        }
    }

    pub(super) fn show(&self, output: &mut Output) -> io::Result<Outcome> {
        if output.is_json() {
            output.document(self)?;
            return Ok(Outcome::finding_if(!self.ok));
        }
        for check in &self.checks {
            let verdict = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::Finding => "FINDING",
                Verdict::Unknown => "unknown",
            };
            output.line(&format!("{verdict:<8} {:<14} {}", check.name, check.says))?;
            for finding in check.findings.iter().skip(1) {
                output.line(&format!("{:<23} {}", "", finding.to_line()))?;
            }
        }
        Ok(Outcome::finding_if(!self.ok))
    }
}
