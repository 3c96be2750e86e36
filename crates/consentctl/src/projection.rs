//! What the projection answers.

use std::time::Duration;

use assent_contract::names::{QUERY_ACCOUNT, QUERY_BLOCKED, QUERY_PERMISSIONS, QUERY_USERS};
use assent_contract::problem::{Problem, code};
use assent_contract::query::{
    AccountAnswer, AccountQuery, AggregateId, BlockedPage, BlockedQuery, PermissionsAnswer,
    UserQuery, UsersPage, UsersQuery,
};
use assent_domain::ids::AccountId;
use assent_messaging::{Connection, RequestError};
use assent_service_kit::telemetry::chain;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The projection itself waits up to two seconds for a write that it has not applied yet.
const DEADLINE: Duration = Duration::from_secs(4);

/// The largest page that there is, and how many of them are asked for.
const PAGE: u16 = 1000;
const PAGES: usize = 1000;

/// Why the projection did not answer what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Nobody answers.
    #[error("the projection is not reachable")]
    NotReachable(#[source] RequestError),
    /// It has not come as far in the log as it was to.
    #[error("the projection has not applied the event yet")]
    NotYetApplied,
    /// It answered something else.
    #[error("the projection can't answer: {0}")]
    Refused(String),
}

impl Unanswered {
    /// In a line.
    pub(crate) fn line(&self) -> String {
        chain(self).to_string()
    }
}

pub(crate) async fn account(
    connection: &Connection,
    account: &AccountId,
    at_least: Option<u64>,
) -> Result<AccountAnswer, Unanswered> {
    let query = AccountQuery {
        account_id: account.clone(),
        at_least,
    };
    ask(connection, QUERY_ACCOUNT, &query).await
}

pub(crate) async fn permissions(
    connection: &Connection,
    query: &UserQuery,
) -> Result<PermissionsAnswer, Unanswered> {
    ask(connection, QUERY_PERMISSIONS, query).await
}

/// A page of those of whom something can't be believed.
pub(crate) async fn blocked(
    connection: &Connection,
    after: Option<AggregateId>,
    limit: u16,
) -> Result<BlockedPage, Unanswered> {
    let query = BlockedQuery {
        after,
        limit: Some(limit),
        at_least: None,
    };
    ask(connection, QUERY_BLOCKED, &query).await
}

/// How many users of the account it knows.
pub(crate) async fn users(connection: &Connection, account: &AccountId) -> Result<u64, Unanswered> {
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
    Err(Unanswered::Refused(format!(
        "there are more users than {count}"
    )))
}

async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    query: &impl Serialize,
) -> Result<T, Unanswered> {
    let nonsense = |error: serde_json::Error| Unanswered::Refused(error.to_string());
    let query = serde_json::to_vec(query).map_err(nonsense)?;
    match connection.request(subject, query, None, DEADLINE).await {
        Ok(answer) => serde_json::from_slice(&answer).map_err(nonsense),
        Err(RequestError::Service { description, .. }) if description == code::NOT_YET_APPLIED => {
            Err(Unanswered::NotYetApplied)
        }
        Err(RequestError::Service {
            description, body, ..
        }) => Err(Unanswered::Refused(
            serde_json::from_slice(&body).map_or(description, |problem: Problem| problem.detail),
        )),
        Err(
            error @ (RequestError::NotConnected
            | RequestError::NoResponders { .. }
            | RequestError::TimedOut { .. }
            | RequestError::NotPermitted { .. }
            | RequestError::TooLarge { .. }
            | RequestError::CannotBeSent { .. }),
        ) => Err(Unanswered::NotReachable(error)),
    }
}
