//! The queries over NATS.

use std::sync::Arc;

use assent_contract::{names, strict};
use assent_messaging::{Connection, Endpoint, Request, ServiceError};
use serde::Serialize;

use crate::answers;
use crate::query_failure::QueryFailure;
use crate::served_view::ServedView;
use crate::snapshot;

/// The endpoints of the micro service. What other people's programs ask is read strictly, as over
/// HTTP; what only programs of ours ask may have fields that this one does not know.
pub(crate) fn endpoints(served_view: &Arc<ServedView>, connection: &Connection) -> Vec<Endpoint> {
    let connection = connection.clone();
    Vec::from([
        endpoint(
            served_view,
            "permissions",
            names::QUERY_PERMISSIONS,
            strict::from_slice,
            |served_view, query| async move { answers::permissions(&served_view, &query).await },
        ),
        endpoint(
            served_view,
            "login-state",
            names::QUERY_LOGIN_STATE,
            |query| serde_json::from_slice(query),
            |served_view, query| async move { answers::login_state(&served_view, &query).await },
        ),
        endpoint(
            served_view,
            "account",
            names::QUERY_ACCOUNT,
            strict::from_slice,
            |served_view, query| async move { answers::account(&served_view, &query).await },
        ),
        endpoint(
            served_view,
            "users",
            names::QUERY_USERS,
            strict::from_slice,
            |served_view, query| async move { answers::users(&served_view, &query).await },
        ),
        endpoint(
            served_view,
            "changes",
            names::QUERY_CHANGES,
            strict::from_slice,
            move |served_view, query| {
                let connection = connection.clone();
                async move { snapshot::changes(&served_view, &connection, &query).await }
            },
        ),
        endpoint(
            served_view,
            "blocked",
            names::QUERY_BLOCKED,
            |query| serde_json::from_slice(query),
            |served_view, query| async move { answers::blocked(&served_view, query).await },
        ),
    ])
}

fn endpoint<Q, A, F, Fut>(
    served_view: &Arc<ServedView>,
    name: &'static str,
    subject: &'static str,
    read: fn(&[u8]) -> Result<Q, serde_json::Error>,
    answer: F,
) -> Endpoint
where
    Q: Send + 'static,
    A: Serialize,
    F: Fn(Arc<ServedView>, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, QueryFailure>> + Send + 'static,
{
    let served_view = Arc::clone(served_view);
    Endpoint::new(name, subject, move |request: Request| {
        let served_view = Arc::clone(&served_view);
        let answer = answer.clone();
        async move {
            // Fields without names, which serde would take for a query too, are none.
            if request.payload.trim_ascii_start().first() == Some(&b'[') {
                let detail = format!("the request is not a {name} query: a list, not an object");
                return Err(QueryFailure::Invalid(detail).into());
            }
            let query = read(&request.payload).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                ServiceError::from(QueryFailure::Invalid(format!(
                    "the request is not a {name} query: line {line}, column {column}"
                )))
            })?;
            let answer = answer(served_view, query).await?;
            serde_json::to_vec(&answer).map_err(|error| QueryFailure::Internal(error).into())
        }
    })
}
