//! Where the view is served from, and how far it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use assent_permission_store::{Counts, View};
use tokio::sync::watch;

use crate::query_failure::QueryFailure;

/// How long a query waits for the write that it has to reflect.
const PATIENCE: Duration = Duration::from_secs(2);

/// The view, while there is one that can be served, and what is known of the log.
#[derive(Debug)]
pub(crate) struct ServedView {
    view: RwLock<Option<Arc<View>>>,
    applied: watch::Sender<u64>,
    stream_last: AtomicU64,
    rebuilding: AtomicBool,
    answering: watch::Sender<bool>,
    damaged: watch::Sender<bool>,
    /// The log is gone, or not known to be the one of the view: what the view says is not answered.
    withheld: AtomicBool,
    /// What the log is called in what is told and answered, once that is known.
    log_name: watch::Sender<Option<Arc<str>>>,
    /// The message of the stream of changes that called it so.
    log_named_at: AtomicU64,
    former_log_name: RwLock<Option<String>>,
}

impl ServedView {
    pub(crate) fn new() -> Self {
        Self {
            view: RwLock::new(None),
            applied: watch::Sender::new(0),
            stream_last: AtomicU64::new(0),
            rebuilding: AtomicBool::new(false),
            answering: watch::Sender::new(false),
            damaged: watch::Sender::new(false),
            withheld: AtomicBool::new(false),
            log_name: watch::Sender::new(None),
            log_named_at: AtomicU64::new(0),
            former_log_name: RwLock::new(None),
        }
    }

    /// Serves this view from now on; `None` while none can be.
    pub(crate) fn serve(&self, view: Option<Arc<View>>) {
        let state = view.as_ref().map(|view| (view.cursor(), view.counts()));
        self.rebuilding.store(view.is_none(), Ordering::Relaxed);
        {
            let mut served = self.view.write().unwrap_or_else(PoisonError::into_inner);
            let same = match (served.as_ref(), view.as_ref()) {
                (Some(served), Some(view)) => Arc::ptr_eq(served, view),
                (None | Some(_), None) | (None, Some(_)) => false,
            };
            if !same {
                self.log_name.send_replace(None);
            }
            *served = view;
        }
        self.withheld.store(false, Ordering::Relaxed);
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
        // It fails only once the served_view is gone, and we hold it.
        drop(changes.wait_for(|is| *is == answering).await);
    }

    /// The log that the view is of is gone: nothing is answered from the view until it is back, or
    /// another view is served.
    pub(crate) fn withhold(&self) {
        self.withheld.store(true, Ordering::Relaxed);
    }

    /// A message of the stream of changes calls the log so. An older one changes nothing.
    pub(crate) fn hears_name_of_log(&self, view: &Arc<View>, log: &str, message: u64) {
        if self.log_named_at.load(Ordering::Relaxed) < message {
            self.names_log(view, log, message);
        }
    }

    /// The log of this view is called so as of a message of the stream of changes, if the view is
    /// still the one that is served.
    pub(crate) fn names_log(&self, view: &Arc<View>, log: &str, message: u64) {
        let served = self.view.read().unwrap_or_else(PoisonError::into_inner);
        if served
            .as_ref()
            .is_some_and(|served| Arc::ptr_eq(served, view))
        {
            self.log_named_at.store(message, Ordering::Relaxed);
            self.log_name.send_if_modified(|name| {
                let differs = name.as_deref() != Some(log);
                if differs {
                    *name = Some(Arc::from(log));
                }
                differs
            });
        }
    }

    /// What the log is called, as it becomes known.
    pub(crate) fn log_names(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.log_name.subscribe()
    }

    /// What the log is called; `None` for the moment in which it is not known yet.
    pub(crate) fn log_name(&self) -> Option<String> {
        self.log_name.borrow().as_deref().map(str::to_owned)
    }

    /// The log is not the one that it was: its name says nothing about the one that there is now.
    pub(crate) fn disown_log(&self) {
        if let Some(name) = self.log_name.send_replace(None) {
            let mut former = self
                .former_log_name
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *former = Some(name.to_string());
        }
    }

    /// What the log was called before it turned out to be another one.
    pub(crate) fn former_name_of_log(&self) -> Option<String> {
        let former = self.former_log_name.read();
        former.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The view that is served.
    pub(crate) fn view(&self) -> Result<Arc<View>, QueryFailure> {
        if self.withheld.load(Ordering::Relaxed) {
            return Err(QueryFailure::NotReady);
        }
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        view.clone().ok_or(QueryFailure::NotReady)
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
        // It fails only once the served_view is gone, and we hold it.
        drop(damaged.wait_for(|damaged| *damaged).await);
    }

    /// Waits until the view reflects this write; at once, in the usual case.
    pub(crate) async fn reaches(&self, at_least: Option<u64>) -> Result<(), QueryFailure> {
        let Some(at_least) = at_least else {
            return Ok(());
        };
        let mut applied = self.progress();
        let reached = applied.wait_for(|applied| at_least <= *applied);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(QueryFailure::NotYetApplied),
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
