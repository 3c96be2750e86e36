//! Telling others what changed: each change once, in the order of the log, however many
//! projections run, and none lost when one is killed between applying and telling.
//!
//! What was just applied comes through a bounded queue. Whatever did not come that way (the
//! queue was full, NATS was away, this process was dead) is read from the log again, from where
//! the stream of changes says that telling has got to.
//!
//! Nothing that others get into that stream stops the telling. `place` looks past it for the last
//! message that is true of this log, `inspect` hears at once what none of us said, `judge` says
//! what is ours and true, and `republish` has the last word: on the one subject, or, where the stream is
//! of another log or of a later state of this one, on all of them. `unblocked` tells of those whose
//! state changed without an event, as a message that blocked them is void, and `corrected` of those whose rows were wrong.

mod corrected;
mod finding;
mod inspect;
mod judge;
mod message;
mod place;
mod republish;
mod republish_progress;
mod resumable_publisher;
mod unblocked;
mod unknown_subjects;

use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_event_log::{EventLog, LogEntry};
use assent_messaging::{ChangeStream, ChangeStreamError, Connection};
use assent_metrics::projection::CHANGES_MENDING;
use assent_permission_store::{AggregateChange, ReadError, Reading, View, effective};
use assent_service_kit::Dependency;
use assent_service_kit::error_chain::with_sources;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::announce_error::AnnounceError;
use crate::entries::still_agrees;
use crate::served_view::ServedView;
use crate::voids::Voids;
use inspect::Inspector;
pub(crate) use message::change_message;
pub(crate) use place::Backwards;
use place::LogNames;
use resumable_publisher::ResumablePublisher;

/// Batches that wait to be told. When there are more, the log is read again instead.
pub(crate) const QUEUE: usize = 256;
const BATCH: usize = 512;
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked whether the stream of changes is still the same.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Messages of others that wait to be told over.
const FINDINGS: usize = 256;
/// Those that wait because their subjects were told over time and again just now.
const MOST_LATER: usize = 8192;

/// A batch that was applied.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The last event before the batch.
    pub(crate) after: u64,
    /// The last event of the batch.
    pub(crate) through: u64,
    /// What it changed.
    pub(crate) changes: Vec<TracedChange>,
    /// Those who were folded anew, as a message that blocked them is void.
    pub(crate) unblocked: Vec<Aggregate>,
}

/// A change, and the event that made it.
#[derive(Debug)]
pub(crate) struct TracedChange {
    pub(crate) change: AggregateChange,
    pub(crate) entry: LogEntry,
    /// The trace that telling it is a part of.
    pub(crate) traceparent: Option<String>,
}

/// What is told of: a log, and the view of it.
#[derive(Debug, Clone)]
pub(crate) struct LogAndView {
    pub(crate) log: EventLog,
    pub(crate) view: Arc<View>,
    pub(crate) served: Arc<ServedView>,
    pub(crate) voids: Voids,
}

impl LogAndView {
    /// Makes sure that the log is still the one that the view is of.
    async fn holds(&self) -> Result<(), AnnounceError> {
        if still_agrees(&self.view, &self.log).await? {
            Ok(())
        } else {
            Err(AnnounceError::Interrupted(
                "the log is not the one that the view is of",
            ))
        }
    }
}

/// Tells the changes of one log.
#[derive(Debug)]
pub(crate) struct ChangeAnnouncer {
    pub(crate) connection: Connection,
    pub(crate) ground: LogAndView,
    pub(crate) readiness: Dependency,
}

