//! `projection accept-log`.

use assent_contract::replica::ReplicaStatus;
use assent_messaging::Connection;
use serde::Serialize;

use crate::confirm::confirm;
use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};
use crate::replicas;

/// What was asked of whom.
#[derive(Debug, Serialize)]
struct Report {
    replicas: Vec<Released>,
}

#[derive(Debug, Serialize)]
struct Released {
    instance: String,
    /// How many were held back.
    held: u64,
}

pub(crate) async fn run(
    connection: &Connection,
    yes: bool,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let replicas = replicas::statuses(connection).await?;
    let holding: Vec<_> = replicas
        .iter()
        .filter(|replica| replica.held != 0)
        .collect();
    if !holding.is_empty() && !yes && !confirm(&question(&holding))? {
        output.remark("Nothing was changed.")?;
        return Ok(Outcome::Finding);
    }
    let mut report = Report {
        replicas: Vec::new(),
    };
    for replica in holding {
        let asked = replicas::accept_log(connection, &replica.instance).await;
        asked.map_err(|refused| CommandError::NotReachable(refused.into()))?;
        report.replicas.push(Released {
            instance: replica.instance.clone(),
            held: replica.held,
        });
    }
    if output.is_json() {
        output.document(&report)?;
        return Ok(Outcome::Clean);
    }
    for released in &report.replicas {
        output.line(&format!(
            "Projection {} folds {} anew from the log.",
            released.instance,
            count(released.held, "user")
        ))?;
    }
    if report.replicas.is_empty() {
        output.line("Nobody is held back.")?;
    }
    Ok(Outcome::Clean)
}

fn question(holding: &[&ReplicaStatus]) -> String {
    let most = holding.iter().map(|replica| replica.held).max();
    format!(
        "The log lost events, and would permit {} more than was known before (consentctl blocked list).\nWhat they took \
         back after that will be permitted again, as the log no longer says that they did. Go on? [y/N] ",
        count(most.unwrap_or_default(), "user")
    )
}
