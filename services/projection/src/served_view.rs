//! Where the view is served from, and how far it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use assent_contract::replica::ReplicaState;
use assent_metrics::projection::{ACCOUNTS, APPLIED_SEQUENCE, BLOCKED, HELD, LAG, ORPHANS, USERS};
use assent_permission_store::{Counts, View};
use tokio::sync::{Notify, watch};

use crate::query_failure::QueryFailure;

/// How long a query waits for the write that it has to reflect.
const PATIENCE: Duration = Duration::from_secs(2);

/// The view, while there is one that can be served, and what is known of the log.
#[derive(Debug)]
pub(crate) struct ServedView {
    state: watch::Sender<State>,
    applied: watch::Sender<u64>,
    stream_last: AtomicU64,
    /// What the log is called in what is told and answered, once that is known.
    log_name: watch::Sender<Option<Arc<str>>>,
    /// The message of the stream of changes that called it so.
    log_named_at: AtomicU64,
    former_log_name: RwLock<Option<String>>,
    /// The last event that the view holds which is being built.
    built: AtomicU64,
    /// The view says something else of somebody than it did.
    corrected: Notify,
}

/// What can be answered from.
#[derive(Debug)]
enum State {
    /// Nothing yet: it was not looked for a view.
    Absent,
    /// Nothing: a view is built from the whole log.
    Rebuilding,
    /// A view that lags behind the log. It answers over HTTP; the queries on NATS are for other replicas.
    CatchingUp(Held),
    /// A view that has caught up: this replica takes its share of the queries.
    Serving(Held),
}

#[derive(Debug)]
struct Held {
    view: Arc<View>,
    /// The log is gone, or not known to be the one of the view: what the view says is not answered.
    is_withheld: bool,
    /// A reader found that the view is not what was written.
    is_damaged: bool,
}

impl State {
    const fn held(&self) -> Option<&Held> {
        match self {
            Self::Absent | Self::Rebuilding => None,
            Self::CatchingUp(held) | Self::Serving(held) => Some(held),
        }
    }

    const fn held_mut(&mut self) -> Option<&mut Held> {
        match self {
            Self::Absent | Self::Rebuilding => None,
            Self::CatchingUp(held) | Self::Serving(held) => Some(held),
        }
    }

    fn holds(&self, view: &Arc<View>) -> bool {
        self.held()
            .is_some_and(|held| Arc::ptr_eq(&held.view, view))
    }
}

