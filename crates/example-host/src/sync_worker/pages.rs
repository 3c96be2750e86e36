//! How everybody stands: asked over NATS, page by page.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::standing::Change;

const SUBJECT: &str = "consent.query.v1.changes";
/// A projection that lags waits for two seconds before it says so.
const DEADLINE: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Question<'a> {
    /// This company and its users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    log: String,
    changes: Vec<Change>,
    next: Option<String>,
}

/// Why it is not known how everybody stands. Asking anew, from the first page, is always right.
#[derive(Debug, thiserror::Error)]
pub(super) enum PagesError {
    #[error("no answer")]
    NoAnswer(#[from] async_nats::RequestError),
    #[error("refused: {0}")]
    Refused(String),
    #[error("the question or the answer cannot be put as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the log became another one between two pages")]
    AnotherLog,
}

/// Asks for all pages, of one company or of all: which log they are of, and those entries that are wanted.
pub(super) async fn ask(
    nats: &async_nats::Client,
    account: Option<&str>,
    wanted: impl Fn(&Change) -> bool,
) -> Result<(String, Vec<Change>), PagesError> {
    let mut entries = Vec::new();
    let (mut log, mut after) = (None, None);
    loop {
        let question = serde_json::to_vec(&Question {
            account_id: account,
            after,
        })?;
        let request = async_nats::Request::new()
            .payload(question.into())
            .timeout(Some(DEADLINE));
        let answer = nats.send_request(SUBJECT, request).await?;
        // A NATS micro service says in a header what went wrong.
        let refusal = answer.headers.as_ref();
        if let Some(refusal) = refusal.and_then(|headers| headers.get("Nats-Service-Error")) {
            return Err(PagesError::Refused(refusal.to_string()));
        }
        let page: Page = serde_json::from_slice(&answer.payload)?;
        if log.get_or_insert_with(|| page.log.clone()) != &page.log {
            return Err(PagesError::AnotherLog);
        }
        entries.extend(page.changes.into_iter().filter(|entry| wanted(entry)));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((page.log, entries)),
        }
    }
}
