//! Fetching what is permitted to everybody: asked over NATS, page by page.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::known_permissions::Change;
use crate::assent::nats_query::{self, QueryError};

const SUBJECT: &str = "consent.query.v1.changes";
/// A projection that lags waits for two seconds before it says so.
const DEADLINE: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct ChangesRequest<'a> {
    /// This company and its users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    /// The cursor that the page before ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    log: String,
    changes: Vec<Change>,
    next: Option<String>,
}

/// All pages of an answer.
pub(super) struct Snapshot {
    /// The log that they reflect.
    pub(super) log: String,
    pub(super) entries: Vec<Change>,
}

/// Why the pages could not be fetched. Asking anew, from the first page, is always right.
#[derive(Debug, thiserror::Error)]
pub(super) enum PagesError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the log became another one between two pages")]
    AnotherLog,
}

/// Fetches all pages, of one company or of all, and keeps the entries that are wanted.
pub(super) async fn fetch_all(
    nats: &async_nats::Client,
    account: Option<&str>,
    wanted: impl Fn(&Change) -> bool,
) -> Result<Snapshot, PagesError> {
    let mut entries = Vec::new();
    let (mut log, mut after) = (None, None);
    loop {
        let body = ChangesRequest {
            account_id: account,
            after,
        };
        let page: Page = nats_query::request(nats, SUBJECT, &body, DEADLINE).await?;
        if log.get_or_insert_with(|| page.log.clone()) != &page.log {
            return Err(PagesError::AnotherLog);
        }
        entries.extend(page.changes.into_iter().filter(|entry| wanted(entry)));
        match page.next {
            Some(next) => after = Some(next),
            None => {
                return Ok(Snapshot {
                    log: page.log,
                    entries,
                });
            }
        }
    }
}
