//! The checks, each of one thing.

use std::collections::BTreeMap;

use assent_contract::names::{EVENT_STREAM, GATEWAY_SERVICE, PROJECTION_SERVICE};
use assent_contract::store::Store;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, OpenError, StreamStatus};
use assent_messaging::{Connection, JetStreamError};
use assent_service_kit::error_chain::with_sources;
use serde::Deserialize;

use super::{Check, DEADLINE, every_event, lost_log};
use crate::exit::CommandError;
use crate::output::{Output, count};
use crate::projection::{self, QueryError};

/// The log's last event, and whose it is.
pub(super) type Last = Option<(Sequence, Aggregate)>;

pub(super) fn version(connection: &Connection) -> Check {
    match connection.require_server_version() {
        Ok(version) => Check::ok("server version", format!("nats-server {version}")),
        Err(error) => Check::problem(
            "server version",
            with_sources(&error).to_string(),
            "update nats-server",
        ),
    }
}

pub(super) async fn jetstream(connection: &Connection) -> Check {
    let name = "jetstream";
    match connection.storage(DEADLINE).await {
        Ok(storage) => Check::ok(name, count(storage.streams, "stream")),
        Err(error) => {
            let advice = "enable JetStream for the account that Assent uses (deploy/nats)";
            Check::problem(name, with_sources(&error).to_string(), advice)
        }
    }
}

/// The stream of events and what it holds.
pub(super) async fn events(
    connection: &Connection,
    output: &mut Output,
) -> Result<(Vec<Check>, Last), CommandError> {
    let log = match EventLog::open(connection).await {
        Ok(log) => log,
        Err(OpenError::NotThere) => return Ok((vec![lost_log::check(connection).await], None)),
        Err(error) => {
            let advice = match &error {
                OpenError::NotThere => "start consent-gateway, which creates it",
                OpenError::ConfiguredOtherwise { .. } => {
                    "correct the stream with the nats command line; no program of ours changes it"
                }
                OpenError::ServerTooOld(_) => "update nats-server",
                OpenError::JetStream(JetStreamError::NotPermitted { .. }) => {
                    "give the user the permissions of deploy/nats"
                }
                OpenError::JetStream(_) => "look at the log of nats-server",
            };
            let check = Check::problem(EVENT_STREAM, with_sources(&error).to_string(), advice);
            return Ok((vec![check], None));
        }
    };
    let status = match log.status().await {
        Ok(status) => status,
        Err(error) => {
            let says = with_sources(&error).to_string();
            let check = Check::problem(EVENT_STREAM, says, "look at the log of nats-server");
            return Ok((vec![check], None));
        }
    };
    let created = format!("as it must be, created {}", status.created);
    let mut checks = vec![Check::ok(EVENT_STREAM, created), sequences(&status)];
    checks.push(every_event::check(connection, &log, &status, output).await?);
    checks.extend(lost_log::ahead_of_the_log(connection, &status).await);
    let last = log.entry(status.last_sequence).await.ok().flatten();
    let last = last.and_then(|entry| Some((entry.sequence(), entry.aggregate()?)));
    Ok((checks, last))
}

fn sequences(status: &StreamStatus) -> Check {
    let (name, last) = ("sequences", status.last_sequence);
    let mut missing = Vec::new();
    // An empty stream may say that its first sequence is 0.
    if last != Sequence(0) && status.first_sequence != Sequence(1) {
        missing.push(format!(
            "the log begins with event {}",
            status.first_sequence
        ));
    }
    if status.missing != 0 {
        missing.push(format!(
            "{} missing in between",
            count(status.missing, "event")
        ));
    }
    if status.messages != last.0 {
        missing.push(format!(
            "the server counts {}",
            count(status.messages, "event")
        ));
    }
    if missing.is_empty() {
        let says = format!(
            "{}, none missing by the server's count",
            count(last.0, "event")
        );
        return Check::ok(name, says);
    }
    Check::problem(
        name,
        missing.join(", "),
        "stop the services and restore the stream from a backup: consents are lost",
    )
}