impl ServedView {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::Absent),
            applied: watch::Sender::new(0),
            stream_last: AtomicU64::new(0),
            log_name: watch::Sender::new(None),
            log_named_at: AtomicU64::new(0),
            former_log_name: RwLock::new(None),
            built: AtomicU64::new(0),
            corrected: Notify::new(),
        }
    }

    /// Serves this view from now on. One that was served already goes on where it was.
    pub(crate) fn serve(&self, view: &Arc<View>) {
        let (cursor, counts, held) = (view.cursor(), view.counts(), view.read().held());
        self.state.send_modify(|state| {
            if state.holds(view) {
                if let Some(held) = state.held_mut() {
                    held.is_withheld = false;
                }
            } else {
                self.log_name.send_replace(None);
                *state = State::CatchingUp(Held {
                    view: Arc::clone(view),
                    is_withheld: false,
                    is_damaged: false,
                });
            }
        });
        self.advanced(cursor.sequence.0);
        show_counts(counts);
        HELD.set_count(held);
    }

    /// There is no view that can be served: one is built anew.
    pub(crate) fn rebuild(&self) {
        self.state.send_modify(|state| {
            self.log_name.send_replace(None);
            *state = State::Rebuilding;
        });
        self.built_through(0);
        self.applied.send_replace(0);
    }

    /// The view that is being built holds the log up to here.
    pub(crate) fn built_through(&self, sequence: u64) {
        self.built.store(sequence, Ordering::Relaxed);
    }

    /// How far building a view is: the last event that it holds. `None` while none is built.
    pub(crate) fn built(&self) -> Option<u64> {
        self.is_rebuilding()
            .then(|| self.built.load(Ordering::Relaxed))
    }

    /// The view has caught up, so that this replica may take its share of the queries.
    pub(crate) fn answer_queries(&self) {
        self.state
            .send_if_modified(|state| match std::mem::replace(state, State::Absent) {
                State::CatchingUp(held) => {
                    *state = State::Serving(held);
                    true
                }
                other @ (State::Absent | State::Rebuilding | State::Serving(_)) => {
                    *state = other;
                    false
                }
            });
    }

    /// Waits until this replica takes queries, or until it does no longer.
    pub(crate) async fn answers_queries(&self, answering: bool) {
        let mut states = self.state.subscribe();
        let reached = states.wait_for(|state| matches!(state, State::Serving(_)) == answering);
        // It fails only once the sender is gone, and we hold it.
        drop(reached.await);
    }

    /// The log that the view is of is gone: nothing is answered from the view until it is back, or
    /// another view is served.
    pub(crate) fn withhold(&self) {
        self.state.send_modify(|state| {
            if let Some(held) = state.held_mut() {
                held.is_withheld = true;
            }
        });
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
        let state = self.state.borrow();
        if state.holds(view) {
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
        match self.state.borrow().held() {
            Some(held) if !held.is_withheld => Ok(Arc::clone(&held.view)),
            Some(_) | None => Err(QueryFailure::NotReady),
        }
    }

    /// The view that there is, whether or not it may be answered from, and what is being done with it.
    pub(crate) fn for_operators(&self) -> (ReplicaState, Option<Arc<View>>) {
        let state = self.state.borrow();
        let view = state.held().map(|held| Arc::clone(&held.view));
        let state = match &*state {
            State::Absent => ReplicaState::Starting,
            State::Rebuilding => ReplicaState::Rebuilding,
            State::CatchingUp(held) | State::Serving(held) if held.is_withheld => {
                ReplicaState::Withheld
            }
            State::CatchingUp(_) => ReplicaState::CatchingUp,
            State::Serving(_) => ReplicaState::Serving,
        };
        (state, view)
    }

    /// The view reflects the log up to here.
    pub(crate) fn advanced(&self, sequence: u64) {
        self.applied.send_replace(sequence);
        self.stream_last.fetch_max(sequence, Ordering::Relaxed);
        APPLIED_SEQUENCE.set_count(sequence);
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
        LAG.set_count(lag);
    }

    pub(crate) fn is_rebuilding(&self) -> bool {
        matches!(*self.state.borrow(), State::Rebuilding)
    }

    /// A reader found that this view is not what was written. One that is served no longer is
    /// nobody's trouble.
    pub(crate) fn report_damage(&self, view: &Arc<View>) {
        self.state.send_modify(|state| {
            if state.holds(view)
                && let Some(held) = state.held_mut()
            {
                held.is_damaged = true;
            }
        });
    }

    /// Waits until a reader finds damage.
    pub(crate) async fn damage_reported(&self) {
        let mut states = self.state.subscribe();
        let damaged = states.wait_for(|state| state.held().is_some_and(|held| held.is_damaged));
        // It fails only once the sender is gone, and we hold it.
        drop(damaged.await);
    }

    /// There may be somebody of whom the view says something else than it did, without an event.
    pub(crate) fn has_corrections(&self) {
        self.corrected.notify_one();
    }

    /// Waits until there may be.
    pub(crate) async fn corrections(&self) {
        self.corrected.notified().await;
    }

    /// Waits until the view reflects this write; at once, in the usual case.
    pub(crate) async fn reaches(&self, at_least: Option<u64>) -> Result<(), QueryFailure> {
        self.reaches_within(at_least, PATIENCE).await
    }

    /// The same for somebody who waits no longer than this.
    pub(crate) async fn reaches_within(
        &self,
        at_least: Option<u64>,
        patience: Duration,
    ) -> Result<(), QueryFailure> {
        let Some(at_least) = at_least else {
            return Ok(());
        };
        let mut applied = self.progress();
        let reached = applied.wait_for(|applied| at_least <= *applied);
        match tokio::time::timeout(patience.min(PATIENCE), reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(QueryFailure::NotYetApplied),
        }
    }
}

/// How many there are in the view.
pub(crate) fn show_counts(counts: Counts) {
    ACCOUNTS.set_count(counts.accounts);
    USERS.set_count(counts.users);
    BLOCKED.set_count(counts.blocked);
    ORPHANS.set_count(counts.orphans);
}
