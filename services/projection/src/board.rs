//! Where the view is served from, and how far it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use assent_permission_store::{Counts, View};
use tokio::sync::watch;

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
    answering: watch::Sender<bool>,
    damaged: watch::Sender<bool>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self {
            view: RwLock::new(None),
            applied: watch::Sender::new(0),
            stream_last: AtomicU64::new(0),
            rebuilding: AtomicBool::new(false),
            answering: watch::Sender::new(false),
            damaged: watch::Sender::new(false),
        }
    }

    /// Serves this view from now on; `None` while none can be.
    pub(crate) fn serve(&self, view: Option<Arc<View>>) {
        let state = view.as_ref().map(|view| (view.cursor(), view.counts()));
        self.rebuilding.store(view.is_none(), Ordering::Relaxed);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        if let Some((cursor, counts)) = state {
            self.advanced(cursor.sequence.0);
            show_counts(counts);
        } else {
            self.answering.send_replace(false);
            self.applied.send_replace(0);
        }
    }

    /// The view has caught up, so that this replica may take its share of the queries.
    pub(crate) fn answer_queries(&self) {
        self.answering
            .send_if_modified(|answering| !std::mem::replace(answering, true));
    }

    /// Waits until this replica takes queries, or until it does no longer.
    pub(crate) async fn answers_queries(&self, answering: bool) {
        let mut changes = self.answering.subscribe();
        // It fails only once the board is gone, and we hold it.
        drop(changes.wait_for(|is| *is == answering).await);
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
        self.measure_lag();
    }

    /// How far the view is, as it changes.
    pub(crate) fn progress(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// The last sequence of the log that was heard of.
    pub(crate) fn stream_last(&self) -> u64 {
        self.stream_last.load(Ordering::Relaxed)
    }

    /// The log is this long.
    pub(crate) fn heard_of(&self, last: u64) {
        self.stream_last.store(last, Ordering::Relaxed);
        self.measure_lag();
    }

    fn measure_lag(&self) {
        let lag = self.stream_last().saturating_sub(*self.applied.borrow());
        metrics::gauge!("assent_projection_lag").set(as_metric(lag));
    }

    pub(crate) fn is_rebuilding(&self) -> bool {
        self.rebuilding.load(Ordering::Relaxed)
    }

    /// A reader found that this view is not what was written. One that is served no longer is
    /// nobody's trouble.
    pub(crate) fn report_damage(&self, view: &Arc<View>) {
        let served = self.view.read().unwrap_or_else(PoisonError::into_inner);
        if served
            .as_ref()
            .is_some_and(|served| Arc::ptr_eq(served, view))
        {
            self.damaged.send_replace(true);
        }
    }

    /// A new view takes the place of a damaged one.
    pub(crate) fn forget_damage(&self) {
        self.damaged.send_replace(false);
    }

    /// Waits until a reader finds damage.
    pub(crate) async fn damage_reported(&self) {
        let mut damaged = self.damaged.subscribe();
        // It fails only once the board is gone, and we hold it.
        drop(damaged.wait_for(|damaged| *damaged).await);
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

/// How many there are in the view.
pub(crate) fn show_counts(counts: Counts) {
    metrics::gauge!("assent_projection_accounts").set(as_metric(counts.accounts));
    metrics::gauge!("assent_projection_users").set(as_metric(counts.users));
    metrics::gauge!("assent_projection_blocked").set(as_metric(counts.blocked));
    metrics::gauge!("assent_projection_orphans").set(as_metric(counts.orphans));
}

/// A count as a metric takes it. Counts stay far below 2^53.
pub(crate) fn as_metric(count: u64) -> f64 {
    u32::try_from(count).map_or_else(|_| count.to_string().parse().unwrap_or(f64::MAX), f64::from)
}
