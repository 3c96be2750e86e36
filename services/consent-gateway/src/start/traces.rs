//! What shows that there was an event log, when there is none.

use assent_consent_core::log_guard::{self, Mark, MarkComparison};
use assent_consent_core::log_trouble::LogTrouble;
use assent_consent_core::view;
use assent_contract::names;
use assent_contract::store::Store;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, StreamIdentity};
use assent_messaging::{ChangeStream, Connection, JetStreamError, Position, Stamp};
use assent_service_kit::StartError;
use assent_service_kit::error_chain::with_sources;

use super::DEADLINE;

/// Each trace, in words. What was created by a first start that was interrupted is empty, and is none.
pub(super) async fn of_a_log(connection: &Connection) -> Result<Vec<String>, StartError> {
    let mut traces = Vec::new();
    let others = Store::ALL
        .into_iter()
        .filter(|store| *store != Store::Events);
    for store in others {
        if was_written_to(connection, store).await? {
            traces.push(format!("{store} has content"));
        }
    }
    if let Some(position) = view::position(connection)
        .await
        .filter(|at| Sequence(0) < *at)
    {
        traces.push(format!("a projection holds the log up to event {position}"));
    }
    Ok(traces)
}

/// What shows that a log was longer, or another one, where the mark of it is lost: where telling of it has got to, and
/// how far a projection is.
pub(super) async fn of_another_end(
    connection: &Connection,
    log: &EventLog,
) -> Result<Option<LogTrouble>, StartError> {
    let position = view::position(connection).await.unwrap_or(Sequence(0));
    let told = match ChangeStream::unchecked(connection).last().await {
        Ok(told) => told,
        Err(error) => {
            tracing::warn!(error = %with_sources(&error), "where telling of the log has got to can't be seen");
            None
        }
    };
    let told = told.and_then(|told| match told.stamp {
        Stamp::Full { position, .. } => Some(position),
        Stamp::Old { .. } | Stamp::Missing => None,
    });
    let mark = told.and_then(|position| mark_of(&position));
    if let MarkComparison::Trouble(trouble) = log_guard::look(log, mark.as_ref()).await? {
        return Ok(Some(trouble));
    }
    let last = log.status().await?.last_sequence;
    Ok((last < position).then_some(LogTrouble::CutShort {
        known: position,
        last,
    }))
}

/// What was told of a log, as a mark of it.
fn mark_of(position: &Position) -> Option<Mark> {
    let log = position.log.strip_prefix(names::EVENT_STREAM)?;
    let log = log.strip_prefix('@')?;
    // What follows tells one log apart from what it was before.
    let created = log.split('+').next()?;
    let hash = position.hash.parse().ok()?;
    let created = StreamIdentity::new(created);
    Some(Mark::new(&created, Sequence(position.through), hash))
}

/// What a bucket forgets with time was there all the same.
async fn was_written_to(connection: &Connection, store: Store) -> Result<bool, StartError> {
    match connection.stream_state(&store.stream(), DEADLINE).await {
        Ok(state) => Ok(state.is_some_and(|state| 0 < state.last_sequence)),
        // The permissions of an older release know of no such stream. The other traces are enough.
        Err(error @ JetStreamError::NotPermitted { .. }) if store == Store::Operations => {
            tracing::warn!(error = %with_sources(&error), "whether {store} has content can't be seen");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
