//! Following the log: catch up, go on live, and begin again after whatever goes wrong.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, FollowError, LogEntry, ReadError};
use assent_messaging::{Connection, ConnectionState};
use assent_permission_store::{Entry, View};
use assent_service_kit::telemetry::chain;
use assent_service_kit::{Dependency, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::announce::{Announced, Announcer, Applied, Ground, QUEUE};
use crate::board::{Board, show_counts};
use crate::find_view::{Finder, still_agrees};
use crate::trouble::{Log, Outlook, Trouble};

/// Readers wait for a whole batch, so live ones are small.
const LIVE_BATCH: usize = 64;
/// Far behind, getting there matters more.
const BEHIND_BATCH: usize = 1024;
const FAR_BEHIND: u64 = 4096;
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts at what failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the log is asked how long it is.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// What keeps up, and whom it tells.
#[derive(Debug)]
pub(crate) struct KeepUp {
    pub(crate) connection: Connection,
    pub(crate) directory: PathBuf,
    pub(crate) board: Arc<Board>,
    pub(crate) readiness: Dependency,
    pub(crate) changes: Dependency,
    pub(crate) runtime: Runtime,
}

impl KeepUp {
    /// Keeps up until the program stops.
    pub(crate) async fn run(self) {
        let mut finder = Finder {
            directory: self.directory.clone(),
            board: Arc::clone(&self.board),
            readiness: self.readiness.clone(),
            runtime: self.runtime.clone(),
            view: None,
            distrusted: false,
        };
        self.readiness.not_ready("connecting to the event log");
        // Asking before there is a connection would cost the pause after a failure.
        let mut states = self.connection.state_changes();
        tokio::select! {
            () = self.runtime.shutdown_requested() => return,
            _ = states.wait_for(|state| *state == ConnectionState::Connected) => {}
        }
        loop {
            let trouble = tokio::select! {
                () = self.runtime.shutdown_requested() => break,
                trouble = self.follow_until_trouble(&mut finder) => trouble,
            };
            trouble.measure();
            match trouble.log_is() {
                Log::AsItWas => {}
                Log::Gone => self.board.withhold(),
                Log::Another => self.board.disown_log(),
            }
            match trouble.outlook() {
                Outlook::Rebuild => {
                    tracing::error!(error = %chain(&trouble), "the view can't be believed");
                    finder.distrusted = true;
                    self.board.serve(None);
                }
                Outlook::Resume => {
                    tracing::warn!(error = %chain(&trouble), "the log is not followed; trying again");
                }
            }
            self.readiness.not_ready(trouble.reason());
            tokio::select! {
                () = self.runtime.shutdown_requested() => break,
                () = sleep(PAUSE) => {}
            }
        }
        // What was applied and not written yet would only be read from the log again.
        if let Some(Err(damage)) = finder.view.map(|view| block_in_place(|| view.flush())) {
            tracing::warn!(error = %chain(&damage), "the view could not be flushed");
        }
    }

    /// Follows the log, and returns only when something is wrong.
    async fn follow_until_trouble(&self, finder: &mut Finder) -> Trouble {
        let log = match EventLog::open(&self.connection).await {
            Ok(log) => log,
            Err(error) => return Trouble::Open(error),
        };
        let view = match finder.find(&log).await {
            Ok(view) => view,
            Err(trouble) => return trouble,
        };
        metrics::gauge!("assent_projection_gap_at_sequence").set(0.0);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let announcer = Announcer {
            connection: self.connection.clone(),
            ground: Ground {
                log: log.clone(),
                view: Arc::clone(&view),
                board: Arc::clone(&self.board),
            },
            readiness: self.changes.clone(),
        };
        // It ends with this scope, also when that is cancelled.
        let mut beside = JoinSet::new();
        beside.spawn(announcer.run(waiting));
        tokio::select! {
            trouble = self.live(&log, &view, queue) => trouble,
            trouble = self.measure(&log, &view) => trouble,
            _ = beside.join_next() => Trouble::Ended,
        }
    }

    /// Keeps asking how long the log is: an entry that never arrives must show as a lag. Returns
    /// when the log is not the one that is followed; nothing needs to arrive for that to be noticed.
    async fn measure(&self, log: &EventLog, view: &View) -> Trouble {
        let mut tick = interval(MEASURE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = self.connection.state_changes();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                // Whoever sets a log back stops its server for that.
                changed = connection.changed() => if changed.is_err() {
                    tick.tick().await;
                },
            }
            // Before the log is asked: what is applied meanwhile makes it no shorter.
            let seen = view.cursor();
            let status = match log.status().await {
                Ok(status) => status,
                Err(error @ ReadError::NotThere) => return Trouble::Read(error),
                // Being out of reach ends nothing: following waits, and goes on.
                Err(_) => continue,
            };
            if status.created != *log.identity() {
                return Trouble::Follow(FollowError::StreamReplaced {
                    expected: log.identity().clone(),
                    found: status.created,
                });
            }
            if status.last_sequence < seen.sequence {
                return Trouble::Follow(FollowError::RolledBack {
                    seen: seen.sequence,
                    last: status.last_sequence,
                });
            }
            match log.entry(seen.sequence).await {
                Ok(Some(entry)) if *entry.hash().as_bytes() != seen.hash => {
                    return Trouble::OtherEvents(seen.sequence);
                }
                // What can't be read shows when it is to be applied.
                Ok(_) | Err(_) => self.board.heard_of(status.last_sequence.0),
            }
        }
    }

    /// Applies events as they come.
    async fn live(&self, log: &EventLog, view: &View, queue: mpsc::Sender<Applied>) -> Trouble {
        let caught_up_at = self.board.stream_last();
        let mut follow = log.follow(view.cursor().sequence);
        // The queue was full: whoever tells has to hear that it missed something.
        let mut untold = false;
        let mut states = self.connection.state_changes();
        loop {
            let after = view.cursor().sequence.0;
            if caught_up_at <= after {
                self.readiness.ready();
                self.board.answer_queries();
            }
            let behind = self.board.stream_last().saturating_sub(after);
            let most = if FAR_BEHIND < behind {
                BEHIND_BATCH
            } else {
                LIVE_BATCH
            };
            let entries = tokio::select! {
                () = self.board.damage_reported() => return Trouble::Damaged,
                entries = follow.next_batch(most, PATIENCE) => match entries {
                    Ok(entries) => entries,
                    Err(error) => return Trouble::Follow(error),
                },
            };
            // A log that was set back while its server was away goes on from where it is now: its
            // next events must not be put on top of what is there no longer.
            if !entries.is_empty() && states.has_changed().unwrap_or_default() {
                states.mark_unchanged();
                match still_agrees(view, log).await {
                    Ok(true) => {}
                    Ok(false) => return Trouble::OtherEvents(Sequence(after)),
                    Err(error) => return Trouble::Read(error),
                }
            }
            let applied = match block_in_place(|| apply(view, after, entries)) {
                Ok(applied) => applied,
                Err(trouble) => return trouble,
            };
            let is_further = after < applied.through;
            if is_further {
                self.board.advanced(applied.through);
                show_counts(view.counts());
            }
            if untold || is_further {
                untold = queue.try_send(applied).is_err();
            }
        }
    }
}

