//! `doctor`: what is wrong with this installation, and what to do about it.

use std::process::ExitCode;
use std::time::Duration;

use assent_contract::names::{
    CHANGE_STREAM, EVENT_STREAM, GATEWAY_SERVICE, PROJECTION_SERVICE, QUERY_ACCOUNT,
};
use assent_contract::query::{Account, AccountQuery};
use assent_domain::ids::{AccountId, Sequence};
use assent_event_log::{EventLog, StreamStatus};
use assent_messaging::ChangeStream;
use assent_service_kit::telemetry::chain;
use serde_json::json;

use crate::connect::Cluster;
use crate::output::Output;
use crate::stop::{FINDING, Stop, UNREACHABLE};

const PING_DEADLINE: Duration = Duration::from_secs(2);
/// Further behind than this is more than what is just on its way.
const TOLERATED_LAG: u64 = 1000;

/// One check: what was looked at, and what is wrong with it.
struct Check {
    what: &'static str,
    found: Result<String, String>,
}

pub(crate) async fn run(
    cluster: Result<Cluster, Stop>,
    mut output: Output,
) -> Result<ExitCode, Stop> {
    let cluster = match cluster {
        Ok(cluster) => cluster,
        Err(Stop::Unreachable(why)) => {
            let checks = [Check {
                what: "nats",
                found: Err(why),
            }];
            print(&checks, &mut output)?;
            return Ok(ExitCode::from(UNREACHABLE));
        }
        Err(stop) => return Err(stop),
    };
    let version = cluster.connection.require_server_version();
    let mut checks = Vec::from([Check {
        what: "nats",
        found: version
            .map(|version| format!("nats-server {version}"))
            .map_err(|error| chain(&error).to_string()),
    }]);
    let status = check_log(&cluster, &mut checks).await;
    checks.push(Check {
        what: "changes",
        found: match ChangeStream::open(&cluster.connection).await {
            Ok(_) => Ok(format!("{CHANGE_STREAM} is there")),
            Err(error) => Err(format!("{}: start consent-gateway", chain(&error))),
        },
    });
    checks.push(service(&cluster, "gateway", GATEWAY_SERVICE).await);
    checks.push(service(&cluster, "projection", PROJECTION_SERVICE).await);
    if let Some(status) = status {
        checks.push(lag(&cluster, &status).await);
    }
    print(&checks, &mut output)?;
    let sound = checks.iter().all(|check| check.found.is_ok());
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FINDING)
    })
}

async fn check_log(cluster: &Cluster, checks: &mut Vec<Check>) -> Option<StreamStatus> {
    let opened = match EventLog::open(&cluster.connection).await {
        Ok(log) => log
            .status()
            .await
            .map_err(|error| chain(&error).to_string()),
        Err(error) => Err(format!("{}: start consent-gateway", chain(&error))),
    };
    let found = match &opened {
        Err(why) => Err(why.clone()),
        Ok(status) if status.missing != 0 => Err(format!(
            "{} events are missing from {EVENT_STREAM}: restore it from a backup",
            status.missing
        )),
        Ok(status)
            if status.last_sequence != Sequence(0) && status.first_sequence != Sequence(1) =>
        {
            Err(format!(
                "{EVENT_STREAM} begins with event {}: restore it from a backup",
                status.first_sequence
            ))
        }
        Ok(status) => Ok(format!(
            "{EVENT_STREAM} is configured as it must be, holds {} events, created {}",
            status.last_sequence, status.created
        )),
    };
    checks.push(Check { what: "log", found });
    opened.ok()
}

async fn service(cluster: &Cluster, what: &'static str, name: &'static str) -> Check {
    let subject = format!("$SRV.PING.{name}");
    let found = cluster
        .connection
        .request(&subject, Vec::new(), None, PING_DEADLINE)
        .await
        .map(|_| format!("{name} answers"))
        .map_err(|error| format!("{name} does not answer: start it ({})", chain(&error)));
    Check { what, found }
}

/// How far the projection is behind, by the sequence that it answers with.
async fn lag(cluster: &Cluster, status: &StreamStatus) -> Check {
    let found = match AccountId::parse("consentctl-doctor") {
        Err(error) => Err(error.to_string()),
        Ok(account_id) => {
            let query = AccountQuery {
                account_id,
                at_least: None,
            };
            let asked: Result<Account, String> = cluster.ask(QUERY_ACCOUNT, &query).await;
            asked.and_then(|answer| {
                let behind = status.last_sequence.0.saturating_sub(answer.sequence);
                if TOLERATED_LAG < behind {
                    Err(format!(
                        "{behind} events behind: look at its /readyz and its log"
                    ))
                } else {
                    Ok(format!("{behind} events behind"))
                }
            })
        }
    };
    Check { what: "lag", found }
}

fn print(checks: &[Check], output: &mut Output) -> Result<(), Stop> {
    if output.json {
        let list: Vec<_> = checks
            .iter()
            .map(|check| {
                let (ok, says) = match &check.found {
                    Ok(says) => (true, says),
                    Err(says) => (false, says),
                };
                json!({"check": check.what, "ok": ok, "says": says})
            })
            .collect();
        output.json(&json!({ "checks": list }))?;
    } else {
        for check in checks {
            let (mark, says) = match &check.found {
                Ok(says) => ("ok     ", says),
                Err(says) => ("PROBLEM", says),
            };
            output.line(format!("{mark}  {:<11} {says}", check.what))?;
        }
    }
    output.flush()
}
