//! What an import would write into: nothing, an empty log, or what an interrupted import left. Nobody else may write or
//! read meanwhile.

use std::time::Duration;

use assent_contract::names::{EVENT_STREAM, GATEWAY_SERVICE, REPLICA_STATUS};
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, OpenError};
use assent_messaging::{Connection, RequestError};

use crate::exit::CommandError;
use crate::export::Checked;
use crate::fold::messages::Messages;
use crate::output::Output;

/// Within how long somebody who is there answers.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
enum TargetRefused {
    #[error(
        "a consent-gateway runs: stop every one of them first, for nobody but it may write the log while it does"
    )]
    GatewayRuns,
    #[error(
        "a projection runs: stop every one of them first, for it would tell what stands in a log that is not whole yet"
    )]
    ProjectionRuns,
    #[error(
        "it can't be found out whether somebody else writes: this needs the gateway's own NATS user (ASSENT_NATS_USER=gateway)"
    )]
    NotAsked(#[source] RequestError),
    #[error(
        "the log {EVENT_STREAM} holds {held} messages, more than is to be imported: an import needs a log that is empty or not there"
    )]
    HoldsMore { held: Sequence },
    #[error(
        "the log {EVENT_STREAM} is not empty, and its message {at} is not the export's: an import needs a log that is empty or not there"
    )]
    HoldsOthers { at: Sequence },
}

/// What is there.
#[derive(Debug)]
pub(super) enum Target {
    /// No log.
    NotThere,
    /// A log whose messages are the first ones of the export.
    There { log: EventLog, held: Sequence },
}

impl Target {
    /// Looks what is there, and compares it with the export.
    pub(super) async fn look(
        connection: &Connection,
        export: &Checked,
        output: &mut Output,
    ) -> Result<Self, CommandError> {
        let log = match EventLog::open(connection).await {
            Ok(log) => log,
            Err(OpenError::NotThere) => return Ok(Self::NotThere),
            Err(error) => return Err(error.into()),
        };
        let held = log.status().await?.last_sequence;
        if export.last_sequence() < held {
            return Err(CommandError::NotDone(
                TargetRefused::HoldsMore { held }.into(),
            ));
        }
        if held != Sequence(0) {
            require_the_same(&log, export, output).await?;
        }
        Ok(Self::There { log, held })
    }

    /// How many of the export's messages are there.
    pub(super) fn held(&self) -> Sequence {
        match self {
            Self::NotThere => Sequence(0),
            Self::There { held, .. } => *held,
        }
    }
}

async fn require_the_same(
    log: &EventLog,
    export: &Checked,
    output: &mut Output,
) -> Result<(), CommandError> {
    let mut there = Messages::of_log(log, Sequence(0), None).await?;
    let mut wanted = Messages::of_export(export)?;
    let mut waiting = Vec::new().into_iter();
    loop {
        let batch = there.next(output).await?;
        if batch.is_empty() {
            return Ok(());
        }
        for found in batch {
            if waiting.as_slice().is_empty() {
                waiting = wanted.next(output).await?.into_iter();
            }
            let expected = waiting.next();
            if expected.is_none_or(|expected| expected.to_export() != found.to_export()) {
                let at = found.sequence();
                return Err(CommandError::NotDone(
                    TargetRefused::HoldsOthers { at }.into(),
                ));
            }
        }
    }
}

/// Makes sure that no gateway writes and no projection reads, as far as can be found out.
pub(super) async fn require_alone(connection: &Connection) -> Result<(), CommandError> {
    let ping = format!("$SRV.PING.{GATEWAY_SERVICE}");
    if listens(connection, &ping).await? {
        return Err(CommandError::NotDone(TargetRefused::GatewayRuns.into()));
    }
    // Each listens to this, also without a view.
    if listens(connection, REPLICA_STATUS).await? {
        return Err(CommandError::NotDone(TargetRefused::ProjectionRuns.into()));
    }
    Ok(())
}

/// Whether somebody takes requests on a subject, be it that the answer does not reach us: a gateway may answer other
/// accounts only. The server itself says at once where there is nobody.
async fn listens(connection: &Connection, subject: &str) -> Result<bool, CommandError> {
    let asked = connection.request(subject, Vec::new(), None, PATIENCE);
    match asked.await {
        Ok(_) | Err(RequestError::Service { .. } | RequestError::TimedOut { .. }) => Ok(true),
        Err(RequestError::NoResponders { .. }) => Ok(false),
        Err(
            error @ (RequestError::NotPermitted { .. }
            | RequestError::NotConnected
            | RequestError::TooLarge { .. }
            | RequestError::CannotBeSent { .. }),
        ) => Err(CommandError::NotReachable(
            TargetRefused::NotAsked(error).into(),
        )),
    }
}
