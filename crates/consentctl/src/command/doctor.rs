//! `doctor`: is everything there, and as it must be?

mod blocked;
mod buckets;
mod change_stream;
mod changes;
mod checks;
mod every_event;
mod lost_log;
mod space;

use std::time::Duration;

use assent_messaging::{ConnectError, Connection, ConnectionSettings};
use assent_service_kit::error_chain::with_sources;
use serde::Serialize;

use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};

/// How long a service or the server may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// The result of one check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    name: &'static str,
    ok: bool,
    says: String,
    /// What to do about a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

impl Check {
    pub(super) fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            name,
            ok: true,
            says: says.into(),
            advice: None,
        }
    }

    pub(super) fn problem(
        name: &'static str,
        says: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        Self {
            name,
            ok: false,
            says: says.into(),
            advice: Some(advice),
        }
    }
}

/// The checks as they are shown.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let url = settings.url.clone();
    let connection = match Connection::connect(settings).await {
        Ok(connection) => connection,
        Err(error @ ConnectError::BadSettings { .. }) => return Err(error.into()),
        Err(error @ (ConnectError::NotReachable { .. } | ConnectError::NotPermitted { .. })) => {
            let advice = "start nats-server, or correct ASSENT_NATS_URL and the credentials";
            let check = Check::problem("nats", with_sources(&error).to_string(), advice);
            show(vec![check], output)?;
            return Ok(Outcome::Unreachable);
        }
    };
    let mut all = vec![
        Check::ok("nats", format!("connected to {url}")),
        checks::version(&connection),
        checks::jetstream(&connection).await,
    ];
    let (events, last) = checks::events(&connection, output).await?;
    all.extend(events);
    let stream = change_stream::check(&connection).await;
    if stream.ok {
        all.extend([stream, changes::check(&connection).await]);
    } else {
        all.push(stream);
    }
    all.extend(buckets::check(&connection).await);
    all.push(space::check(&connection).await);
    all.extend(checks::projection(&connection, last).await);
    all.extend(checks::gateway(&connection).await);
    let found = all.iter().any(|check| !check.ok);
    show(all, output)?;
    Ok(Outcome::finding_if(found))
}

fn show(checks: Vec<Check>, output: &mut Output) -> Result<(), CommandError> {
    let problems = checks.iter().filter(|check| !check.ok).count();
    let report = Report {
        ok: problems == 0,
        checks,
    };
    if output.is_json() {
        return Ok(output.document(&report)?);
    }
    for check in &report.checks {
        let verdict = if check.ok { "ok" } else { "PROBLEM" };
        let advice = check.advice.map(|advice| format!("; {advice}"));
        let advice = advice.unwrap_or_default();
        output.line(&format!(
            "{verdict:<8} {:<20} {}{advice}",
            check.name, check.says
        ))?;
    }
    output.line("")?;
    let summary = match u64::try_from(problems) {
        Ok(0) => "All is well.".to_owned(),
        Ok(problems) => format!("{} found.", count(problems, "problem")),
        Err(_) => "Many problems found.".to_owned(),
    };
    Ok(output.line(&summary)?)
}
