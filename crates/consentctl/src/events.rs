//! `events list` and `events tail`.

use std::process::ExitCode;
use std::time::Duration;

use assent_contract::codec;
use assent_contract::names::event_subject;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence};
use assent_event_log::LogEntry;
use assent_service_kit::telemetry::chain;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::arguments::{List, Tail};
use crate::connect::Cluster;
use crate::output::Output;
use crate::sentence::{name, sentence};
use crate::stop::{FINDING, Stop};

const BATCH: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(2);

/// An event as a program reads it.
#[derive(Debug, Serialize)]
struct Line {
    sequence: u64,
    time: Timestamp,
    subject: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

pub(crate) async fn list(
    cluster: &Cluster,
    selection: List,
    mut output: Output,
) -> Result<ExitCode, Stop> {
    let log = cluster.log().await?;
    let last = log.status().await?.last_sequence.0;
    let until = selection.to.unwrap_or(last).min(last);
    let mut next = selection.from.max(1);
    let mut follow = log.follow(Sequence(next - 1));
    let (mut printed, mut unreadable) = (0, false);
    'log: while next <= until {
        let entries = follow.next_batch(BATCH, PATIENCE).await?;
        if entries.is_empty() {
            return Err(Stop::Unreachable(format!(
                "the log stopped at event {next}"
            )));
        }
        for entry in entries {
            next = entry.sequence().0 + 1;
            if until < entry.sequence().0 {
                break 'log;
            }
            if is_selected(&entry, &selection) {
                unreadable |= print(&entry, &mut output)?;
                printed += 1;
                if printed == selection.limit {
                    break 'log;
                }
            }
        }
    }
    if printed == 0 && !output.json {
        output.line("no events")?;
    }
    if next <= until && printed == selection.limit && !output.json {
        output.line(format!("… more from --from {next}, or --limit 0 for all"))?;
    }
    output.flush()?;
    Ok(if unreadable {
        ExitCode::from(FINDING)
    } else {
        ExitCode::SUCCESS
    })
}

pub(crate) async fn tail(
    cluster: &Cluster,
    selection: Tail,
    mut output: Output,
) -> Result<ExitCode, Stop> {
    let log = cluster.log().await?;
    let after = match selection.from {
        Some(from) => Sequence(from.saturating_sub(1)),
        None => log.status().await?.last_sequence,
    };
    let mut follow = log.follow(after);
    loop {
        let entries = tokio::select! {
            entries = follow.next_batch(BATCH, PATIENCE) => entries?,
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        };
        for entry in entries {
            if is_of_account(&entry, selection.account.as_ref()) {
                print(&entry, &mut output)?;
            }
        }
        output.flush()?;
    }
}

fn is_of_account(entry: &LogEntry, account: Option<&AccountId>) -> bool {
    account.is_none_or(|account| {
        entry
            .aggregate()
            .is_some_and(|aggregate| aggregate.account() == account)
    })
}

fn is_selected(entry: &LogEntry, selection: &List) -> bool {
    let of_user = match (&selection.account, &selection.user) {
        (Some(account), Some(user)) => {
            entry.aggregate() == Some(Aggregate::User(account.clone(), user.clone()))
        }
        (account, _) => is_of_account(entry, account.as_ref()),
    };
    let of_kind = selection.kind.as_ref().is_none_or(|kind| {
        entry
            .decode()
            .is_ok_and(|decoded| name(&decoded.event).eq_ignore_ascii_case(kind))
    });
    of_user && of_kind
}

/// Prints an event, and tells whether it could not be read.
fn print(entry: &LogEntry, output: &mut Output) -> Result<bool, Stop> {
    let decoded = entry.decode();
    let subject = entry
        .aggregate()
        .map_or_else(|| entry.subject().to_owned(), |a| short(&a));
    if output.json {
        let mut line = Line {
            sequence: entry.sequence().0,
            time: entry.recorded_at(),
            subject: entry.aggregate().map_or_else(
                || entry.subject().to_owned(),
                |aggregate| event_subject(&aggregate),
            ),
            kind: None,
            id: None,
            data: None,
            unreadable: None,
        };
        match &decoded {
            Ok(decoded) => {
                line.kind = Some(name(&decoded.event));
                line.id = Some(decoded.metadata.id.to_string());
                let body = codec::encode_body(&decoded.event)?;
                line.data = Some(serde_json::from_slice(&body)?);
            }
            Err(error) => line.unreadable = Some(chain(error).to_string()),
        }
        output.json(&line)?;
    } else {
        let (kind, said) = match &decoded {
            Ok(decoded) => (name(&decoded.event), sentence(&decoded.event)),
            Err(error) => ("UNREADABLE", chain(error).to_string()),
        };
        let time = entry.recorded_at();
        output.line(format!(
            "{:>6}  {time:.3}  {subject:<24} {kind:<20} {said}",
            entry.sequence().0
        ))?;
    }
    Ok(decoded.is_err())
}

/// An aggregate as a person names it.
fn short(aggregate: &Aggregate) -> String {
    match aggregate {
        Aggregate::Company(account) => account.to_string(),
        Aggregate::User(account, user) => format!("{account}/{user}"),
    }
}
