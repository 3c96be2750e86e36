//! `verify`: whether the log is whole and unchanged, and whether what was made of it agrees with it.

mod chains;
mod followers;
mod report;
mod rows;
mod views;

use std::io;

use assent_contract::names::EVENT_STREAM;
use assent_event_log::{EventLog, OpenError};
use assent_messaging::{Connection, ConnectionSettings};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::arguments::VerifyArguments;
use crate::exit::{CommandError, Outcome};
use crate::key_file;
use crate::log_root::{Comparison, Kept, LogRoot};
use crate::output::{Output, count};
use crate::walk::{Step, Walk};
use chains::{Chains, Examined};
use report::{Check, Finding, Findings, Report, Verdict};
use views::Views;

/// Why nobody can say more without a checkpoint.
const NO_CHECKPOINT: &str = "none was given: without one nobody can tell whether the end was cut off everywhere at \
                             once, or the whole log written anew (see consentctl checkpoint --help)";

pub(crate) async fn run(
    settings: ConnectionSettings,
    arguments: &VerifyArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let key = arguments.key.as_deref().map(key_file::verifier_key);
    let key = key.transpose()?;
    let since = arguments.since.as_deref();
    let since = since.map(|file| key_file::checkpoint(file, key.as_ref()));
    let since = since.transpose()?.map(|checkpoint| Kept {
        size: checkpoint.size,
        root: checkpoint.root,
    });
    let connection = Connection::connect(settings).await?;
    let mut report = Report::new();
    match EventLog::open(&connection).await {
        Ok(log) => {
            // Asked first, so that the log holds all that they tell of.
            let directory = tempfile::tempdir();
            let directory = directory.map_err(|error| CommandError::Scratch(error.into()))?;
            let views = Views::ask(&connection, &log, directory.path()).await?;
            let views = read(&log, since, views, &mut report, output).await?;
            report.add_check(followers::changes(&connection, Some(&log)).await?);
            report.add_check(followers::projection(&connection, Some(&log)).await?);
            for view in views {
                report.add_check(view);
            }
        }
        Err(OpenError::NotThere) => {
            let says = format!("the stream {EVENT_STREAM} is not there");
            report.add("messages", Verdict::Finding, says);
            report.add_check(followers::changes(&connection, None).await?);
            report.add_check(followers::projection(&connection, None).await?);
        }
        Err(error) => return Err(error.into()),
    }
    if since.is_some() && key.is_none() {
        output.remark("the signature of the checkpoint was not checked: no --key was given")?;
    }
    Ok(report.show(output)?)
}

/// Reads every message, and says what it found of messages, chains, root and checkpoint; what it found of the views is
/// given back.
async fn read(
    log: &EventLog,
    since: Option<Kept>,
    mut views: Views<'_>,
    report: &mut Report,
    output: &mut Output,
) -> Result<Vec<Check>, CommandError> {
    let status = log.status().await?;
    let (mut chains, mut root) = (Chains::default(), LogRoot::new(since));
    let mut missing = Findings::default();
    let mut walk = Walk::begin(log, &status);
    let mut examining: Option<JoinHandle<Vec<Examined>>> = None;
    loop {
        // The next messages come while these are worked out.
        let step = walk.next(output).await?;
        if let Some(examined) = examining.take() {
            let mut entries = Vec::new();
            for message in examined.await.map_err(io::Error::from)? {
                root.add(message.hash);
                let is_void = chains.add(log, &message).await?;
                entries.push(message.into_entry(is_void));
            }
            views.add(&entries).await?;
        }
        match step {
            Step::Messages(messages) => {
                let examine = || messages.into_iter().map(Examined::new).collect();
                examining = Some(spawn_blocking(examine));
            }
            Step::Missing(range) => {
                root.miss(*range.start());
                views.miss();
                missing.add(Finding::of_missing(&range));
            }
            Step::TooManyMissing => {
                missing.add(Finding::of_unread(walk.seen()));
                break;
            }
            Step::End => break,
        }
    }
    let last = status.last_sequence.0;
    let says = format!("{}, each is there", count(last, "message"));
    report.add_all("messages", missing, says);
    let says = chains.says();
    report.add_all("chains", chains.findings, says);
    match (root.tree(), root.missing()) {
        (Some(tree), _) => {
            let says = format!("{} {}", tree.size(), tree.root());
            report.add("root", Verdict::Ok, says);
        }
        (None, missing) => {
            let missing = missing.unwrap_or_default();
            let says = format!("there is none, as message {missing} is missing");
            report.add("root", Verdict::Unknown, says);
        }
    }
    match root.verdict() {
        Some(verdict) if verdict.comparison == Comparison::Holds => {
            report.add("checkpoint", Verdict::Ok, verdict.says);
        }
        Some(verdict) => report.add("checkpoint", Verdict::Finding, verdict.says),
        None => report.add("checkpoint", Verdict::Unknown, NO_CHECKPOINT),
    }
    Ok(views.into_checks(status.last_sequence, root.missing()))
}
