//! `projection rebuild`.

mod text;

use std::time::{Duration, Instant};

use assent_contract::rebuild::{RebuildOutcome, RebuildReport, RebuildView};
use assent_contract::replica::ReplicaStatus;
use assent_contract::words::RebuildStage;
use assent_messaging::Connection;
use serde::Serialize;
use tokio::time::sleep;

use crate::arguments::RebuildArguments;
use crate::confirm::confirm;
use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};
use crate::projection::QueryError;
use crate::replicas;

/// Between two questions how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// How often progress within a stage is said.
const SAY_EVERY: Duration = Duration::from_secs(1);
/// How long a projection may be away in the middle of it.
const AWAY: Duration = Duration::from_mins(1);

/// The rebuilds as they ended, one for each projection.
#[derive(Debug, Serialize)]
struct Ended {
    rebuilds: Vec<RebuildReport>,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("no projection has the name {0}: see consentctl projection status")]
    NoSuchReplica(String),
    #[error(
        "projection {0} does not answer any more; it goes on with the rebuild: ask again with the same command, to join it"
    )]
    Away(String),
    #[error("projection {0} can't be asked to rebuild its view: {1}")]
    CantBeAsked(String, String),
}

pub(crate) async fn run(
    connection: &Connection,
    wanted: &RebuildArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let mut chosen = replicas::statuses(connection).await?;
    if let Some(only) = &wanted.replica {
        chosen.retain(|replica| replica.instance == *only);
        if chosen.is_empty() {
            let trouble = Trouble::NoSuchReplica(only.clone());
            return Err(CommandError::Settings(trouble.into()));
        }
    }
    if !wanted.dry_run && !wanted.yes && !confirm(&question(wanted, &chosen))? {
        output.remark("Nothing was rebuilt.")?;
        return Ok(Outcome::Finding);
    }
    let mut rebuilds = Vec::new();
    for replica in &chosen {
        rebuilds.push(rebuild(connection, wanted, replica, output).await?);
    }
    let found = rebuilds.iter().any(is_finding);
    if output.is_json() {
        output.document(&Ended { rebuilds })?;
    }
    Ok(Outcome::finding_if(found))
}

fn question(wanted: &RebuildArguments, chosen: &[ReplicaStatus]) -> String {
    let mut question = match &wanted.account {
        None => "These projections build their views anew from the log, one after another, and put them in the \
                 place of what they serve:\n"
            .to_owned(),
        Some(account) => format!(
            "These projections fold company {account} and its users anew from the log, one after another, and put \
             right what they serve of them:\n"
        ),
    };
    let replicas = chosen.iter().map(|replica| {
        let host = replica.host.as_deref().unwrap_or("an unknown machine");
        let users = count(replica.users, "user");
        format!("  {} on {host}, {users}\n", replica.instance)
    });
    question.extend(replicas);
    question + "Go on? [y/N] "
}

/// Has one projection do it, and tells how far it is until it ends.
async fn rebuild(
    connection: &Connection,
    wanted: &RebuildArguments,
    replica: &ReplicaStatus,
    output: &mut Output,
) -> Result<RebuildReport, CommandError> {
    let command = RebuildView {
        rebuild_id: None,
        account_id: wanted.account.clone(),
        dry_run: wanted.dry_run,
    };
    let asked = replicas::rebuild(connection, &replica.instance, &command).await;
    let mut report = asked.map_err(|error| {
        let trouble = Trouble::CantBeAsked(replica.instance.clone(), error.to_line());
        CommandError::NotReachable(trouble.into())
    })?;
    let mut said = Said::nothing();
    say(output, &text::begun(&report, replica))?;
    loop {
        if let Some(line) = said.next(&report) {
            say(output, &line)?;
        }
        if let Some(outcome) = &report.outcome {
            for line in text::ended(outcome) {
                say(output, &line)?;
            }
            return Ok(report);
        }
        sleep(ASK_EVERY).await;
        report = ask_on(connection, report, output).await?;
    }
}

/// How far it is by now, wherever it goes on: a projection that was started again has another name.
async fn ask_on(
    connection: &Connection,
    report: RebuildReport,
    output: &mut Output,
) -> Result<RebuildReport, CommandError> {
    let command = RebuildView {
        rebuild_id: Some(report.rebuild_id),
        ..RebuildView::default()
    };
    let mut instances = vec![report.instance.clone()];
    let until = Instant::now() + AWAY;
    let mut is_said = false;
    loop {
        let mut knows_nothing = None;
        for instance in &instances {
            match replicas::rebuild(connection, instance, &command).await {
                Ok(report) => return Ok(report),
                Err(error @ QueryError::Gone(_)) => knows_nothing = Some(error),
                Err(
                    QueryError::NotReachable(_)
                    | QueryError::NotYetApplied
                    | QueryError::Refused(_),
                ) => {}
            }
        }
        // Whoever was started again, and did not keep what a dry run was to find.
        if let Some(error) = knows_nothing.filter(|_| report.dry_run && is_said) {
            let trouble = Trouble::CantBeAsked(report.instance, error.to_line());
            return Err(CommandError::Finding(trouble.into()));
        }
        if until <= Instant::now() {
            let trouble = Trouble::Away(report.instance);
            return Err(CommandError::NotReachable(trouble.into()));
        }
        if !is_said {
            is_said = true;
            say(
                output,
                "  the projection does not answer; it goes on once it is back",
            )?;
        }
        sleep(ASK_EVERY).await;
        if let Ok(statuses) = replicas::statuses(connection).await {
            instances = statuses.into_iter().map(|it| it.instance).collect();
        }
    }
}

/// What was said of the progress, so that nothing is said twice.
struct Said {
    line: String,
    stage: Option<RebuildStage>,
    at: Instant,
}

impl Said {
    fn nothing() -> Self {
        Self {
            line: String::new(),
            stage: None,
            at: Instant::now(),
        }
    }

    fn next(&mut self, report: &RebuildReport) -> Option<String> {
        let line = text::progress(report)?;
        let is_due = self.stage != Some(report.stage)
            || report.trouble.is_some()
            || SAY_EVERY <= self.at.elapsed();
        if !is_due || line == self.line {
            return None;
        }
        self.line.clone_from(&line);
        self.stage = Some(report.stage);
        self.at = Instant::now();
        Some(line)
    }
}

/// Says it now: nobody waits for the end to hear of an error.
fn say(output: &mut Output, line: &str) -> Result<(), CommandError> {
    if output.is_json() {
        return Ok(());
    }
    output.line(line)?;
    Ok(output.flush()?)
}

fn is_finding(report: &RebuildReport) -> bool {
    match &report.outcome {
        Some(
            RebuildOutcome::Swapped { comparison, .. }
            | RebuildOutcome::Compared { comparison }
            | RebuildOutcome::Corrected { comparison },
        ) => comparison.different != 0,
        Some(RebuildOutcome::Refused { .. }) | None => true,
    }
}
