//! The queries over NATS.

use std::sync::Arc;

use assent_contract::{names, strict};
use assent_messaging::{Connection, Endpoint, Request, ServiceError};
use serde::Serialize;

use crate::answers;
use crate::board::Board;
use crate::failure::Failure;
use crate::snapshot;

/// The endpoints of the micro service. What other people's programs ask is read strictly, as over
/// HTTP; what only programs of ours ask may have fields that this one does not know.
pub(crate) fn endpoints(board: &Arc<Board>, connection: &Connection) -> Vec<Endpoint> {
    let connection = connection.clone();
    Vec::from([
        endpoint(
            board,
            "permissions",
            names::QUERY_PERMISSIONS,
            strict::from_slice,
            |board, query| async move { answers::permissions(&board, &query).await },
        ),
        endpoint(
            board,
            "login-state",
            names::QUERY_LOGIN_STATE,
            |query| serde_json::from_slice(query),
            |board, query| async move { answers::login_state(&board, &query).await },
        ),
        endpoint(
            board,
            "account",
            names::QUERY_ACCOUNT,
            strict::from_slice,
            |board, query| async move { answers::account(&board, &query).await },
        ),
        endpoint(
            board,
            "users",
            names::QUERY_USERS,
            strict::from_slice,
            |board, query| async move { answers::users(&board, &query).await },
        ),
        endpoint(
            board,
            "changes",
            names::QUERY_CHANGES,
            strict::from_slice,
            move |board, query| {
                let connection = connection.clone();
                async move { snapshot::changes(&board, &connection, &query).await }
            },
        ),
        endpoint(
            board,
            "blocked",
            names::QUERY_BLOCKED,
            |query| serde_json::from_slice(query),
            |board, query| async move { answers::blocked(&board, query).await },
        ),
    ])
}

fn endpoint<Q, A, F, Fut>(
    board: &Arc<Board>,
    name: &'static str,
    subject: &'static str,
    read: fn(&[u8]) -> Result<Q, serde_json::Error>,
    answer: F,
) -> Endpoint
where
    Q: Send + 'static,
    A: Serialize,
    F: Fn(Arc<Board>, Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
{
    let board = Arc::clone(board);
    Endpoint::new(name, subject, move |request: Request| {
        let board = Arc::clone(&board);
        let answer = answer.clone();
        async move {
            // Fields without names, which serde would take for a query too, are none.
            if request.payload.trim_ascii_start().first() == Some(&b'[') {
                let detail = format!("the request is not a {name} query: a list, not an object");
                return Err(Failure::Invalid(detail).into());
            }
            let query = read(&request.payload).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                ServiceError::from(Failure::Invalid(format!(
                    "the request is not a {name} query: line {line}, column {column}"
                )))
            })?;
            let answer = answer(board, query).await?;
            serde_json::to_vec(&answer).map_err(|error| Failure::Internal(error).into())
        }
    })
}
