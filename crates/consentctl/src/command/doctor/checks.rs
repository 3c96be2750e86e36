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

use super::check::{Check, CheckKind, Quantity};
use super::{DEADLINE, every_event, lost_log};
use crate::exit::CommandError;
use crate::output::{Output, count};
use crate::projection::{self, QueryError};

/// The log's last event, and whose it is.
pub(super) type Last = Option<(Sequence, Aggregate)>;

pub(super) fn version(connection: &Connection) -> Check {
    match connection.require_server_version() {
        Ok(version) => Check::ok(CheckKind::ServerVersion, format!("nats-server {version}")),
        Err(error) => Check::problem(
            CheckKind::ServerVersion,
            with_sources(&error).to_string(),
            "update nats-server",
        ),
    }
}

pub(super) async fn jetstream(connection: &Connection) -> Check {
    let kind = CheckKind::Jetstream;
    match connection.storage(DEADLINE).await {
        Ok(storage) => Check::ok(kind, count(storage.streams, "stream")),
        Err(error) => {
            let advice = "enable JetStream for the account that Assent uses (deploy/nats)";
            Check::problem(kind, with_sources(&error).to_string(), advice)
        }
    }
}

/// The stream of events and what it holds.
pub(super) async fn events(
    connection: &Connection,
    quick: bool,
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
            let check = Check::problem(
                CheckKind::EventLog,
                with_sources(&error).to_string(),
                advice,
            )
            .of(EVENT_STREAM);
            return Ok((vec![check], None));
        }
    };
    let status = match log.status().await {
        Ok(status) => status,
        Err(error) => {
            let says = with_sources(&error).to_string();
            let check = Check::problem(CheckKind::EventLog, says, "look at the log of nats-server")
                .of(EVENT_STREAM);
            return Ok((vec![check], None));
        }
    };
    let created = format!("as it must be, created {}", status.created);
    let mut checks = vec![
        Check::ok(CheckKind::EventLog, created).of(EVENT_STREAM),
        sequences(&status).measuring(Quantity::Events, status.messages),
    ];
    if !quick {
        checks.push(every_event::check(connection, &log, &status, output).await?);
    }
    checks.extend(lost_log::ahead_of_the_log(connection, &status).await);
    let last = log.entry(status.last_sequence).await.ok().flatten();
    let last = last.and_then(|entry| Some((entry.sequence(), entry.aggregate()?)));
    Ok((checks, last))
}

fn sequences(status: &StreamStatus) -> Check {
    let (name, last) = (CheckKind::Sequences, status.last_sequence);
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
        CheckKind::Projection,
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
    let (kind, account) = (CheckKind::ProjectionLag, aggregate.account());
    let advice = "look at the projection's log and at its GET /v1/status";
    let known = match projection::account(connection, account, Some(last.0)).await {
        Ok(known) => known,
        Err(QueryError::NotYetApplied) => {
            return vec![match projection::account(connection, account, None).await {
                Ok(behind) => {
                    let lag = last.0.saturating_sub(behind.sequence);
                    let says = format!(
                        "{} behind: at event {} of {last}",
                        count(lag, "event"),
                        behind.sequence
                    );
                    Check::problem(kind, says, advice).measuring(Quantity::LagEvents, lag)
                }
                Err(unanswered) => Check::problem(kind, unanswered.to_line(), advice),
            }];
        }
        Err(
            unanswered @ (QueryError::NotReachable(_)
            | QueryError::Gone(_)
            | QueryError::Refused(_)),
        ) => {
            return vec![Check::problem(kind, unanswered.to_line(), advice)];
        }
    };
    let says = format!("none, at event {}", known.sequence);
    vec![Check::ok(kind, says).measuring(Quantity::LagEvents, 0_u64)]
}

/// The gateway, and what it finds wrong with what it writes to and with Microsoft, which nobody else can see.
pub(super) async fn gateway(connection: &Connection) -> Vec<Check> {
    let kind = CheckKind::Gateway;
    let advice = "start consent-gateway, or look at its /readyz";
    let ping = service(connection, kind, GATEWAY_SERVICE, advice).await;
    if !ping.ok {
        return vec![ping];
    }
    let troubles = troubles(connection, GATEWAY_SERVICE).await;
    let mut checks = vec![ping];
    for store in Store::ALL {
        if let Some(reason) = troubles.get(store.name()) {
            checks.push(Check::problem(
                kind,
                format!("it says: {reason}"),
                "what to do is said there; deploy/nats/README.md says more about space",
            ));
        }
    }
    checks.push(microsoft(troubles.get("microsoft").map(String::as_str)));
    checks
}

/// What a service finds wrong with what it needs; one of an earlier release tells nothing.
pub(super) async fn troubles(
    connection: &Connection,
    service: &'static str,
) -> BTreeMap<String, String> {
    let subject = format!("$SRV.STATS.{service}");
    let stats = connection.request(&subject, Vec::new(), None, DEADLINE);
    let stats = stats
        .await
        .map(|stats| serde_json::from_slice::<Stats>(&stats));
    let Ok(Ok(stats)) = stats else {
        return BTreeMap::new();
    };
    let told = stats.endpoints.into_iter().next().unwrap_or_default();
    told.data.not_ready
}

/// How the gateway stands with Microsoft. People can go on taking back what they granted whatever that is.
fn microsoft(trouble: Option<&str>) -> Check {
    let kind = CheckKind::Microsoft;
    match trouble {
        None => Check::ok(kind, "the gateway has nothing to complain of"),
        Some(reason) => Check::warning(
            kind,
            format!("the gateway says: {reason}"),
            "consentctl errors microsoft_credential_refused and microsoft_certificate say more",
        ),
    }
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

pub(super) async fn service(
    connection: &Connection,
    kind: CheckKind,
    service: &'static str,
    advice: &'static str,
) -> Check {
    let subject = format!("$SRV.PING.{service}");
    let problem = |says: String| Check::problem(kind, says, advice);
    let pong = connection.request(&subject, Vec::new(), None, DEADLINE);
    match pong.await {
        Ok(pong) => match serde_json::from_slice(&pong) {
            Ok(Pong { version }) => Check::ok(kind, format!("{service} {version} answers")),
            Err(error) => problem(format!("{service} answers nonsense: {error}")),
        },
        Err(error) => problem(format!(
            "{service} does not answer: {}",
            with_sources(&error)
        )),
    }
}
