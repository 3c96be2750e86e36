//! How everybody stands, page by page: what a sync worker begins with.
//!
//! The worker listens before it asks. So the first page may say no less than what was told before:
//! it waits until the view has got where the stream of changes says that telling has. The cursor
//! carries that to the later pages, whichever replica answers them.

mod cursor;

use std::time::Duration;

use assent_contract::query::{ChangesPage, ChangesQuery};
use assent_messaging::{ChangeStream, Connection};
use tokio::time::sleep;

use crate::answers::read;
use crate::change_announcer::{Backwards, change_message};
use crate::query_failure::QueryFailure;
use crate::served_view::ServedView;
use cursor::Cursor;

const USUAL_PAGE: u16 = 200;
/// 400 of the largest entries fit into a message of 256 KB.
const LARGEST_PAGE: u16 = 400;
/// How long the first page waits for the view.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at a stream that ends with messages of others, which are being told over.
const POLL: Duration = Duration::from_millis(50);

pub(crate) async fn changes(
    served: &ServedView,
    connection: &Connection,
    query: &ChangesQuery,
) -> Result<ChangesPage, QueryFailure> {
    let limit = query.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(QueryFailure::Invalid(format!(
            "limit is from 1 to {LARGEST_PAGE}"
        )));
    }
    let cursor = begin_or_go_on(served, connection, query).await?;
    let page = read(served, |view| {
        let reading = view.read();
        let within = cursor.within.as_ref();
        let page = reading.current_changes(within, cursor.after.as_ref(), usize::from(limit))?;
        Ok((page, reading.sequence().0))
    });
    let (page, sequence) = page?;
    // The view may have become another one since the log's name was compared.
    if served.log_name().as_ref() != Some(&cursor.log) {
        return Err(QueryFailure::NotReady);
    }
    let last = page.changes.last().map(|change| change.aggregate.clone());
    let next = last.filter(|_| page.more).map(|last| Cursor {
        after: Some(last),
        ..cursor.clone()
    });
    Ok(ChangesPage {
        log: cursor.log,
        sequence,
        changes: page.changes.iter().map(change_message).collect(),
        next: next.map(|next| next.to_string()),
    })
}

/// Where the page begins, once the view has got far enough for it.
async fn begin_or_go_on(
    served: &ServedView,
    connection: &Connection,
    query: &ChangesQuery,
) -> Result<Cursor, QueryFailure> {
    if let Some(after) = &query.after {
        let cursor = Cursor::parse(after)
            .filter(|cursor| cursor.within == query.account_id)
            .ok_or_else(|| {
                QueryFailure::Invalid("after is not the next of a page of this query".to_owned())
            })?;
        is_of_this_log(served, &cursor.log).await?;
        served.reaches(Some(cursor.at_least)).await?;
        return Ok(cursor);
    }
    let first = tokio::time::timeout(PATIENCE, first_page(served, connection));
    let (log, at_least) = first.await.map_err(|_| QueryFailure::NotYetApplied)??;
    Ok(Cursor {
        log,
        at_least,
        within: query.account_id.clone(),
        after: None,
    })
}

/// Waits until the view holds all that was told. Answers what the log is called, and how much of it
/// the later pages have to hold as well.
async fn first_page(
    served: &ServedView,
    connection: &Connection,
) -> Result<(String, u64), QueryFailure> {
    let stream = ChangeStream::unchecked(connection);
    let claim = loop {
        let backwards = Backwards::from_end(&stream).await;
        let mut backwards = backwards.map_err(QueryFailure::Untold)?;
        if backwards.is_empty() {
            break None;
        }
        let claim = backwards.claim().await.map_err(QueryFailure::Untold)?;
        if claim.is_some() {
            break claim;
        }
        sleep(POLL).await;
    };
    let mut names = served.log_names();
    let (log, at_least) = match claim {
        Some((log, at_least)) => {
            // It fails only once the served is gone, and we hold it.
            drop(names.wait_for(|name| name.as_deref() == Some(&*log)).await);
            (log, at_least)
        }
        // Nothing was told yet.
        None => match names.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(log)) => (log.to_string(), 0),
            Ok(None) | Err(_) => return Err(QueryFailure::NotReady),
        },
    };
    let mut applied = served.progress();
    drop(applied.wait_for(|applied| at_least <= *applied).await);
    Ok((log, at_least))
}

/// The pages of one query are of one log.
async fn is_of_this_log(served: &ServedView, log: &str) -> Result<(), QueryFailure> {
    let mut names = served.log_names();
    let known = tokio::time::timeout(PATIENCE, names.wait_for(Option::is_some)).await;
    match known {
        Ok(Ok(name)) if name.as_deref() == Some(log) => Ok(()),
        Ok(Ok(_)) => Err(QueryFailure::Gone(
            "the log is not the one that the first page was of: begin anew",
        )),
        Ok(Err(_)) | Err(_) => Err(QueryFailure::NotReady),
    }
}
