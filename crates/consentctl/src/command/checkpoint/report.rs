//! What came of holding the log against what was kept of it: for people, programs and Prometheus.

use std::io;

use assent_checkpoint::{Checkpoint, CheckpointError, Tree, VerifierKey};
use assent_contract::words;
use assent_service_kit::error_chain::with_sources;
use jiff::Timestamp;
use serde::Serialize;

use crate::arguments::Format;
use crate::exit::{CommandError, Outcome};
use crate::log_root::{Comparison, Kept, Verdict};
use crate::output::{Output, clock};

words! {
    "checkpoint finding"
    /// What is wrong.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum Kind {
        /// The log is not there.
        Gone = "gone",
            Operator: "consentctl doctor says what there is a trace of; restore the stream from a backup (deploy/README.md)";
        /// The log ends before what was kept of it does.
        CutShort = "cut_short",
            Operator: "stop the services and restore the stream from a backup: its end was cut off";
        /// A message can't be read, so there is no root to compare.
        Incomplete = "incomplete",
            Operator: "consentctl doctor names what can't be read; restore the stream from a backup (deploy/README.md)";
        /// The log holds other messages than it held.
        Forked = "forked",
            Operator: "find out who changed or replaced the log, and restore the stream from a backup";
        /// What was kept is of another key: it may be of another log.
        OtherKey = "other_key",
            Operator: "name the key that what was kept is of, or keep this log's in a file of its own";
        /// What was kept is not what the key's owner signed.
        BadSignature = "bad_signature",
            Operator: "fetch the checkpoint again from where it was kept; a signature does not spoil by itself";
    }
}

impl Kind {
    fn of(comparison: Comparison) -> Option<Self> {
        match comparison {
            Comparison::Holds => None,
            Comparison::Gone => Some(Self::Gone),
            Comparison::CutShort => Some(Self::CutShort),
            Comparison::Incomplete => Some(Self::Incomplete),
            Comparison::Forked => Some(Self::Forked),
        }
    }
}

/// A size and a root, as they are shown.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Head {
    size: u64,
    root: String,
}

impl From<Kept> for Head {
    fn from(kept: Kept) -> Self {
        Self {
            size: kept.size,
            root: kept.root.to_string(),
        }
    }
}

