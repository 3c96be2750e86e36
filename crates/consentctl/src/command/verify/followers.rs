//! How far those got who follow the log: whether that is a place of this log.

use assent_domain::ids::AccountId;
use assent_event_log::EventLog;
use assent_messaging::Connection;

use super::report::{Check, Verdict};
use crate::exit::CommandError;
use crate::projection;
use crate::told::{self, LastTold};

/// The stream of changes.
pub(super) async fn changes(
    connection: &Connection,
    log: Option<&EventLog>,
) -> Result<Check, CommandError> {
    let check = |verdict, says: String| Ok(Check::new("changes", verdict, says));
    let position = match told::last(connection).await {
        Ok(LastTold::Ours(position)) => position,
        Ok(LastTold::Nothing) => return check(Verdict::Ok, "none told yet".to_owned()),
        Ok(LastTold::Foreign { number, subject }) => {
            let says = format!("message {number}, on {subject}, is none of ours");
            return check(Verdict::Finding, says);
        }
        Err(error) => return Err(CommandError::NotReachable(error.into())),
    };
    let through = position.through;
    let Some(log) = log else {
        return check(
            Verdict::Finding,
            format!("told up to event {through} of the log"),
        );
    };
    match told::disagreement(&position, log).await? {
        Some(says) => check(Verdict::Finding, says),
        None => check(Verdict::Ok, format!("told up to event {through}")),
    }
}

/// The projection.
pub(super) async fn projection(
    connection: &Connection,
    log: Option<&EventLog>,
) -> Result<Check, CommandError> {
    let check = |verdict, says: String| Ok(Check::new("projection", verdict, says));
    // Any account will do: the answer names its place in the log also for one without events.
    let account =
        AccountId::parse("assent").map_err(|error| CommandError::Argument(error.into()))?;
    let applied = match projection::account(connection, &account, None).await {
        Ok(answer) => answer.sequence,
        Err(error) => return check(Verdict::Unknown, error.to_line()),
    };
    let Some(log) = log else {
        return check(
            Verdict::Finding,
            format!("has applied event {applied} of the log"),
        );
    };
    // Asked afterwards, so that it holds what the projection had.
    let last = log.status().await?.last_sequence.0;
    if last < applied {
        let says = format!("has applied event {applied}, and the log ends with event {last}");
        return check(Verdict::Finding, says);
    }
    check(
        Verdict::Ok,
        format!("has applied event {applied} of {last}"),
    )
}
