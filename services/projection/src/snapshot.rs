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

use crate::announce::{Backwards, change_message};
use crate::answers::read;
use crate::board::Board;
use crate::failure::Failure;
use cursor::Cursor;

const USUAL_PAGE: u16 = 200;
/// 400 of the largest entries fit into a message of 256 KB.
const LARGEST_PAGE: u16 = 400;
/// How long the first page waits for the view.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at a stream that ends with messages of others, which are being told over.
const POLL: Duration = Duration::from_millis(50);

pub(crate) async fn changes(
    board: &Board,
    connection: &Connection,
    query: &ChangesQuery,
) -> Result<ChangesPage, Failure> {
    let limit = query.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Failure::Invalid(format!(
            "limit is from 1 to {LARGEST_PAGE}"
        )));
    }
    let cursor = begin_or_go_on(board, connection, query).await?;
    let page = read(board, |view| {
        let reading = view.read();
        let within = cursor.within.as_ref();
        let page = reading.all_that_stands(within, cursor.after.as_ref(), usize::from(limit))?;
        Ok((page, reading.sequence().0))
    });
    let (page, sequence) = page?;
    // The view may have become another one since the log's name was compared.
    if board.log_name().as_ref() != Some(&cursor.log) {
        return Err(Failure::NotReady);
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
    board: &Board,
    connection: &Connection,
    query: &ChangesQuery,
) -> Result<Cursor, Failure> {
    if let Some(after) = &query.after {
        let cursor = Cursor::parse(after)
            .filter(|cursor| cursor.within == query.account_id)
            .ok_or_else(|| {
                Failure::Invalid("after is not the next of a page of this query".to_owned())
            })?;
        is_of_this_log(board, &cursor.log).await?;
        board.reaches(Some(cursor.at_least)).await?;
        return Ok(cursor);
    }
    let first = tokio::time::timeout(PATIENCE, first_page(board, connection));
    let (log, at_least) = first.await.map_err(|_| Failure::NotYetApplied)??;
    Ok(Cursor {
        log,
        at_least,
        within: query.account_id.clone(),
        after: None,
    })
}

/// Waits until the view holds all that was told. Answers what the log is called, and how much of it
/// the later pages have to hold as well.
async fn first_page(board: &Board, connection: &Connection) -> Result<(String, u64), Failure> {
    let stream = ChangeStream::unchecked(connection);
    let claim = loop {
        let backwards = Backwards::from_end(&stream).await;
        let mut backwards = backwards.map_err(Failure::Untold)?;
        if backwards.is_empty() {
            break None;
        }
        let claim = backwards.claim().await.map_err(Failure::Untold)?;
        if claim.is_some() {
            break claim;
        }
        sleep(POLL).await;
    };
    let mut names = board.log_names();
    let (log, at_least) = match claim {
        Some((log, at_least)) => {
            // It fails only once the board is gone, and we hold it.
            drop(names.wait_for(|name| name.as_deref() == Some(&*log)).await);
            (log, at_least)
        }
        // Nothing was told yet.
        None => match names.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(log)) => (log.to_string(), 0),
            Ok(None) | Err(_) => return Err(Failure::NotReady),
        },
    };
    let mut applied = board.progress();
    drop(applied.wait_for(|applied| at_least <= *applied).await);
    Ok((log, at_least))
}

/// The pages of one query are of one log.
async fn is_of_this_log(board: &Board, log: &str) -> Result<(), Failure> {
    let mut names = board.log_names();
    let known = tokio::time::timeout(PATIENCE, names.wait_for(Option::is_some)).await;
    match known {
        Ok(Ok(name)) if name.as_deref() == Some(log) => Ok(()),
        Ok(Ok(_)) => Err(Failure::Gone(
            "the log is not the one that the first page was of: begin anew",
        )),
        Ok(Err(_)) | Err(_) => Err(Failure::NotReady),
    }
}
