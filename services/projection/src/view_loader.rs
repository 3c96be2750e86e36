//! Finding the view of a log: the one on disk if it is of this very log, else one that is built
//! from all of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, FollowError};
use assent_metrics::projection::REBUILDS;
use assent_permission_store::{BulkLoad, LogVerdict, Opened, RebuildReason, Source, View};
use assent_service_kit::{Dependency, Runtime};
use tokio::task::{block_in_place, spawn_blocking};

use crate::entries::as_entry;
use crate::follow_failure::{FollowFailure, waits_for};
use crate::served_view::ServedView;
use crate::voids::Voids;

/// A load has no readers that would wait for a batch.
const LOAD_BATCH: usize = 8192;
const PATIENCE: Duration = Duration::from_millis(500);
/// After how many events a load says how far it is.
const TOLD_EVERY: u64 = 100_000;
/// sled's own default of a gigabyte is exceeded in practice.
const CACHE: u64 = 128 * 1024 * 1024;

/// Where the view is, and whether it is believed.
#[derive(Debug)]
pub(crate) struct ViewLoader {
    pub(crate) directory: PathBuf,
    pub(crate) served: Arc<ServedView>,
    pub(crate) readiness: Dependency,
    pub(crate) runtime: Runtime,
    /// The view that was found last. It stays open while the log can't be reached.
    pub(crate) view: Option<Arc<View>>,
    /// The view turned out to be damaged or of another log. Only a complete new one clears this.
    pub(crate) must_rebuild: bool,
    /// The event that was missing from the log when it was followed last.
    pub(crate) missing: Option<Sequence>,
}

impl ViewLoader {
    /// The view of this log, served from now on. It may lag behind the log.
    pub(crate) async fn find(
        &mut self,
        log: &EventLog,
        voids: &Voids,
    ) -> Result<Arc<View>, FollowFailure> {
        let status = log.status().await.map_err(FollowFailure::Read)?;
        self.served.heard_of(status.last_sequence.0);
        let source = Source {
            stream: names::EVENT_STREAM.to_owned(),
            created: status.created.to_string(),
        };
        let view = match self.view.clone() {
            Some(view) => view,
            None => match self.open(source.clone()).await? {
                Opened::Resumed(view) => {
                    let view = Arc::from(view);
                    self.view = Some(Arc::clone(&view));
                    view
                }
                Opened::Fresh { load, why } => {
                    tracing::info!(%why, "building the view from the log");
                    return self.build(log, voids, *load, why, None).await;
                }
            },
        };
        if !voids.explain(&view) {
            tracing::error!(
                operator_alarm = "void_record_gone",
                "the record of a message that is void is gone: whoever it blocked is blocked again"
            );
            self.must_rebuild = true;
        }
        if !self.must_rebuild && agrees(&view, &source, log).await? {
            self.served.serve(&view);
            return Ok(view);
        }
        if !self.must_rebuild {
            self.served.disown_log();
        }
        self.must_rebuild = true;
        tracing::error!(
            operator_alarm = "view_rebuilt",
            "the view does not agree with the log, or is damaged; building it anew"
        );
        let load = view.start_over(&source).map_err(FollowFailure::View)?;
        // What another log says of the same people is no sign of anything lost.
        let former = (view.cursor().source == source).then_some(view);
        self.build(log, voids, load, RebuildReason::Asked, former)
            .await
    }

    async fn open(&self, source: Source) -> Result<Opened, FollowFailure> {
        let directory = self.directory.clone();
        spawn_blocking(move || View::open(&directory, &source, CACHE))
            .await
            .map_err(|_| FollowFailure::Damaged)?
            .map_err(FollowFailure::View)
    }

    /// Builds a view from the whole log.
    async fn build(
        &mut self,
        log: &EventLog,
        voids: &Voids,
        mut load: BulkLoad,
        why: RebuildReason,
        former: Option<Arc<View>>,
    ) -> Result<Arc<View>, FollowFailure> {
        REBUILDS.increment(1);
        self.served.rebuild();
        match self.missing {
            // It most likely is missing still: building gets as far as that.
            Some(sequence) => self.readiness.not_ready(waits_for(sequence)),
            None => self
                .readiness
                .not_ready(format!("building the view from the log: {why}")),
        }
        let mut follow = log.follow(load.sequence());
        let mut last = log
            .status()
            .await
            .map_err(FollowFailure::Read)?
            .last_sequence;
        let mut told = 0;
        let mut check = former.as_deref().map(View::check_log);
        while load.sequence() < last {
            let entries = follow
                .next_batch(LOAD_BATCH, PATIENCE)
                .await
                .map_err(FollowFailure::Follow)?;
            if let Some(check) = &mut check {
                for entry in &entries {
                    // What the former view keeps of the log may be damaged: then it is no witness.
                    drop(check.add(entry.sequence(), *entry.hash().as_bytes()));
                }
            }
            block_in_place(|| {
                let read: Vec<_> = entries.iter().map(|entry| as_entry(entry, voids)).collect();
                load.add(&read)
            })
            .map_err(FollowFailure::Apply)?;
            let sequence = load.sequence().0;
            self.served.built_through(sequence);
            if told + TOLD_EVERY <= sequence {
                told = sequence;
                self.readiness
                    .not_ready(format!("building the view: {sequence} of {last} events"));
            }
            if load.sequence() == last {
                last = log
                    .status()
                    .await
                    .map_err(FollowFailure::Read)?
                    .last_sequence;
            }
        }
        if self.runtime.is_shutting_down() {
            return Err(FollowFailure::Stopping);
        }
        let is_same = check.is_none_or(|check| match check.verdict() {
            LogVerdict::Same | LogVerdict::ViewDamaged => true,
            LogVerdict::Different { .. } => false,
        });
        let former = former.filter(|former| !is_same || 0 < former.read().held());
        let (view, held) = match former {
            None => (
                block_in_place(|| load.finish()).map_err(FollowFailure::Apply)?,
                0,
            ),
            Some(former) => {
                block_in_place(|| load.finish_holding(&former)).map_err(FollowFailure::Apply)?
            }
        };
        if held != 0 {
            tracing::error!(
                operator_alarm = "permissions_held",
                held,
                "the log lost events, and would permit these users more than was known before: they are held back until \
                 an operator decides"
            );
        }
        let view = Arc::new(view);
        self.view = Some(Arc::clone(&view));
        self.must_rebuild = false;
        self.missing = None;
        self.served.serve(&view);
        Ok(view)
    }
}

/// Whether the view is of this log, and of no later state of it. A log that was rolled back uses
/// its sequences again, so the event at the cursor is compared.
async fn agrees(view: &View, source: &Source, log: &EventLog) -> Result<bool, FollowFailure> {
    let cursor = view.cursor();
    if cursor.source != *source {
        return Ok(false);
    }
    if cursor.sequence.0 == 0 {
        return Ok(true);
    }
    let sequence = cursor.sequence;
    if let Some(entry) = log.entry(sequence).await.map_err(FollowFailure::Read)? {
        return Ok(*entry.hash().as_bytes() == cursor.hash);
    }
    let last = log
        .status()
        .await
        .map_err(FollowFailure::Read)?
        .last_sequence;
    // It is damaged where the log goes that far: the view is no worse for it.
    if sequence <= last {
        return Err(FollowFailure::Follow(FollowError::Gap { sequence }));
    }
    Ok(false)
}
