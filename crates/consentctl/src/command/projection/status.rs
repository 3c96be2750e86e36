//! `projection status`.

use assent_contract::replica::{ReplicaState, ReplicaStatus};
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
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let replicas = replicas::statuses(connection).await?;
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
    match replica.state {
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
    output.line(&format!(
        "  view       {}, {}, {} blocked",
        count(replica.accounts, "account"),
        count(replica.users, "user"),
        replica.blocked
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
