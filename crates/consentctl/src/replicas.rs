//! Asking each projection by itself.

use std::time::Duration;

use assent_contract::names::{
    REPLICA_ACCEPT_LOG, REPLICA_CHECK_LOG, REPLICA_DIGEST, REPLICA_ROWS, REPLICA_STATUS,
    of_replica, rebuild_view,
};
use assent_contract::query::AggregateId;
use assent_contract::rebuild::{RebuildReport, RebuildView};
use assent_contract::replica::{
    DigestQuery, LogCheckStatus, ReplicaDigest, ReplicaStatus, RowsPage, RowsQuery,
};
use assent_messaging::{Connection, RequestError};

use crate::exit::CommandError;
use crate::projection::{QueryError, read_answer};

/// How long the first may take to answer, and how long after one others are waited for.
const FIRST: Duration = Duration::from_secs(3);
const QUIET: Duration = Duration::from_millis(500);

/// A digest waits for its turn and for the view to get there, and reads all rows.
const DIGEST_DEADLINE: Duration = Duration::from_secs(55);

const ROWS_DEADLINE: Duration = Duration::from_secs(10);
/// What is asked for is written to a disk before it is answered.
const REBUILD_DEADLINE: Duration = Duration::from_secs(4);

/// Every projection that answers, in the order of their machines.
pub(crate) async fn statuses(connection: &Connection) -> Result<Vec<ReplicaStatus>, CommandError> {
    let answers = connection.request_all(REPLICA_STATUS, Vec::new(), FIRST, QUIET);
    let answers = answers.await.map_err(not_reachable)?;
    let read = answers.into_iter().map(read_answer);
    let mut statuses = read
        .collect::<Result<Vec<ReplicaStatus>, _>>()
        .map_err(|unreadable| CommandError::NotReachable(unreadable.into()))?;
    statuses.sort_by(|a, b| {
        (&a.host, &a.directory, &a.instance).cmp(&(&b.host, &b.directory, &b.instance))
    });
    Ok(statuses)
}

/// The digest of one projection's rows, as they are now or as they will be at a sequence.
pub(crate) async fn digest(
    connection: &Connection,
    instance: &str,
    at: Option<u64>,
) -> Result<ReplicaDigest, QueryError> {
    let query = serde_json::to_vec(&DigestQuery { at });
    let query = query.map_err(|error| QueryError::Refused(error.to_string()))?;
    let subject = of_replica(REPLICA_DIGEST, instance);
    read_answer(
        connection
            .request(&subject, query, None, DIGEST_DEADLINE)
            .await,
    )
}

/// Has one projection compare the log with what its view was built from. Answers at once.
pub(crate) async fn compare(
    connection: &Connection,
    instance: &str,
) -> Result<LogCheckStatus, QueryError> {
    let subject = of_replica(REPLICA_CHECK_LOG, instance);
    read_answer(connection.request(&subject, Vec::new(), None, FIRST).await)
}

/// Has one projection let go of those whom it holds back. Answers at once.
pub(crate) async fn accept_log(
    connection: &Connection,
    instance: &str,
) -> Result<LogCheckStatus, QueryError> {
    let subject = of_replica(REPLICA_ACCEPT_LOG, instance);
    read_answer(connection.request(&subject, Vec::new(), None, FIRST).await)
}

/// A page of one projection's rows, after that of the account or user named.
pub(crate) async fn rows(
    connection: &Connection,
    instance: &str,
    after: Option<AggregateId>,
    limit: u16,
) -> Result<RowsPage, QueryError> {
    let limit = Some(limit);
    let query = serde_json::to_vec(&RowsQuery { after, limit });
    let query = query.map_err(|error| QueryError::Refused(error.to_string()))?;
    let subject = of_replica(REPLICA_ROWS, instance);
    read_answer(
        connection
            .request(&subject, query, None, ROWS_DEADLINE)
            .await,
    )
}

/// Has one projection build its view anew, or asks how that is.
pub(crate) async fn rebuild(
    connection: &Connection,
    instance: &str,
    command: &RebuildView,
) -> Result<RebuildReport, QueryError> {
    let command = serde_json::to_vec(command);
    let command = command.map_err(|error| QueryError::Refused(error.to_string()))?;
    let subject = rebuild_view(instance);
    read_answer(
        connection
            .request(&subject, command, None, REBUILD_DEADLINE)
            .await,
    )
}

fn not_reachable(error: RequestError) -> CommandError {
    CommandError::NotReachable(QueryError::NotReachable(error).into())
}
