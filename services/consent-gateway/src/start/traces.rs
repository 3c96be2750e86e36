//! What shows that there was an event log, when there is none.

use assent_contract::names;
use assent_domain::ids::Sequence;
use assent_messaging::{Connection, JetStreamError};
use assent_service_kit::StartError;
use assent_service_kit::telemetry::chain;

use super::DEADLINE;
use crate::view;

/// Each trace, in words. What was created by a first start that was interrupted is empty, and is none.
pub(super) async fn of_a_log(connection: &Connection) -> Result<Vec<String>, StartError> {
    let mut traces = Vec::new();
    for stream in [names::CHANGE_STREAM, names::OPERATION_STREAM] {
        if was_written_to(connection, stream).await? {
            traces.push(format!("stream {stream} has content"));
        }
    }
    for bucket in [
        names::FLOW_BUCKET,
        names::SESSION_BUCKET,
        names::HAND_OFF_BUCKET,
        names::OBSERVATION_BUCKET,
    ] {
        if was_written_to(connection, &format!("KV_{bucket}")).await? {
            traces.push(format!("bucket {bucket} has content"));
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

/// What a bucket forgets with time was there all the same.
async fn was_written_to(connection: &Connection, stream: &str) -> Result<bool, StartError> {
    match connection.stream_state(stream, DEADLINE).await {
        Ok(state) => Ok(state.is_some_and(|state| 0 < state.last_sequence)),
        // The permissions of an older release know of no such stream. The other traces are enough.
        Err(error @ JetStreamError::NotPermitted { .. }) if stream == names::OPERATION_STREAM => {
            tracing::warn!(error = %chain(&error), "whether {stream} has content can't be seen");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
