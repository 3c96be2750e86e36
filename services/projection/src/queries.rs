//! The queries over NATS.

use std::sync::Arc;

use assent_contract::names;
use assent_messaging::{Connection, Endpoint, Request, ServiceError};
use assent_metrics::service::ERRORS;
use assent_service_kit::extract::{read_openly, read_strictly};
use assent_service_kit::telemetry::processing;
use futures::TryFutureExt as _;
use serde::Serialize;
use tracing::Instrument as _;

use crate::answers;
use crate::query_failure::QueryFailure;
use crate::served_view::ServedView;
use crate::snapshot;

/// The endpoints of the micro service. What other people's programs ask is read strictly, as over
/// HTTP; what only programs of ours ask may have fields that this one does not know.
pub(crate) fn endpoints(served: &Arc<ServedView>, connection: &Connection) -> Vec<Endpoint> {
    let connection = connection.clone();
    Vec::from([
        endpoint(
            served,
            "permissions",
            names::QUERY_PERMISSIONS,
            read_strictly,
            |served, query| async move { answers::permissions(&served, &query).await },
        ),
        endpoint(
            served,
            "login-state",
            names::QUERY_LOGIN_STATE,
            read_openly,
            |served, query| async move { answers::login_state(&served, &query).await },
        ),
        endpoint(
            served,
            "account",
            names::QUERY_ACCOUNT,
            read_strictly,
            |served, query| async move { answers::account(&served, &query).await },
        ),
        endpoint(
            served,
            "users",
            names::QUERY_USERS,
            read_strictly,
            |served, query| async move { answers::users(&served, &query).await },
        ),
        endpoint(
            served,
            "changes",
            names::QUERY_CHANGES,
            read_strictly,
            move |served, query| {
                let connection = connection.clone();
                async move { snapshot::changes(&served, &connection, &query).await }
            },
        ),
        endpoint(
            served,
            "blocked",
            names::QUERY_BLOCKED,
            read_openly,
            |served, query| async move { answers::blocked(&served, query).await },
        ),
    ])
}

fn endpoint<Q, A, F, Fut>(
    served: &Arc<ServedView>,
    name: &'static str,
    subject: &'static str,
    read: fn(&[u8]) -> Result<Q, String>,
    answer: F,
) -> Endpoint
where
    Q: Send + 'static,
    A: Serialize,
    F: Fn(Arc<ServedView>, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, QueryFailure>> + Send + 'static,
{
    let served = Arc::clone(served);
    Endpoint::new(name, subject, move |request: Request| {
        let served = Arc::clone(&served);
        let answer = answer.clone();
        let span = processing(subject, request.traceparent.as_deref());
        async move {
            let query = read(&request.payload).map_err(|wrong| {
                let detail = format!("the request is not a {name} query: {wrong}");
                ServiceError::from(QueryFailure::Invalid(detail))
            })?;
            let answer = answer(served, query).await?;
            serde_json::to_vec(&answer).map_err(|error| QueryFailure::Internal(error).into())
        }
        .inspect_err(|error: &ServiceError| {
            ERRORS
                .with(["nats".to_owned(), error.code.clone()])
                .increment(1);
        })
        .instrument(span)
    })
}
