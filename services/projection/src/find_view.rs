//! Finding the view of a log: the one on disk if it is of this very log, else one that is built
//! from all of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_event_log::{EventLog, ReadError};
use assent_permission_store::{BulkLoad, Opened, Source, Verdict, View};
use assent_service_kit::{Dependency, Runtime};
use tokio::task::{block_in_place, spawn_blocking};

use crate::board::Board;
use crate::keep_up::{as_entry, hash_of};
use crate::trouble::Trouble;

/// A load has no readers that would wait for a batch.
const LOAD_BATCH: usize = 8192;
const PATIENCE: Duration = Duration::from_millis(500);
/// After how many events a load says how far it is.
const TOLD_EVERY: u64 = 100_000;
/// sled's own default of a gigabyte is exceeded in practice.
const CACHE: u64 = 128 * 1024 * 1024;

/// Where the view is, and whether it is believed.
#[derive(Debug)]
pub(crate) struct Finder {
    pub(crate) directory: PathBuf,
    pub(crate) board: Arc<Board>,
    pub(crate) readiness: Dependency,
    pub(crate) runtime: Runtime,
    /// The view that was found last. It stays open while the log can't be reached.
    pub(crate) view: Option<Arc<View>>,
    /// The view turned out to be damaged or of another log. Only a complete new one clears this.
    pub(crate) distrusted: bool,
}

impl Finder {
    /// The view of this log, served from now on. It may lag behind the log.
    pub(crate) async fn find(&mut self, log: &EventLog) -> Result<Arc<View>, Trouble> {
        let status = log.status().await.map_err(Trouble::Read)?;
        self.board.heard_of(status.last_sequence.0);
        let source = Source {
            stream: names::EVENT_STREAM.to_owned(),
            created: status.created.to_string(),
        };
        let view = match self.view.clone() {
            Some(view) => view,
            None => match self.open(source.clone()).await? {
                Opened::Resumed(view) => self.keep(Arc::from(view)),
                Opened::Fresh { load, why } => {
                    tracing::info!(%why, "building the view from the log");
                    return self.build(log, *load).await;
                }
            },
        };
        if !self.distrusted && agrees(&view, &source, log).await? {
            self.board.serve(Some(Arc::clone(&view)));
            return Ok(view);
        }
        if !self.distrusted {
            self.board.disown_log();
        }
        self.distrusted = true;
        tracing::error!(
            operator_alarm = "view_rebuilt",
            "the view does not agree with the log, or is damaged; building it anew"
        );
        let load = view.start_over(&source).map_err(Trouble::View)?;
        drop(view);
        self.build(log, load).await
    }

    async fn open(&self, source: Source) -> Result<Opened, Trouble> {
        let directory = self.directory.clone();
        spawn_blocking(move || View::open(&directory, &source, CACHE))
            .await
            .map_err(|_| Trouble::Damaged)?
            .map_err(Trouble::View)
    }

    /// Keeps a view that was on disk, and has its rows checked while it is served already: that
    /// takes a second per million of them, and damage that opening it did not show is rare.
    fn keep(&mut self, view: Arc<View>) -> Arc<View> {
        self.view = Some(Arc::clone(&view));
        let (board, checked) = (Arc::clone(&self.board), Arc::clone(&view));
        spawn_blocking(move || match checked.verify() {
            Ok(Verdict::Sound) => {}
            Ok(Verdict::Damaged) | Err(_) => board.report_damage(&checked),
        });
        view
    }

    /// Builds a view from the whole log.
    async fn build(&mut self, log: &EventLog, mut load: BulkLoad) -> Result<Arc<View>, Trouble> {
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
            let Some(hash) = hash_of(&entries) else {
                continue;
            };
            block_in_place(|| {
                let read: Vec<_> = entries.iter().map(as_entry).collect();
                load.add(&read, hash)
            })
            .map_err(Trouble::Apply)?;
            let sequence = load.sequence().0;
            if told + TOLD_EVERY <= sequence {
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
        let view = Arc::new(block_in_place(|| load.finish()).map_err(Trouble::Apply)?);
        self.view = Some(Arc::clone(&view));
        self.distrusted = false;
        self.board.forget_damage();
        self.board.serve(Some(Arc::clone(&view)));
        Ok(view)
    }
}

/// Whether the log that is there is still the one that was opened, and that the view is of.
pub(crate) async fn still_agrees(view: &View, log: &EventLog) -> Result<bool, ReadError> {
    let cursor = view.cursor();
    let status = log.status().await?;
    if status.created != *log.identity() || status.last_sequence < cursor.sequence {
        return Ok(false);
    }
    // An event that is there and can't be read is trouble of its own, and no sign of another log.
    let found = log.entry(cursor.sequence).await?;
    Ok(found.is_none_or(|entry| *entry.hash().as_bytes() == cursor.hash))
}

/// Whether the view is of this log, and of no later state of it. A log that was rolled back uses
/// its sequences again, so the event at the cursor is compared.
async fn agrees(view: &View, source: &Source, log: &EventLog) -> Result<bool, Trouble> {
    let cursor = view.cursor();
    if cursor.source != *source {
        return Ok(false);
    }
    if cursor.sequence.0 == 0 {
        return Ok(true);
    }
    let found = log.entry(cursor.sequence).await.map_err(Trouble::Read)?;
    Ok(found.is_some_and(|entry| *entry.hash().as_bytes() == cursor.hash))
}
