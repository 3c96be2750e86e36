//! `doctor`: is everything there, and as it must be?

mod blocked;
mod buckets;
mod change_stream;
mod changes;
mod checks;
mod every_event;
mod lost_log;
mod space;

use assent_messaging::{ConnectError, Connection, ConnectionSettings};
use assent_service_kit::telemetry::chain;
use serde::Serialize;

use crate::ending::{Ending, Failure};
use crate::output::{Output, count};

/// What one check found.
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

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    ok: bool,
    checks: Vec<Check>,
}

pub(crate) async fn run(
    settings: ConnectionSettings,
    output: &mut Output,
) -> Result<Ending, Failure> {
    let url = settings.url.clone();
    let connection = match Connection::connect(settings).await {
        Ok(connection) => connection,
        Err(error @ ConnectError::BadSettings { .. }) => return Err(error.into()),
        Err(error @ (ConnectError::NotReachable { .. } | ConnectError::NotPermitted { .. })) => {
            let advice = "start nats-server, or correct ASSENT_NATS_URL and the credentials";
            let check = Check::problem("nats", chain(&error).to_string(), advice);
            tell(vec![check], output)?;
            return Ok(Ending::Unreachable);
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
    tell(all, output)?;
    Ok(Ending::with(found))
}

fn tell(checks: Vec<Check>, output: &mut Output) -> Result<(), Failure> {
    let problems = checks.iter().filter(|check| !check.ok).count();
    let answer = Answer {
        ok: problems == 0,
        checks,
    };
    if output.is_json() {
        return Ok(output.document(&answer)?);
    }
    for check in &answer.checks {
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
