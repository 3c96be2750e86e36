//! Whether there was a log where there is none, or more of it than there is: others may know of it.

use assent_contract::names::EVENT_STREAM;
use assent_contract::store::Store;
use assent_domain::ids::AccountId;
use assent_event_log::StreamStatus;
use assent_messaging::Connection;

use super::DEADLINE;
use super::check::{Check, CheckKind};
use crate::projection;

const RESTORE: &str =
    "restore the stream from a backup; consent-gateway --help says what else can be done";

/// There is no log. Where it never was, the gateway creates it.
pub(super) async fn check(connection: &Connection) -> Check {
    let mut traces = Vec::new();
    let others = Store::ALL
        .into_iter()
        .filter(|store| *store != Store::Events);
    for store in others {
        let state = connection.stream_state(&store.stream(), DEADLINE).await;
        if matches!(state, Ok(Some(state)) if 0 < state.last_sequence) {
            traces.push(format!("{} has content", store.name()));
        }
    }
    if let Some(position) = position(connection).await.filter(|position| 0 < *position) {
        traces.push(format!("a projection holds it up to event {position}"));
    }
    if traces.is_empty() {
        return Check::problem(
            CheckKind::EventLog,
            "the stream of consent events is not there",
            "start consent-gateway, which creates it",
        )
        .of(EVENT_STREAM);
    }
    let says = format!("the event log is lost: {}", traces.join(", "));
    Check::problem(CheckKind::EventLog, says, RESTORE).of(EVENT_STREAM)
}

/// A projection that has applied more than the log holds.
pub(super) async fn ahead_of_the_log(
    connection: &Connection,
    status: &StreamStatus,
) -> Option<Check> {
    let position = position(connection).await?;
    let last = status.last_sequence.0;
    (last < position).then(|| {
        let says = format!(
            "the event log ends at event {last}, but a projection has applied event {position}: it was cut short"
        );
        Check::problem(CheckKind::LogEnd, says, RESTORE)
    })
}

async fn position(connection: &Connection) -> Option<u64> {
    // Any account will do: the answer names its place in the log also for one without events.
    let account = AccountId::parse("assent").ok()?;
    let known = projection::account(connection, &account, None).await.ok()?;
    Some(known.sequence)
}
