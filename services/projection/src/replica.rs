//! What an operator may ask of each projection by itself: how it is, what its rows add up to, and the rows.
//!
//! It is answered also while there is no view to answer queries from, for then it is asked most.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_contract::replica::{
    DigestQuery, LogCheckStatus, NothingAsked, RebuildProgress, ReplicaDigest, ReplicaStatus, Row,
    RowState, RowsPage, RowsQuery,
};
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_messaging::{Endpoint, Request, ServiceError};
use assent_permission_store::{self as store, Digest, DigestAtError, Projected, View};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::log_findings::LogFindings;
use crate::query_failure::QueryFailure;
use crate::rebuild::{self, Rebuilds};
use crate::served_view::ServedView;

/// A row is some 700 bytes at the most, and a message 256 KB.
const LARGEST_PAGE: u16 = 200;
/// How long a digest waits for the view to get where it is wanted.
const PATIENCE: Duration = Duration::from_secs(20);
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// This process, as an operator tells it from the other replicas.
#[derive(Debug)]
pub(crate) struct Replica {
    served: Arc<ServedView>,
    findings: Arc<LogFindings>,
    rebuilds: Arc<Rebuilds>,
    instance: String,
    host: Option<String>,
    directory: PathBuf,
    /// Reading all rows takes a processor for a second per million: one at a time.
    reading_all: Semaphore,
}

impl Replica {
    pub(crate) fn new(
        served: &Arc<ServedView>,
        findings: &Arc<LogFindings>,
        rebuilds: Arc<Rebuilds>,
        directory: PathBuf,
    ) -> Self {
        let host = std::fs::read_to_string(HOST_NAME).ok();
        Self {
            served: Arc::clone(served),
            findings: Arc::clone(findings),
            rebuilds,
            instance: Uuid::new_v4().simple().to_string(),
            host: host
                .map(|host| host.trim().to_owned())
                .filter(|host| !host.is_empty()),
            directory,
            reading_all: Semaphore::new(1),
        }
    }

    /// The endpoints of its micro service.
    pub(crate) fn endpoints(self: &Arc<Self>) -> Vec<Endpoint> {
        let of_this_one = |what| names::of_replica(what, &self.instance);
        Vec::from([
            endpoint(
                self,
                "status",
                names::REPLICA_STATUS.to_owned(),
                |replica, NothingAsked {}| async move {
                    let status = spawn_blocking(move || replica.status()).await;
                    status.map_err(|_| QueryFailure::NotReady)
                },
            )
            .for_every_replica(),
            endpoint(
                self,
                "digest",
                of_this_one(names::REPLICA_DIGEST),
                |replica, query| async move { replica.digest(query).await },
            ),
            endpoint(
                self,
                "rows",
                of_this_one(names::REPLICA_ROWS),
                |replica, query| async move { replica.rows(&query) },
            ),
            endpoint(
                self,
                "accept-log",
                of_this_one(names::REPLICA_ACCEPT_LOG),
                |replica, NothingAsked {}| async move {
                    replica.findings.accept_log();
                    Ok(replica.findings.status())
                },
            ),
            endpoint(
                self,
                "check-log",
                of_this_one(names::REPLICA_CHECK_LOG),
                |replica, NothingAsked {}| async move {
                    replica.findings.ask();
                    Ok(replica.findings.status())
                },
            ),
            rebuild::endpoint(&self.rebuilds, &self.instance),
        ])
    }

    /// Whether the log still holds what the view was built from.
    pub(crate) fn log_check(&self) -> LogCheckStatus {
        self.findings.status()
    }

    fn status(&self) -> ReplicaStatus {
        let (state, view) = self.served.for_operators();
        let last = self.served.stream_last();
        let cursor = view.as_ref().map(|view| view.cursor());
        let counts = view.as_ref().map(|view| view.counts()).unwrap_or_default();
        let applied = cursor.as_ref().map_or(0, |cursor| cursor.sequence.0);
        ReplicaStatus {
            instance: self.instance.clone(),
            host: self.host.clone(),
            directory: self.directory.display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state,
            applied_sequence: applied,
            stream_last_sequence: last.max(applied),
            lag: last.saturating_sub(applied),
            accounts: counts.accounts,
            users: counts.users,
            blocked: counts.blocked,
            held: view.as_ref().map_or(0, |view| view.read().held()),
            orphans: counts.orphans,
            bytes_on_disk: view.as_ref().map_or(0, |view| view.bytes_on_disk()),
            schema_version: cursor.as_ref().map(|cursor| cursor.schema),
            fold_version: cursor.as_ref().map(|cursor| cursor.fold),
            root: view.as_ref().map(|view| view.read().root().to_string()),
            log_check: self.findings.status(),
            stream_created: cursor.map(|cursor| cursor.source.created),
            rebuilding: self
                .served
                .built()
                .map(|through| RebuildProgress { through, of: last }),
        }
    }