fn apply(view: &View, after: u64, entries: Vec<LogEntry>) -> Result<Applied, Trouble> {
    let Some(hash) = hash_of(&entries) else {
        return Ok(Applied {
            after,
            through: after,
            changes: Vec::new(),
        });
    };
    let read: Vec<_> = entries.iter().map(as_entry).collect();
    let changes = view.apply(&read, hash).map_err(Trouble::Apply)?;
    // An entry makes one change at the most, and they come in the order of the entries.
    let mut entries = entries.into_iter();
    let announced = changes.into_iter().filter_map(|change| {
        let entry = entries.find(|entry| entry.sequence() == change.sequence)?;
        Some(Announced { change, entry })
    });
    Ok(Applied {
        after,
        changes: announced.collect(),
        through: view.cursor().sequence.0,
    })
}

/// The hash by which the view will know the last of these again.
pub(crate) fn hash_of(entries: &[LogEntry]) -> Option<[u8; 32]> {
    entries.last().map(|entry| *entry.hash().as_bytes())
}

/// What the view takes in. Why an event can't be read is told here; that it can't is all that
/// the view needs to know.
pub(crate) fn as_entry(entry: &LogEntry) -> Entry {
    let event = match entry.decode() {
        Ok(decoded) => Some(decoded.event),
        Err(error) => {
            tracing::error!(
                operator_alarm = "unreadable_event",
                sequence = %entry.sequence(),
                error = %chain(&error),
                "an event can't be read"
            );
            None
        }
    };
    Entry {
        sequence: entry.sequence(),
        aggregate: entry.aggregate(),
        event,
    }
}
