//! `doctor`: is everything there, and as it must be?

mod blocked;
mod buckets;
mod certificates;
mod change_stream;
mod changes;
pub(crate) mod check;
mod checkpoint;
mod checks;
mod clock;
mod custody;
mod every_event;
mod lost_log;
mod report;
mod space;

use std::time::Duration;

use assent_messaging::{ConnectError, Connection, ConnectionSettings};
use assent_service_kit::error_chain::with_sources;

use crate::arguments::{CheckArguments, CheckFormat};
use crate::exit::{CommandError, Outcome};
use crate::output::Output;
use check::{Check, CheckKind};
use report::Report;

/// How long a service or the server may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// Checks everything, as a person wants to see it.
pub(crate) async fn run(
    settings: ConnectionSettings,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let format = if output.is_json() {
        CheckFormat::Json
    } else {
        CheckFormat::Text
    };
    let report = examine(settings, &CheckArguments::default(), output).await?;
    Ok(report.show(format, output)?)
}

/// Checks everything, as a program wants to see it.
pub(crate) async fn check(
    settings: Result<ConnectionSettings, CommandError>,
    arguments: &CheckArguments,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let format = match arguments.format {
        Some(format) => format,
        None if output.is_json() => CheckFormat::Json,
        None => CheckFormat::Text,
    };
    let examined = match settings {
        Ok(settings) => examine(settings, arguments, output).await,
        Err(error) => Err(error),
    };
    match (examined, format) {
        (Ok(report), format) => Ok(report.show(format, output)?),
        (Err(error), CheckFormat::Nagios) => Ok(report::nagios_unknown(
            &with_sources(&error).to_string(),
            output,
        )?),
        (Err(error), CheckFormat::Text | CheckFormat::Json | CheckFormat::Prometheus) => Err(error),
    }
}

async fn examine(
    settings: ConnectionSettings,
    arguments: &CheckArguments,
    output: &mut Output,
) -> Result<Report, CommandError> {
    let url = settings.url.clone();
    let mut all = certificates::of_servers(&settings).await;
    all.extend(
        arguments
            .certificates
            .iter()
            .map(|file| certificates::of_file(file)),
    );
    let connection = match Connection::connect(settings).await {
        Ok(connection) => connection,
        Err(error @ ConnectError::BadSettings { .. }) => return Err(error.into()),
        Err(error @ (ConnectError::NotReachable { .. } | ConnectError::NotPermitted { .. })) => {
            let advice = "start nats-server, or correct ASSENT_NATS_URL and the credentials";
            let says = with_sources(&error).to_string();
            all.insert(0, Check::problem(CheckKind::Nats, says, advice));
            return Ok(Report::new(all, true));
        }
    };
    all.insert(0, Check::ok(CheckKind::Nats, format!("connected to {url}")));
    all.push(checks::version(&connection));
    all.extend(clock::check(&connection).await);
    all.push(checks::jetstream(&connection).await);
    let (events, last) = checks::events(&connection, arguments.quick, output).await?;
    all.extend(events);
    let stream = change_stream::check(&connection).await;
    if stream.ok {
        all.extend([stream, changes::check(&connection).await]);
    } else {
        all.push(stream);
    }
    all.extend(buckets::check(&connection).await);
    if let Some(file) = &arguments.checkpoint_state {
        all.push(checkpoint::check(&connection, file).await);
    }
    all.push(space::check(&connection).await);
    all.extend(checks::projection(&connection, last).await);
    all.extend(checks::gateway(&connection).await);
    all.extend(custody::check(&connection).await);
    Ok(Report::new(all, false))
}