    /// What all rows of the view add up to, the sequence included.
    pub(crate) async fn digest(&self, query: DigestQuery) -> Result<ReplicaDigest, QueryFailure> {
        let (_, Some(view)) = self.served.for_operators() else {
            return Err(QueryFailure::NotReady);
        };
        let stream_created = view.cursor().source.created;
        let digest = self.read_all(&view, query.at.map(Sequence)).await?;
        Ok(ReplicaDigest {
            instance: self.instance.clone(),
            sequence: digest.sequence().0,
            digest: digest.to_string(),
            root: digest.root().to_string(),
            stream_created,
        })
    }

    /// Reads all rows, unless somebody else is at it.
    async fn read_all(
        &self,
        view: &Arc<View>,
        at: Option<Sequence>,
    ) -> Result<Digest, QueryFailure> {
        let turn = tokio::time::timeout(PATIENCE, self.reading_all.acquire()).await;
        let Ok(Ok(_only_one)) = turn else {
            return Err(QueryFailure::Busy);
        };
        let read = Arc::clone(view);
        let digest = spawn_blocking(move || match at {
            Some(at) => read.digest_at(at, PATIENCE),
            None => read
                .digest()
                .map_err(|store::ReadError::Damaged(damage)| damage.into()),
        });
        match digest.await {
            Ok(Ok(digest)) => Ok(digest),
            Ok(Err(DigestAtError::Passed(_))) => Err(QueryFailure::Gone(
                "the view is past that sequence: ask for a later one",
            )),
            Ok(Err(DigestAtError::NotReached)) => Err(QueryFailure::NotYetApplied),
            Ok(Err(DigestAtError::Damaged(damage))) => {
                self.served.report_damage(view);
                Err(QueryFailure::Damaged(damage.into()))
            }
            Err(_) => Err(QueryFailure::NotReady),
        }
    }

    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, QueryFailure> {
        let limit = query.limit.unwrap_or(LARGEST_PAGE);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return Err(QueryFailure::Invalid(format!(
                "limit is from 1 to {LARGEST_PAGE}"
            )));
        }
        let (_, Some(view)) = self.served.for_operators() else {
            return Err(QueryFailure::NotReady);
        };
        let after = query.after.clone().map(Aggregate::from);
        let reading = view.read();
        let page = reading
            .rows(after.as_ref(), usize::from(limit))
            .inspect_err(|_| {
                self.served.report_damage(&view);
            })?;
        let last = page.rows.last().filter(|_| page.more);
        Ok(RowsPage {
            instance: self.instance.clone(),
            sequence: reading.sequence().0,
            next: last.map(|last| last.aggregate().into()),
            rows: page.rows.iter().map(row).collect(),
        })
    }
}

fn endpoint<Q, A, F, Fut>(
    replica: &Arc<Replica>,
    name: &'static str,
    subject: String,
    answer: F,
) -> Endpoint
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize,
    F: Fn(Arc<Replica>, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, QueryFailure>> + Send + 'static,
{
    let replica = Arc::clone(replica);
    Endpoint::new(name, subject, move |request: Request| {
        let (replica, answer) = (Arc::clone(&replica), answer.clone());
        async move {
            let payload = request.payload.trim_ascii();
            let payload = if payload.is_empty() { b"{}" } else { payload };
            let query = serde_json::from_slice(payload).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                ServiceError::from(QueryFailure::Invalid(format!(
                    "the request is not a {name} query: line {line}, column {column}"
                )))
            })?;
            let answer = answer(replica, query).await?;
            serde_json::to_vec(&answer).map_err(|error| QueryFailure::Internal(error).into())
        }
    })
}

fn row(row: &store::Row) -> Row {
    let state = match row {
        store::Row::Account(_, Projected::Known(account)) => account.into(),
        store::Row::User(_, _, Projected::Known(user)) => user.into(),
        store::Row::Account(_, Projected::Blocked { at })
        | store::Row::User(_, _, Projected::Blocked { at }) => RowState::blocked(*at),
    };
    Row {
        whose: row.aggregate().into(),
        state,
    }
}
