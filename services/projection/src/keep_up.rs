//! Following the log: find the view or build it anew, catch up, go on live.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_event_log::{EventLog, Follow, FollowError, LogEntry, OpenError, ReadError};
use assent_messaging::Connection;
use assent_permission_store::{ApplyError, BulkLoad, Entry, Opened, Source, Verdict, View};
use assent_service_kit::telemetry::chain;
use assent_service_kit::{Dependency, Runtime};
use tokio::sync::mpsc;

use crate::announce::{Applied, QUEUE, announce};
use crate::board::{Board, as_metric};

/// Readers wait for a whole batch, so live ones are small.
const LIVE_BATCH: usize = 64;
/// A load has no readers.
const LOAD_BATCH: usize = 8192;
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts at what failed.
const PAUSE: Duration = Duration::from_millis(500);
/// sled's own default of a gigabyte is exceeded in practice.
const CACHE: u64 = 128 * 1024 * 1024;

/// What keeps up, and whom it tells.
#[derive(Debug)]
pub(crate) struct KeepUp {
    pub(crate) connection: Connection,
    pub(crate) directory: PathBuf,
    pub(crate) board: Arc<Board>,
    pub(crate) readiness: Dependency,
    pub(crate) runtime: Runtime,
}

impl KeepUp {
    /// Keeps up until the program stops.
    pub(crate) async fn run(self) {
        let mut view = None;
        let mut rebuild = false;
        self.readiness.not_ready("connecting to the event log");
        loop {
            let trouble = tokio::select! {
                () = self.runtime.shutdown_requested() => return,
                trouble = self.follow_until_trouble(&mut view, rebuild) => trouble,
            };
            rebuild = match trouble.outlook() {
                Outlook::Rebuild => {
                    tracing::error!(error = %chain(&trouble), "the view is built anew");
                    self.board.serve(None);
                    true
                }
                Outlook::Resume => {
                    tracing::warn!(error = %chain(&trouble), "the log is not followed; trying again");
                    rebuild && view.is_none()
                }
            };
            metrics::counter!("assent_projection_troubles_total").increment(1);
            self.readiness.not_ready(trouble.reason());
            tokio::select! {
                () = self.runtime.shutdown_requested() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Follows the log, and returns only when something is wrong.
    async fn follow_until_trouble(&self, kept: &mut Option<Arc<View>>, rebuild: bool) -> Trouble {
        let (log, view) = match self.view_of_the_log(kept, rebuild).await {
            Ok(found) => found,
            Err(trouble) => return trouble,
        };
        let (queue, waiting) = mpsc::channel(QUEUE);
        let telling = tokio::spawn(announce(
            self.connection.clone(),
            log.clone(),
            Arc::clone(&self.board),
            waiting,
        ));
        let trouble = self.live(&log, &view, queue).await;
        telling.abort();
        trouble
    }

    /// Applies events as they come.
    async fn live(&self, log: &EventLog, view: &View, queue: mpsc::Sender<Applied>) -> Trouble {
        let caught_up_at = self.board.stream_last();
        let mut follow = log.follow(view.cursor().sequence);
        // The queue was full: whoever tells has to hear that it missed something.
        let mut untold = false;
        loop {
            if caught_up_at <= view.cursor().sequence.0 {
                self.readiness.ready();
            }
            let entries = tokio::select! {
                () = self.board.damage_reported() => return Trouble::Damaged,
                entries = self.next(&mut follow) => match entries {
                    Ok(entries) => entries,
                    Err(trouble) => return trouble,
                },
            };
            let after = view.cursor().sequence.0;
            let Some(last) = entries.last() else {
                if untold {
                    let nothing = Applied {
                        after,
                        through: after,
                        changes: Vec::new(),
                    };
                    untold = queue.try_send(nothing).is_err();
                }
                continue;
            };
            let hash = *last.hash().as_bytes();
            let read: Vec<_> = entries.iter().map(entry).collect();
            let applied = tokio::task::block_in_place(|| view.apply(&read, hash));
            match applied {
                Ok(changes) => {
                    self.board.advanced(last.sequence().0);
                    let blocked = view.counts().blocked;
                    metrics::gauge!("assent_projection_blocked").set(as_metric(blocked));
                    let through = last.sequence().0;
                    untold = queue
                        .try_send(Applied {
                            after,
                            through,
                            changes,
                        })
                        .is_err();
                }
                Err(error) => return Trouble::Apply(error),
            }
        }
    }

    async fn next(&self, follow: &mut Follow) -> Result<Vec<LogEntry>, Trouble> {
        follow
            .next_batch(LIVE_BATCH, PATIENCE)
            .await
            .map_err(Trouble::Follow)
    }
}

/// What the view takes in. Why an event can't be read is told here; that it can't is all that
/// the view needs to know.
fn entry(entry: &LogEntry) -> Entry {
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
