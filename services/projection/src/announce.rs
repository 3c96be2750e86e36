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
use assent_domain::ids::Sequence;
use assent_event_log::EventLog;
use assent_messaging::{
    Change as Message, ChangePublisher, ChangeStream, ChangeStreamError, Connection, Published,
};
use assent_permission_store::{Change, ReadError, Reading, effective};
use assent_service_kit::Dependency;
use assent_service_kit::telemetry::chain;
use tokio::sync::mpsc;

use crate::board::Board;
use crate::voids::Voids;

/// Batches that wait to be told. When there are more, the log is read again instead.
pub(crate) const QUEUE: usize = 256;
const BATCH: usize = 512;
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(500);

/// The header of a change that was told anew because a message is void: its place in the log.
const VOID: &str = "Assent-Void";

/// A batch that was applied.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The last event before the batch.
    pub(crate) after: u64,
    /// The last event of the batch.
    pub(crate) through: u64,
    /// What it changed.
    pub(crate) changes: Vec<Announced>,
    /// Somebody who was blocked by a message that is void is no longer.
    pub(crate) unblocked: bool,
}

/// A change, and the trace that its event was recorded in.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) change: Change,
    pub(crate) traceparent: Option<String>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Tells the changes of one log.
#[derive(Debug)]
pub(crate) struct Announcer {
    pub(crate) connection: Connection,
    pub(crate) log: EventLog,
    pub(crate) board: Arc<Board>,
    pub(crate) readiness: Dependency,
    pub(crate) voids: Voids,
}

impl Announcer {
    /// Tells changes until the queue is closed. It never holds up whoever applies them.
    pub(crate) async fn run(self, mut queue: mpsc::Receiver<Applied>) {
        while let Err(error) = self.until_trouble(&mut queue).await {
            tracing::warn!(error = %chain(&*error), "changes could not be told; trying again");
            match error.downcast_ref() {
                Some(ChangeStreamError::NotThere { stream }) => self.readiness.not_ready(format!(
                    "stream {stream} does not exist yet: start consent-gateway"
                )),
                // Queries are answered all the same, and what was not told will be.
                _ => self
                    .readiness
                    .do_without("changes could not be told; trying again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn until_trouble(&self, queue: &mut mpsc::Receiver<Applied>) -> Result<(), Error> {
        let stream = ChangeStream::open(&self.connection).await?;
        let source = format!("{}@{}", names::EVENT_STREAM, self.log.identity());
        let mut publisher = ChangePublisher::resume(stream, source).await?;
        // What is applied from here on comes through the queue.
        let mut covered = *self.board.progress().borrow();
        catch_up(&self.log, &self.board, &mut publisher, covered).await?;
        self.tell_unblocked(&mut publisher).await?;
        self.readiness.ready();
        while let Some(applied) = queue.recv().await {
            if covered < applied.after {
                // Something did not fit into the queue.
                catch_up(&self.log, &self.board, &mut publisher, applied.after).await?;
            }
            let messages = applied
                .changes
                .iter()
                .map(|announced| message(&announced.change, announced.traceparent.clone()))
                .collect::<Result<Vec<_>, _>>()?;
            publish(&mut publisher, messages).await?;
            covered = covered.max(applied.through);
            if applied.unblocked {
                self.tell_unblocked(&mut publisher).await?;
            }
        }
        Ok(())
    }

    /// Tells anew how everybody stands of whom the last thing told was that a message blocks them
    /// which is void. Nothing of the log says so, so it is told as of the whole view; and a mark
    /// keeps it from being told twice, by whichever replica and after whatever interruption.
    async fn tell_unblocked(&self, publisher: &mut ChangePublisher) -> Result<(), Error> {
        for (aggregate, void) in self.voids.last_of_each() {
            let subject = names::change_subject(&aggregate);
            let Some(told) = publisher.last_told(&subject).await? else {
                continue;
            };
            let told_as_of = serde_json::from_slice(&told).map(|told: Told| told.sequence);
            if !told_as_of.is_ok_and(|sequence| self.voids.has(Sequence(sequence))) {
                continue;
            }
            let view = self.board.view().map_err(|_| "the view is being rebuilt")?;
            let change = present(&view.read(), aggregate)?;
            let message = message(&change, None)?;
            publisher
                .repeat(&message.subject, &message.payload, (VOID, void.0))
                .await?;
        }
        Ok(())
    }
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
    let mut follow = log.follow(Sequence(next));
    while next < through {
        let entries = follow.next_batch(BATCH, PATIENCE).await?;
        let view = board.view().map_err(|_| "the view is being rebuilt")?;
        let mut messages = Vec::new();
        for entry in entries.iter().filter(|entry| entry.sequence().0 <= through) {
            if let Some(aggregate) = entry.aggregate()
                && let Some(change) = newest(&view.read(), aggregate, entry.sequence().0)?
            {
                messages.push(message(&change, entry.traceparent().map(str::to_owned))?);
            }
        }
        if let Some(last) = entries.last() {
            next = last.sequence().0;
        }
        publish(publisher, messages).await?;
    }
    Ok(())
}

/// How somebody stands now, as of the whole view.
fn present(reading: &Reading<'_>, aggregate: Aggregate) -> Result<Change, ReadError> {
    let account = reading.account(aggregate.account())?;
    let effective = match &aggregate {
        Aggregate::Company(_) => None,
        Aggregate::User(id, user) => Some(effective(&account, &reading.user(id, user)?)),
    };
    Ok(Change {
        aggregate,
        sequence: reading.sequence(),
        method: account.method(),
        effective,
    })
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

fn message(change: &Change, traceparent: Option<String>) -> Result<Message, serde_json::Error> {
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
        traceparent,
    })
}

async fn publish(publisher: &mut ChangePublisher, messages: Vec<Message>) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let outcomes = publisher.publish_batch(messages).await?;
    let ours = outcomes
        .iter()
        .filter(|outcome| **outcome == Published::Now);
    let now = ours.count();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    metrics::counter!("assent_changes_published_total").increment(now);
    Ok(())
}
