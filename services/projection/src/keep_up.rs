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

/// Why following stopped, for now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the event log can't be opened")]
    Open(#[source] OpenError),
    #[error("the event log can't be read")]
    Read(#[source] ReadError),
    #[error("the event log can't be followed")]
    Follow(#[source] FollowError),
    #[error("the view can't be opened")]
    View(#[source] assent_permission_store::OpenError),
    #[error("the view can't be written")]
    Apply(#[source] ApplyError),
    #[error("a reader found the view damaged")]
    Damaged,
    #[error("the view was not built: the program is stopping")]
    Stopping,
}

/// Whether the view can still be believed.
enum Outlook {
    /// Follow again from where it is.
    Resume,
    /// It is not of this log, or damaged.
    Rebuild,
}

impl Trouble {
    fn outlook(&self) -> Outlook {
        match self {
            Self::Damaged
            | Self::Apply(ApplyError::Damaged(_))
            | Self::Follow(FollowError::StreamReplaced { .. } | FollowError::RolledBack { .. }) => {
                Outlook::Rebuild
            }
            Self::Open(_)
            | Self::Read(_)
            | Self::View(_)
            | Self::Stopping
            | Self::Apply(ApplyError::Gap { .. })
            | Self::Follow(
                FollowError::Gap { .. }
                | FollowError::NotThere
                | FollowError::NotPermitted { .. }
                | FollowError::Refused(_),
            ) => Outlook::Resume,
        }
    }

    /// What an operator reads in `/readyz`.
    fn reason(&self) -> String {
        match self {
            Self::Open(OpenError::NotThere) | Self::Follow(FollowError::NotThere) => format!(
                "stream {} does not exist yet: start consent-gateway",
                names::EVENT_STREAM
            ),
            Self::Follow(FollowError::Gap { sequence }) => format!(
                "event {sequence} is missing from the log: nothing after it is applied; restore \
                 the stream from a backup"
            ),
            Self::Open(_)
            | Self::Read(_)
            | Self::Follow(_)
            | Self::View(_)
            | Self::Apply(_)
            | Self::Damaged
            | Self::Stopping => chain(self).to_string(),
        }
    }
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

    /// The view, complete up to what the log held just now, and served.
    async fn view_of_the_log(
        &self,
        kept: &mut Option<Arc<View>>,
        rebuild: bool,
    ) -> Result<(EventLog, Arc<View>), Trouble> {
        let log = EventLog::open(&self.connection)
            .await
            .map_err(Trouble::Open)?;
        let status = log.status().await.map_err(Trouble::Read)?;
        self.board.heard_of(status.last_sequence.0);
        let source = Source {
            stream: names::EVENT_STREAM.to_owned(),
            created: status.created.to_string(),
        };
        let opened = match kept.take() {
            Some(view) => view,
            None => match self.open(source.clone()).await? {
                Opened::Resumed(view) => Arc::from(view),
                Opened::Fresh { load, why } => {
                    tracing::info!(%why, "building the view from the log");
                    let view = self.load(&log, *load).await?;
                    return Ok((log, self.serve(kept, view)));
                }
            },
        };
        if !rebuild && agrees(&opened, &source, &log).await? {
            return Ok((log, self.serve(kept, opened)));
        }
        tracing::warn!("the view does not agree with the log; building it anew");
        self.board.serve(None);
        let load = opened.start_over(&source).map_err(Trouble::View)?;
        drop(opened);
        let view = self.load(&log, load).await?;
        Ok((log, self.serve(kept, view)))
    }

    fn serve(&self, kept: &mut Option<Arc<View>>, view: Arc<View>) -> Arc<View> {
        *kept = Some(Arc::clone(&view));
        self.board.serve(Some(Arc::clone(&view)));
        view
    }

    async fn open(&self, source: Source) -> Result<Opened, Trouble> {
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || View::open(&directory, &source, CACHE))
            .await
            .map_err(|_| Trouble::Damaged)?
            .map_err(Trouble::View)
    }

    /// Builds a view from the whole log.
    async fn load(&self, log: &EventLog, mut load: BulkLoad) -> Result<Arc<View>, Trouble> {
        metrics::counter!("assent_projection_rebuilds_total").increment(1);
        self.board.serve(None);
        self.readiness.not_ready("building the view from the log");
        let mut follow = log.follow(load.sequence());
        let mut last = log.status().await.map_err(Trouble::Read)?.last_sequence;
        let mut told = 0;
        while load.sequence() < last {
            let entries = follow
                .next_batch(LOAD_BATCH, PATIENCE)
                .await
                .map_err(Trouble::Follow)?;
            let Some(hash) = entries.last().map(|entry| *entry.hash().as_bytes()) else {
                continue;
            };
            let read: Vec<_> = entries.iter().map(entry).collect();
            tokio::task::block_in_place(|| load.add(&read, hash)).map_err(Trouble::Apply)?;
            let sequence = load.sequence().0;
            if told + 100_000 <= sequence {
                told = sequence;
                self.readiness
                    .not_ready(format!("building the view: {sequence} of {last} events"));
            }
            if load.sequence() == last {
                last = log.status().await.map_err(Trouble::Read)?.last_sequence;
            }
        }
        if self.runtime.is_shutting_down() {
            return Err(Trouble::Stopping);
        }
        let view = tokio::task::block_in_place(|| load.finish()).map_err(Trouble::Apply)?;
        Ok(Arc::new(view))
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

/// Whether the view is of this log, of no later state of it, and what was written. A log that
/// was rolled back uses its sequences again, so the event at the cursor is compared.
async fn agrees(view: &Arc<View>, source: &Source, log: &EventLog) -> Result<bool, Trouble> {
    let cursor = view.cursor();
    if cursor.source != *source {
        return Ok(false);
    }
    if cursor.sequence.0 != 0 {
        let found = log.entry(cursor.sequence).await.map_err(Trouble::Read)?;
        if found.is_none_or(|entry| *entry.hash().as_bytes() != cursor.hash) {
            return Ok(false);
        }
    }
    let view = Arc::clone(view);
    let verdict = tokio::task::spawn_blocking(move || view.verify()).await;
    Ok(matches!(verdict, Ok(Ok(Verdict::Sound))))
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