impl ChangeAnnouncer {
    /// Tells changes until the queue is closed. It never holds up whoever applies them.
    pub(crate) async fn run(self, mut queue: mpsc::Receiver<Applied>) {
        while let Err(error) = self.run_until_error(&mut queue).await {
            tracing::warn!(error = %with_sources(&error), "changes could not be told; trying again");
            match error {
                AnnounceError::Stream(ChangeStreamError::NotThere { stream }) => {
                    self.readiness.not_ready(format!(
                        "stream {stream} does not exist yet: start consent-gateway"
                    ));
                }
                // Queries are answered all the same, and what was not told will be.
                AnnounceError::Stream(_)
                | AnnounceError::ReadChanges(_)
                | AnnounceError::Publish(_)
                | AnnounceError::Hear(_)
                | AnnounceError::ReadLog(_)
                | AnnounceError::FollowLog(_)
                | AnnounceError::ReadView(_)
                | AnnounceError::Note(_)
                | AnnounceError::Encode(_)
                | AnnounceError::Task(_)
                | AnnounceError::Interrupted(_) => self
                    .readiness
                    .do_without("changes could not be told; trying again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn run_until_error(
        &self,
        queue: &mut mpsc::Receiver<Applied>,
    ) -> Result<(), AnnounceError> {
        let stream = ChangeStream::open(&self.connection).await?;
        let created = stream.created().await?;
        // Before anything is read, so that whatever comes after that is heard.
        let live = self.connection.subscribe(names::CHANGE_SUBJECTS).await?;
        let log_names = LogNames {
            source: format!("{}@{}", names::EVENT_STREAM, self.ground.log.identity()),
            former: self.ground.served.former_name_of_log(),
        };
        let mut telling =
            ResumablePublisher::resume(self.ground.clone(), log_names.clone(), stream.clone())
                .await?;
        // What is applied from here on comes through the queue.
        let mut covered = *self.ground.served.progress().borrow();
        self.show_mending(&telling);
        catch_up(&self.ground, &mut telling, covered).await?;
        telling.tell_blocked_and_unblocked().await?;
        telling.tell_corrected().await?;
        let stream_to_watch = stream.clone();
        let (found, mut findings) = mpsc::channel(FINDINGS);
        let inspector = Inspector {
            ground: self.ground.clone(),
            names: log_names,
            stream,
            live,
            findings: found,
            seen: telling.publisher.last_sequence(),
            through: telling.publisher.position().through,
        };
        // It ends with this scope, also when that is cancelled.
        let mut beside = JoinSet::new();
        beside.spawn(inspector.run());
        beside.spawn(until_another(stream_to_watch, created));
        loop {
            self.show_mending(&telling);
            for finding in telling.due() {
                telling.repair(&finding).await?;
            }
            if MOST_LATER < telling.foreign.len() {
                return Err(AnnounceError::Interrupted(
                    "others write more than can be told over",
                ));
            }
            let next = if telling.mending().is_some() {
                telling.mend_some().await?;
                // What changes meanwhile does not wait until all is told anew.
                match (queue.try_recv(), findings.try_recv()) {
                    (Err(mpsc::error::TryRecvError::Disconnected), _) => return Ok(()),
                    (applied, finding) => (applied.ok(), finding.ok()),
                }
            } else {
                tokio::select! {
                    applied = queue.recv() => match applied {
                        Some(applied) => (Some(applied), None),
                        None => return Ok(()),
                    },
                    finding = findings.recv() => (None, finding),
                    () = self.ground.served.corrections() => {
                        telling.tell_corrected().await?;
                        (None, None)
                    }
                    // Some wait for their turn.
                    () = tokio::time::sleep(PAUSE), if !telling.foreign.is_empty() => (None, None),
                    Some(ended) = beside.join_next() => {
                        ended??;
                        return Err(AnnounceError::Interrupted("changes are not heard any more"));
                    }
                }
            };
            if let (Some(applied), _) = &next {
                if covered < applied.after {
                    // Something did not fit into the queue.
                    catch_up(&self.ground, &mut telling, applied.after).await?;
                }
                telling.tell(&applied.changes).await?;
                telling.tell_unblocked(&applied.unblocked).await?;
                covered = covered.max(applied.through);
            }
            telling.foreign.extend(next.1);
        }
    }

    /// Telling all anew is an incident until it is done.
    fn show_mending(&self, telling: &ResumablePublisher) {
        if telling.mending().is_none() {
            CHANGES_MENDING.set(0.0);
            self.readiness.ready();
        } else {
            CHANGES_MENDING.set(1.0);
            self.readiness.not_ready(
                "the stream of changes does not agree with the log: telling all that stands anew",
            );
        }
    }
}

/// Looks whether the stream is still the one that is told to. One that was lost and made anew holds nothing: all that stands
/// is told anew, though nothing may have changed.
async fn until_another(stream: ChangeStream, created: Option<String>) -> Result<(), AnnounceError> {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match stream.created().await {
            Ok(now) if now == created => {}
            Ok(_) => {
                return Err(AnnounceError::Interrupted(
                    "the stream of changes is not the one that it was",
                ));
            }
            // Whether it can be reached shows when something is told.
            Err(_) => {}
        }
    }
}

/// Tells what lies between where telling has got to and `through`. Of an account or user that
/// changed again since, only the newest change is told, as the stream keeps no older one.
async fn catch_up(
    ground: &LogAndView,
    telling: &mut ResumablePublisher,
    through: u64,
) -> Result<(), AnnounceError> {
    let mut next = telling.publisher.position().through;
    if through <= next {
        return Ok(());
    }
    tracing::info!(
        from = next,
        through,
        "telling changes that were not told yet"
    );
    let mut follow = ground.log.follow(assent_domain::ids::Sequence(next));
    while next < through {
        let entries = follow.next_batch(BATCH, PATIENCE).await?;
        if let Some(last) = entries.last() {
            next = last.sequence().0;
        }
        let mut announced = Vec::new();
        for entry in entries {
            if entry.sequence().0 <= through
                && let Some(aggregate) = entry.aggregate()
                && let Some(change) = newest(&ground.view.read(), aggregate, entry.sequence().0)?
            {
                announced.push(TracedChange {
                    change,
                    traceparent: entry.traceparent().map(str::to_owned),
                    entry,
                });
            }
        }
        telling.tell(&announced).await?;
    }
    Ok(())
}

/// The change that an event made, if it is the last of its account or user.
fn newest(
    reading: &Reading<'_>,
    aggregate: Aggregate,
    sequence: u64,
) -> Result<Option<AggregateChange>, ReadError> {
    let account = reading.account(aggregate.account())?;
    let (last, effective) = match &aggregate {
        Aggregate::Account(_) => (account.last_sequence(), None),
        Aggregate::User(id, user) => {
            let user = reading.user(id, user)?;
            (user.last_sequence(), Some(effective(&account, &user)))
        }
    };
    let change = AggregateChange {
        aggregate,
        sequence: last,
        method: account.method(),
        effective,
    };
    Ok((last.0 == sequence).then_some(change))
}
