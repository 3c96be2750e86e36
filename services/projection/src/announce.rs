//! Telling others what changed: each change once, in the order of the log, however many
//! projections run, and none lost when one is killed between applying and telling.
//!
//! What was just applied comes through a bounded queue. Whatever did not come that way (the
//! queue was full, NATS was away, this process was dead) is read from the log again, from where
//! the stream of changes says that telling has got to.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::change::Change as Told;
use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_event_log::EventLog;
use assent_messaging::{Change as Message, ChangePublisher, ChangeStream, Connection, Published};
use assent_permission_store::{Change, ReadError, Reading, effective};
use assent_service_kit::telemetry::chain;
use tokio::sync::mpsc;

use crate::board::Board;

/// Batches that wait to be told. When there are more, the log is read again instead.
pub(crate) const QUEUE: usize = 256;
const BATCH: usize = 512;
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(500);

/// A batch that was applied.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The last event before the batch.
    pub(crate) after: u64,
    /// The last event of the batch.
    pub(crate) through: u64,
    /// What it changed.
    pub(crate) changes: Vec<Change>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Tells changes of one log until the queue is closed.
pub(crate) async fn announce(
    connection: Connection,
    log: EventLog,
    board: Arc<Board>,
    mut queue: mpsc::Receiver<Applied>,
) {
    loop {
        match announce_until_trouble(&connection, &log, &board, &mut queue).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = %chain(&*error), "changes could not be told; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn announce_until_trouble(
    connection: &Connection,
    log: &EventLog,
    board: &Board,
    queue: &mut mpsc::Receiver<Applied>,
) -> Result<(), Error> {
    let stream = ChangeStream::open(connection).await?;
    let source = format!("{}@{}", names::EVENT_STREAM, log.identity());
    let mut publisher = ChangePublisher::resume(stream, source).await?;
    // What is applied from here on comes through the queue.
    let mut covered = *board.progress().borrow();
    catch_up(log, board, &mut publisher, covered).await?;
    while let Some(applied) = queue.recv().await {
        if covered < applied.after {
            // Something did not fit into the queue.
            catch_up(log, board, &mut publisher, applied.after).await?;
        }
        let messages = applied
            .changes
            .iter()
            .map(message)
            .collect::<Result<Vec<_>, _>>()?;
        publish(&mut publisher, messages).await?;
        covered = covered.max(applied.through);
    }
    Ok(())
}

/// Tells what lies between where telling has got to and `through`. Of an account or user that
/// changed again since, only the newest change is told, as the stream keeps no older one.
async fn catch_up(
    log: &EventLog,
    board: &Board,
    publisher: &mut ChangePublisher,
    through: u64,
) -> Result<(), Error> {
    let mut next = publisher.published_through();
    if through <= next {
        return Ok(());
    }
    tracing::info!(
        from = next,
        through,
        "telling changes that were not told yet"
    );
    let mut follow = log.follow(assent_domain::ids::Sequence(next));
    while next < through {
        let entries = follow.next_batch(BATCH, PATIENCE).await?;
        let view = board.view().map_err(|_| "the view is being rebuilt")?;
        let mut messages = Vec::new();
        for entry in entries.iter().filter(|entry| entry.sequence().0 <= through) {
            if let Some(aggregate) = entry.aggregate()
                && let Some(change) = newest(&view.read(), aggregate, entry.sequence().0)?
            {
                let traceparent = entry.traceparent().map(str::to_owned);
                messages.push(Message {
                    traceparent,
                    ..message(&change)?
                });
            }
        }
        if let Some(last) = entries.last() {
            next = last.sequence().0;
        }
        publish(publisher, messages).await?;
    }
    Ok(())
}

/// The change that an event made, if it is the last of its account or user.
fn newest(
    reading: &Reading<'_>,
    aggregate: Aggregate,
    sequence: u64,
) -> Result<Option<Change>, ReadError> {
    let account = reading.account(aggregate.account())?;
    let (last, effective) = match &aggregate {
        Aggregate::Company(_) => (account.last_sequence(), None),
        Aggregate::User(id, user) => {
            let user = reading.user(id, user)?;
            (user.last_sequence(), Some(effective(&account, &user)))
        }
    };
    let change = Change {
        aggregate,
        sequence: last,
        method: account.method(),
        effective,
    };
    Ok((last.0 == sequence).then_some(change))
}

fn message(change: &Change) -> Result<Message, serde_json::Error> {
    let (account, user) = match &change.aggregate {
        Aggregate::Company(account) => (account, None),
        Aggregate::User(account, user) => (account, Some(user)),
    };
    let told = Told {
        account_id: account.clone(),
        user_id: user.cloned(),
        method: change.method.into(),
        effective: change.effective.map(Into::into),
        sequence: change.sequence.0,
    };
    Ok(Message {
        source_sequence: change.sequence.0,
        subject: names::change_subject(&change.aggregate),
        payload: serde_json::to_vec(&told)?,
        traceparent: None,
    })
}

async fn publish(publisher: &mut ChangePublisher, messages: Vec<Message>) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let published = publisher.publish_batch(messages).await?;
    let now = published
        .iter()
        .filter(|published| **published == Published::Now)
        .count();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    metrics::counter!("assent_changes_published_total").increment(now);
    Ok(())
}
