//! Where the view is served from, and how far it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use assent_permission_store::View;
use tokio::sync::{Notify, watch};

use crate::failure::Failure;

/// How long a query waits for the write that it has to reflect.
const PATIENCE: Duration = Duration::from_secs(2);

/// The view, while there is one that can be served, and what is known of the log.
#[derive(Debug)]
pub(crate) struct Board {
    view: RwLock<Option<Arc<View>>>,
    applied: watch::Sender<u64>,
    stream_last: AtomicU64,
    rebuilding: AtomicBool,
    damaged: Notify,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self {
            view: RwLock::new(None),
            applied: watch::Sender::new(0),
            stream_last: AtomicU64::new(0),
            rebuilding: AtomicBool::new(false),
            damaged: Notify::new(),
        }
    }

    /// Serves this view from now on; `None` while none can be.
    pub(crate) fn serve(&self, view: Option<Arc<View>>) {
        let applied = view.as_ref().map(|view| view.cursor().sequence.0);
        self.rebuilding.store(view.is_none(), Ordering::Relaxed);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        if let Some(applied) = applied {
            self.advanced(applied);
        }
    }

    /// The view that is served.
    pub(crate) fn view(&self) -> Result<Arc<View>, Failure> {
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        view.clone().ok_or(Failure::NotReady)
    }

    /// The view reflects the log up to here.
    pub(crate) fn advanced(&self, sequence: u64) {
        self.applied.send_replace(sequence);
        self.stream_last.fetch_max(sequence, Ordering::Relaxed);
        metrics::gauge!("assent_projection_applied_sequence").set(as_metric(sequence));
    }

    /// How far the view is, as it changes.
    pub(crate) fn progress(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// The last sequence of the log that was heard of.
    pub(crate) fn stream_last(&self) -> u64 {
        self.stream_last.load(Ordering::Relaxed)
    }

    pub(crate) fn heard_of(&self, last: u64) {
        self.stream_last.store(last, Ordering::Relaxed);
    }

    pub(crate) fn is_rebuilding(&self) -> bool {
        self.rebuilding.load(Ordering::Relaxed)
    }

    /// A reader found that the view is not what was written.
    pub(crate) fn report_damage(&self) {
        self.damaged.notify_one();
    }

    /// Waits until a reader finds that.
    pub(crate) async fn damage_reported(&self) {
        self.damaged.notified().await;
    }

    /// Waits until the view reflects this write; at once, in the usual case.
    pub(crate) async fn reaches(&self, at_least: Option<u64>) -> Result<(), Failure> {
        let Some(at_least) = at_least else {
            return Ok(());
        };
        let mut applied = self.progress();
        let reached = applied.wait_for(|applied| at_least <= *applied);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Failure::NotYetApplied),
        }
    }
}

/// A count as a metric takes it. Counts stay far below 2^53.
pub(crate) fn as_metric(count: u64) -> f64 {
    u32::try_from(count).map_or_else(|_| count.to_string().parse().unwrap_or(f64::MAX), f64::from)
}