impl From<&Tree> for Head {
    fn from(tree: &Tree) -> Self {
        Self {
            size: tree.size(),
            root: tree.root().to_string(),
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    pub(super) finding: Option<Kind>,
    /// In a sentence.
    pub(super) says: String,
    /// Whose log it is to be.
    pub(super) origin: String,
    /// Whether the signature of what was kept was checked; null where there is none.
    pub(super) signature_checked: Option<bool>,
    /// What was kept.
    pub(super) kept: Option<Head>,
    /// The log as it is; null where it can't be told.
    pub(super) log: Option<Head>,
    /// When the log was last found to hold what was kept.
    pub(super) held_at: Option<Timestamp>,
}

impl Report {
    /// Nothing is wrong so far.
    pub(super) fn new(origin: &str, says: String) -> Self {
        Self {
            ok: true,
            finding: None,
            says,
            origin: origin.to_owned(),
            signature_checked: None,
            kept: None,
            log: None,
            held_at: None,
        }
    }

    /// Something is wrong with what was kept, so that the log was not looked at.
    pub(super) fn of_other(origin: &str, kind: Kind, says: String) -> Self {
        Self {
            ok: false,
            finding: Some(kind),
            ..Self::new(origin, says)
        }
    }

    /// Nothing was kept yet.
    pub(super) fn of_new(origin: &str, tree: Option<&Tree>) -> Self {
        let Some(tree) = tree else {
            let says =
                "a message can't be read, so there is no root to keep: see consentctl doctor";
            return Self::of_other(origin, Kind::Incomplete, says.to_owned());
        };
        let says = "kept from now on; whether it was whole before nobody can tell";
        Self {
            log: Some(tree.into()),
            ..Self::new(origin, says.to_owned())
        }
    }

    /// The log was held against what was kept.
    pub(super) fn of_log(origin: &str, kept: Kept, verdict: Verdict, tree: Option<&Tree>) -> Self {
        let damaged = tree.is_none().then_some(Kind::Incomplete);
        let finding = Kind::of(verdict.comparison).or(damaged);
        Self {
            ok: finding.is_none(),
            finding,
            kept: Some(kept.into()),
            log: tree.map(Head::from),
            ..Self::new(origin, verdict.says)
        }
    }

    /// Shows it as one of many, each a line of JSON.
    pub(super) fn show_in_a_row(
        &self,
        format: Option<Format>,
        output: &mut Output,
    ) -> Result<Outcome, CommandError> {
        if format == Some(Format::Json) || (format.is_none() && output.is_json()) {
            output.json_line(self)?;
            return Ok(Outcome::finding_if(!self.ok));
        }
        self.show(format, output)
    }

    /// Shows it; the exit code says whether something is wrong, but to Prometheus, which finds it in the metrics.
    pub(super) fn show(
        &self,
        format: Option<Format>,
        output: &mut Output,
    ) -> Result<Outcome, CommandError> {
        match format {
            Some(Format::Prometheus) => {
                self.write_metrics(output)?;
                return Ok(Outcome::Clean);
            }
            Some(Format::Json) => output.document(self)?,
            None if output.is_json() => output.document(self)?,
            Some(Format::Text) | None => self.write_text(output)?,
        }
        Ok(Outcome::finding_if(!self.ok))
    }

    fn write_text(&self, output: &mut Output) -> io::Result<()> {
        let verdict = if self.ok { "ok" } else { "FINDING" };
        output.line(&format!("{verdict:<8} {}: {}", self.origin, self.says))?;
        if self.signature_checked == Some(false) {
            output.line("         (the signature was not checked: no --key was given)")?;
        }
        for (name, head) in [("kept", &self.kept), ("log", &self.log)] {
            if let Some(Head { size, root }) = head {
                output.line(&format!("{name:<8} {size} {root}"))?;
            }
        }
        if let Some(held_at) = self.held_at {
            output.line(&format!("held     {}", clock(held_at)))?;
        }
        Ok(())
    }

    fn write_metrics(&self, output: &mut Output) -> io::Result<()> {
        let mut gauge = |name: &str, help: &str, samples: &[(String, String)]| {
            if samples.is_empty() {
                return Ok(());
            }
            output.line(&format!("# HELP {name} {help}"))?;
            output.line(&format!("# TYPE {name} gauge"))?;
            samples
                .iter()
                .try_for_each(|(labels, value)| output.line(&format!("{name}{labels} {value}")))
        };
        let one = |value: String| vec![(String::new(), value)];
        gauge(
            "assent_checkpoint_holds",
            "Whether the log still holds what was kept of it.",
            &one(u8::from(self.ok).to_string()),
        )?;
        let findings = Kind::ALL.iter().map(|kind| {
            let found = u8::from(self.finding == Some(*kind));
            (format!("{{kind=\"{}\"}}", kind.as_str()), found.to_string())
        });
        let findings: Vec<_> = findings.collect();
        gauge("assent_checkpoint_finding", "What is wrong.", &findings)?;
        let size = |head: &Option<Head>| {
            let size = head.as_ref().map(|head| one(head.size.to_string()));
            size.unwrap_or_default()
        };
        gauge(
            "assent_checkpoint_kept_messages",
            "How many messages the log had when it was kept.",
            &size(&self.kept),
        )?;
        gauge(
            "assent_checkpoint_log_messages",
            "How many messages the log has.",
            &size(&self.log),
        )?;
        let held_at = self.held_at.map(|at| one(at.as_second().to_string()));
        gauge(
            "assent_checkpoint_held_timestamp_seconds",
            "When the log was last found to hold what was kept.",
            &held_at.unwrap_or_default(),
        )
    }
}

/// What came of reading a checkpoint: what it says, or the report that it is none of the key's.
pub(super) fn read(
    read: Result<Checkpoint, CommandError>,
    key: Option<&VerifierKey>,
) -> Result<Result<Checkpoint, Report>, CommandError> {
    let error = match read {
        Ok(checkpoint) => return Ok(Ok(checkpoint)),
        Err(error) => error,
    };
    let says = with_sources(&error).to_string();
    let CommandError::Checkpoint { source, .. } = error else {
        return Err(error);
    };
    let kind = match source {
        CheckpointError::BadSignature(_) => Kind::BadSignature,
        CheckpointError::OtherKey { .. }
        | CheckpointError::OtherOrigin { .. }
        | CheckpointError::TooLarge
        | CheckpointError::NoNote
        | CheckpointError::NoCheckpoint
        | CheckpointError::CannotBeSigned => Kind::OtherKey,
    };
    let origin = key.map_or("checkpoint", VerifierKey::name);
    Ok(Err(Report::of_other(origin, kind, says)))
}
