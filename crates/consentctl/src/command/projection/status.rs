//! `projection status`.

use assent_contract::replica::{LogCheckResult, LogCheckStatus, ReplicaState, ReplicaStatus};
use assent_messaging::Connection;
use serde::Serialize;

use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};
use crate::replicas;

/// The replicas as they are shown.
#[derive(Debug, Serialize)]
struct Report {
    replicas: Vec<ReplicaStatus>,
}

pub(crate) async fn run(
    connection: &Connection,
    compare: bool,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let mut replicas = replicas::statuses(connection).await?;
    if compare {
        for replica in &replicas {
            let asked = replicas::compare(connection, &replica.instance).await;
            asked.map_err(|refused| CommandError::NotReachable(refused.into()))?;
        }
        replicas = replicas::statuses(connection).await?;
    }
    let found = replicas.iter().any(|replica| !is_well(replica));
    if output.is_json() {
        output.document(&Report { replicas })?;
        return Ok(Outcome::finding_if(found));
    }
    for replica in &replicas {
        show(replica, output)?;
    }
    Ok(Outcome::finding_if(found))
}

const fn is_well(replica: &ReplicaStatus) -> bool {
    let log_is_the_same = match replica.log_check.result {
        LogCheckResult::NotYet | LogCheckResult::Same => true,
        LogCheckResult::Missing | LogCheckResult::Different => false,
    };
    log_is_the_same
        && replica.held == 0
        && match replica.state {
            ReplicaState::Serving | ReplicaState::CatchingUp => true,
            ReplicaState::Starting | ReplicaState::Rebuilding | ReplicaState::Withheld => false,
        }
}

fn show(replica: &ReplicaStatus, output: &mut Output) -> Result<(), CommandError> {
    let host = replica.host.as_deref().unwrap_or("an unknown machine");
    output.line(&format!("Projection {} on {host}", replica.instance))?;
    output.line(&format!("  state      {}", state(replica)))?;
    output.line(&format!(
        "  log        event {} of {} applied{}",
        replica.applied_sequence,
        replica.stream_last_sequence,
        match replica.lag {
            0 => String::new(),
            lag => format!(", {} to go", count(lag, "event")),
        }
    ))?;
    output.line(&format!("  compared   {}", compared(&replica.log_check)))?;
    if let Some(root) = &replica.root {
        output.line(&format!("  root       {root}"))?;
    }
    output.line(&format!(
        "  view       {}, {}, {} blocked{}",
        count(replica.accounts, "account"),
        count(replica.users, "user"),
        replica.blocked,
        match replica.held {
            0 => String::new(),
            held => format!("; {held} of them held back, as the log lost events"),
        }
    ))?;
    let versions = match (replica.schema_version, replica.fold_version) {
        (Some(schema), Some(fold)) => format!("; schema {schema}, fold {fold}"),
        _ => String::new(),
    };
    output.line(&format!(
        "  on disk    {} KiB in {}{versions}",
        replica.bytes_on_disk / 1024,
        replica.directory
    ))?;
    Ok(output.line(&format!("  program    projection {}", replica.version))?)
}

/// Whether the log still holds what the view was built from.
fn compared(check: &LogCheckStatus) -> String {
    let server = check.server.as_deref().unwrap_or("unknown");
    let what = match (check.result, check.at) {
        (LogCheckResult::NotYet, _) => "not yet".to_owned(),
        (LogCheckResult::Same, _) => format!(
            "the log is what the view was built from, up to event {}",
            check.through
        ),
        (LogCheckResult::Missing, at) => format!(
            "PROBLEM: the log on server {server} gives no event {}, from which the view was built",
            at.unwrap_or_default()
        ),
        (LogCheckResult::Different, Some(at)) => {
            format!(
                "PROBLEM: the log on server {server} has another event {at} than the view was built from"
            )
        }
        (LogCheckResult::Different, None) => format!(
            "PROBLEM: the log on server {server} has another event up to {} than the view was built from",
            check.through
        ),
    };
    match check.running_at {
        Some(at) => format!("{what}; being compared again: at event {at}"),
        None => what,
    }
}

fn state(replica: &ReplicaStatus) -> String {
    match replica.state {
        ReplicaState::Serving => "answers queries".to_owned(),
        ReplicaState::CatchingUp => {
            "catches up with the log, and leaves queries to other replicas".to_owned()
        }
        ReplicaState::Starting => "has no view yet: look at its /readyz".to_owned(),
        ReplicaState::Withheld => {
            "answers nothing: the log of its view is gone; see deploy/README.md".to_owned()
        }
        ReplicaState::Rebuilding => match replica.rebuilding {
            Some(progress) => format!(
                "builds its view: event {} of {}",
                progress.through, progress.of
            ),
            None => "builds its view".to_owned(),
        },
    }
}