/// The projection: whether it answers, and how far it is.
pub(super) async fn projection(connection: &Connection, last: Last) -> Vec<Check> {
    let ping = service(
        connection,
        "projection",
        PROJECTION_SERVICE,
        "start projection, or look at its /readyz",
    );
    let ping = ping.await;
    if !ping.ok {
        return vec![ping];
    }
    let mut checks = vec![ping, super::blocked::check(connection).await];
    if let Some((sequence, aggregate)) = last {
        checks.extend(applied(connection, sequence, &aggregate).await);
    }
    checks
}

/// Waits as long as the projection does for the last event to be applied, so that a projection
/// which just has work to do is no problem.
async fn applied(connection: &Connection, last: Sequence, aggregate: &Aggregate) -> Vec<Check> {
    let (name, account) = ("projection lag", aggregate.account());
    let advice = "look at the projection's log and at its GET /v1/status";
    let known = match projection::account(connection, account, Some(last.0)).await {
        Ok(known) => known,
        Err(QueryError::NotYetApplied) => {
            let says = match projection::account(connection, account, None).await {
                Ok(behind) => {
                    let lag = count(last.0.saturating_sub(behind.sequence), "event");
                    format!("{lag} behind: at event {} of {last}", behind.sequence)
                }
                Err(unanswered) => unanswered.to_line(),
            };
            return vec![Check::problem(name, says, advice)];
        }
        Err(
            unanswered @ (QueryError::NotReachable(_)
            | QueryError::Gone(_)
            | QueryError::Refused(_)),
        ) => {
            return vec![Check::problem(name, unanswered.to_line(), advice)];
        }
    };
    vec![Check::ok(
        name,
        format!("none, at event {}", known.sequence),
    )]
}

/// The gateway, and what it finds wrong with what it writes to, which nobody else can see.
pub(super) async fn gateway(connection: &Connection) -> Vec<Check> {
    let name = "gateway";
    let advice = "start consent-gateway, or look at its /readyz";
    let ping = service(connection, name, GATEWAY_SERVICE, advice).await;
    if !ping.ok {
        return vec![ping];
    }
    let subject = format!("$SRV.STATS.{GATEWAY_SERVICE}");
    let stats = connection.request(&subject, Vec::new(), None, DEADLINE);
    let stats: Stats = match stats.await.map(|stats| serde_json::from_slice(&stats)) {
        Ok(Ok(stats)) => stats,
        // A gateway of an earlier release tells nothing.
        Ok(Err(_)) | Err(_) => return vec![ping],
    };
    let told = stats.endpoints.into_iter().next().unwrap_or_default();
    let mut checks = vec![ping];
    for store in Store::ALL {
        if let Some(reason) = told.data.not_ready.get(store.name()) {
            checks.push(Check::problem(
                name,
                format!("it says: {reason}"),
                "what to do is said there; deploy/nats/README.md says more about space",
            ));
        }
    }
    checks
}

/// The answer of `$SRV.STATS`, as far as it matters here.
#[derive(Deserialize)]
struct Stats {
    endpoints: Vec<EndpointStats>,
}

#[derive(Deserialize, Default)]
struct EndpointStats {
    #[serde(default)]
    data: EndpointData,
}

#[derive(Deserialize, Default)]
struct EndpointData {
    #[serde(default)]
    not_ready: BTreeMap<String, String>,
}

/// The answer of `$SRV.PING`, as far as it matters here.
#[derive(Deserialize)]
struct Pong {
    version: String,
}

async fn service(
    connection: &Connection,
    name: &'static str,
    service: &'static str,
    advice: &'static str,
) -> Check {
    let subject = format!("$SRV.PING.{service}");
    let problem = |says: String| Check::problem(name, says, advice);
    let pong = connection.request(&subject, Vec::new(), None, DEADLINE);
    match pong.await {
        Ok(pong) => match serde_json::from_slice(&pong) {
            Ok(Pong { version }) => Check::ok(name, format!("{service} {version} answers")),
            Err(error) => problem(format!("{service} answers nonsense: {error}")),
        },
        Err(error) => problem(format!(
            "{service} does not answer: {}",
            with_sources(&error)
        )),
    }
}
