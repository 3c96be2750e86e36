//! Queries to the projection.

use std::time::Duration;

use assent_contract::names::{QUERY_ACCOUNT, QUERY_BLOCKED, QUERY_PERMISSIONS, QUERY_USERS};
use assent_contract::problem::{ErrorCode, Problem};
use assent_contract::query::{
    AccountAnswer, AccountQuery, AggregateId, BlockedPage, BlockedQuery, PermissionsAnswer,
    UserQuery, UsersPage, UsersQuery,
};
use assent_domain::ids::AccountId;
use assent_messaging::{Connection, RequestError};
use assent_service_kit::error_chain::with_sources;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The projection itself waits up to two seconds for a write that it has not applied yet.
const DEADLINE: Duration = Duration::from_secs(4);

/// The largest page that there is, and how many of them are asked for.
const PAGE: u16 = 1000;
const PAGES: usize = 1000;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    /// No projection answers.
    #[error("the projection is not reachable")]
    NotReachable(#[source] RequestError),
    /// The projection has not come as far in the log as it was to.
    #[error("the projection has not applied the event yet")]
    NotYetApplied,
    /// The projection is past what was asked for.
    #[error("{0}")]
    Gone(String),
    /// The projection refused, or answered something that is no answer.
    #[error("the projection can't answer: {0}")]
    Refused(String),
}

impl QueryError {
    /// The error and its sources, on one line.
    pub(crate) fn to_line(&self) -> String {
        with_sources(self).to_string()
    }
}

/// Fetches an account's method and consent.
pub(crate) async fn account(
    connection: &Connection,
    account: &AccountId,
    at_least: Option<u64>,
) -> Result<AccountAnswer, QueryError> {
    let query = AccountQuery {
        account_id: account.clone(),
        at_least,
    };
    ask(connection, QUERY_ACCOUNT, &query).await
}

/// Fetches the permissions in force for a user.
pub(crate) async fn permissions(
    connection: &Connection,
    query: &UserQuery,
) -> Result<PermissionsAnswer, QueryError> {
    ask(connection, QUERY_PERMISSIONS, query).await
}

/// Fetches a page of the accounts and users that are blocked.
pub(crate) async fn blocked(
    connection: &Connection,
    after: Option<AggregateId>,
    limit: u16,
) -> Result<BlockedPage, QueryError> {
    let query = BlockedQuery {
        after,
        limit: Some(limit),
        at_least: None,
    };
    ask(connection, QUERY_BLOCKED, &query).await
}

/// Counts the users of an account that the projection knows.
pub(crate) async fn users(connection: &Connection, account: &AccountId) -> Result<u64, QueryError> {
    let mut query = UsersQuery {
        account_id: account.clone(),
        after: None,
        limit: Some(PAGE),
        at_least: None,
    };
    let mut count = 0;
    for _ in 0..PAGES {
        let page: UsersPage = ask(connection, QUERY_USERS, &query).await?;
        count += u64::try_from(page.users.len()).unwrap_or(u64::MAX);
        if page.next.is_none() {
            return Ok(count);
        }
        query.after = page.next;
    }
    Err(QueryError::Refused(format!(
        "there are more users than {count}"
    )))
}

async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    query: &impl Serialize,
) -> Result<T, QueryError> {
    let nonsense = |error: serde_json::Error| QueryError::Refused(error.to_string());
    let query = serde_json::to_vec(query).map_err(nonsense)?;
    read_answer(connection.request(subject, query, None, DEADLINE).await)
}

/// What was answered, or why nothing was.
pub(crate) fn read_answer<T: DeserializeOwned>(
    answer: Result<Vec<u8>, RequestError>,
) -> Result<T, QueryError> {
    match answer {
        Ok(answer) => {
            serde_json::from_slice(&answer).map_err(|error| QueryError::Refused(error.to_string()))
        }
        Err(RequestError::Service { description, .. })
            if description == ErrorCode::NotYetApplied.as_str() =>
        {
            Err(QueryError::NotYetApplied)
        }
        Err(RequestError::Service {
            description, body, ..
        }) => {
            let is_over = description == ErrorCode::Gone.as_str();
            let detail = serde_json::from_slice(&body);
            let detail = detail.map_or(description, |problem: Problem| problem.detail);
            Err(if is_over {
                QueryError::Gone(detail)
            } else {
                QueryError::Refused(detail)
            })
        }
        Err(
            error @ (RequestError::NotConnected
            | RequestError::NoResponders { .. }
            | RequestError::TimedOut { .. }
            | RequestError::NotPermitted { .. }
            | RequestError::TooLarge { .. }
            | RequestError::CannotBeSent { .. }),
        ) => Err(QueryError::NotReachable(error)),
    }
}
