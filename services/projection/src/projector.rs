//! Following the log: catch up, go on live, and begin again after whatever goes wrong.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, FollowError, LogEntry, ReadError};
use assent_messaging::{Connection, ConnectionState, ServerChoice};
use assent_metrics::projection::GAP_AT_SEQUENCE;
use assent_permission_store::View;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::{current_traceparent, processing};
use assent_service_kit::{Dependency, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::change_announcer::{Applied, ChangeAnnouncer, LogAndView, QUEUE, TracedChange};
use crate::entries::{as_entry, still_agrees};
use crate::follow_failure::{FollowFailure, Log, Recovery};
use crate::log_checker::LogChecker;
use crate::log_findings::LogFindings;
use crate::rebuild::{Rebuilder, Rebuilds, Turn};
use crate::rows_checker::keep_checking;
use crate::served_view::{ServedView, show_counts};
use crate::unblock::Unblock;
use crate::view_loader::ViewLoader;
use crate::voids::Voids;

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
pub(crate) struct Projector {
    pub(crate) connection: Connection,
    pub(crate) directory: PathBuf,
    pub(crate) served: Arc<ServedView>,
    pub(crate) readiness: Dependency,
    pub(crate) changes: Dependency,
    pub(crate) findings: Arc<LogFindings>,
    pub(crate) rebuilds: Arc<Rebuilds>,
    pub(crate) turn: Turn,
    pub(crate) runtime: Runtime,
}

impl Projector {
    /// Keeps up until the program stops.
    pub(crate) async fn run(self) {
        let mut loader = ViewLoader {
            directory: self.directory.clone(),
            served: Arc::clone(&self.served),
            readiness: self.readiness.clone(),
            runtime: self.runtime.clone(),
            view: None,
            must_rebuild: false,
            missing: None,
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
                trouble = self.follow_until_failure(&mut loader) => trouble,
            };
            trouble.report();
            loader.missing = trouble.missing();
            match trouble.log_is() {
                Log::AsItWas => {}
                Log::Gone => self.served.withhold(),
                Log::Another => self.served.disown_log(),
            }
            match trouble.recovery() {
                Recovery::Rebuild => {
                    tracing::error!(error = %with_sources(&trouble), "the view can't be believed");
                    loader.must_rebuild = true;
                    self.served.rebuild();
                }
                Recovery::Resume => {
                    tracing::warn!(error = %with_sources(&trouble), "the log is not followed; trying again");
                }
            }
            self.readiness.not_ready(trouble.reason());
            tokio::select! {
                () = self.runtime.shutdown_requested() => break,
                () = sleep(PAUSE) => {}
            }
        }
        // What was applied and not written yet would only be read from the log again.
        if let Some(Err(damage)) = loader.view.map(|view| block_in_place(|| view.flush())) {
            tracing::warn!(error = %with_sources(&damage), "the view could not be flushed");
        }
    }

    /// Follows the log, and returns only when something is wrong.
    async fn follow_until_failure(&self, loader: &mut ViewLoader) -> FollowFailure {
        let log = match EventLog::open(&self.connection).await {
            Ok(log) => log,
            Err(error) => return FollowFailure::Open(error),
        };
        let voids = match Voids::load(&log).await {
            Ok(voids) => voids,
            Err(error) => return FollowFailure::Read(error),
        };
        let view = match loader.find(&log, &voids).await {
            Ok(view) => view,
            Err(trouble) => return trouble,
        };
        GAP_AT_SEQUENCE.set(0.0);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let ground = LogAndView {
            log: log.clone(),
            view: Arc::clone(&view),
            served: Arc::clone(&self.served),
            voids: voids.clone(),
        };
        let rebuilder = Rebuilder {
            rebuilds: Arc::clone(&self.rebuilds),
            ground: ground.clone(),
            turn: self.turn.clone(),
            runtime: self.runtime.clone(),
        };
        let announcer = ChangeAnnouncer {
            connection: self.connection.clone(),
            ground,
            readiness: self.changes.clone(),
        };
        // It ends with this scope, also when that is cancelled.
        let mut beside = JoinSet::new();
        beside.spawn(announcer.run(waiting));
        beside.spawn(rebuilder.run());
        beside.spawn(voids.clone().keep_looking(log.clone()));
        beside.spawn(keep_checking(Arc::clone(&view), Arc::clone(&self.served)));
        let checker = LogChecker {
            connection: self.connection.clone(),
            log: log.clone(),
            view: Arc::clone(&view),
            served: Arc::clone(&self.served),
            findings: Arc::clone(&self.findings),
        };
        beside.spawn(checker.run());
        tokio::select! {
            trouble = self.follow_live(&log, &voids, &view, queue) => trouble,
            trouble = self.watch_stream(&log, &view) => trouble,
            _ = beside.join_next() => FollowFailure::Ended,
        }
    }

    /// Keeps asking how long the log is: an entry that never arrives must show as a lag. Returns
    /// when the log is not the one that is followed; nothing needs to arrive for that to be noticed.
    async fn watch_stream(&self, log: &EventLog, view: &View) -> FollowFailure {
        let mut tick = interval(MEASURE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = self.connection.state_changes();
        let server = ServerChoice::new(&self.connection);
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
                Err(error @ ReadError::NotThere) => return FollowFailure::Read(error),
                // Being out of reach ends nothing: following waits, and goes on.
                Err(_) => {
                    server.in_vain();
                    continue;
                }
            };
            server.answered();
            if status.created != *log.identity() {
                return FollowFailure::Follow(FollowError::StreamReplaced {
                    expected: log.identity().clone(),
                    found: status.created,
                });
            }
            if status.last_sequence < seen.sequence {
                return FollowFailure::Follow(FollowError::RolledBack {
                    seen: seen.sequence,
                    last: status.last_sequence,
                });
            }
            match log.entry(seen.sequence).await {
                Ok(Some(entry)) if *entry.hash().as_bytes() != seen.hash => {
                    return FollowFailure::OtherEvents(seen.sequence);
                }
                // What can't be read shows when it is to be applied.
                Ok(_) | Err(_) => self.served.heard_of(status.last_sequence.0),
            }
        }
    }

    /// Applies events as they come.
    async fn follow_live(
        &self,
        log: &EventLog,
        voids: &Voids,
        view: &View,
        queue: mpsc::Sender<Applied>,
    ) -> FollowFailure {
        let caught_up_at = self.served.stream_last();
        let mut follow = log.follow(view.cursor().sequence);
        // The queue was full: whoever tells has to hear that it missed something.
        let mut untold = false;
        let mut states = self.connection.state_changes();
        let mut unblock = Unblock::new(log, voids);
        let mut unblocked = Vec::new();
        let mut news = voids.news();
        // What was declared void before the view was opened is no news.
        news.mark_changed();
        loop {
            let after = view.cursor().sequence.0;
            if caught_up_at <= after {
                self.readiness.ready();
                self.served.answer_queries();
            }
            let behind = self.served.stream_last().saturating_sub(after);
            let most = if FAR_BEHIND < behind {
                BEHIND_BATCH
            } else {
                LIVE_BATCH
            };
            let entries = tokio::select! {
                () = self.served.damage_reported() => return FollowFailure::Damaged,
                Ok(()) = news.changed() => match unblock.look(view).await {
                    Ok(()) => {
                        show_counts(view.counts());
                        continue;
                    }
                    Err(trouble) => return trouble,
                },
                () = self.findings.log_accepted() => match unblock.release_held(view) {
                    Ok(()) => continue,
                    Err(trouble) => return trouble,
                },
                read = unblock.read() => {
                    let _turn = self.turn.take().await;
                    let replaced = match read {
                        Ok(read) => unblock.replace(view, read).await,
                        Err(trouble) => Err(trouble),
                    };
                    match replaced {
                        Ok(aggregate) => unblocked.push(aggregate),
                        Err(trouble) => return trouble,
                    }
                    show_counts(view.counts());
                    Vec::new()
                },
                entries = follow.next_batch(most, PATIENCE) => match entries {
                    Ok(entries) => entries,
                    Err(error) => return FollowFailure::Follow(error),
                },
            };
            // A log that was set back while its server was away goes on from where it is now: its
            // next events must not be put on top of what is there no longer.
            if !entries.is_empty() && states.has_changed().unwrap_or_default() {
                states.mark_unchanged();
                match still_agrees(view, log).await {
                    Ok(true) => {}
                    Ok(false) => return FollowFailure::OtherEvents(Sequence(after)),
                    Err(error) => return FollowFailure::Read(error),
                }
            }
            // A rebuild may want the view to stand still for a moment.
            let _turn = self.turn.take().await;
            let mut applied = match block_in_place(|| apply(view, voids, after, entries)) {
                Ok(applied) => applied,
                Err(trouble) => return trouble,
            };
            let is_further = after < applied.through;
            if is_further {
                self.served.advanced(applied.through);
                show_counts(view.counts());
            }
            if untold || is_further || !unblocked.is_empty() {
                applied.unblocked.clone_from(&unblocked);
                untold = queue.try_send(applied).is_err();
                if !untold {
                    unblocked.clear();
                }
            }
        }
    }
}

fn apply(
    view: &View,
    voids: &Voids,
    after: u64,
    entries: Vec<LogEntry>,
) -> Result<Applied, FollowFailure> {
    // Of many at once nobody reads the trace of one.
    let is_traced = entries.len() <= LIVE_BATCH;
    let spans: Vec<_> = entries
        .iter()
        .map(|entry| entry.traceparent().filter(|_| is_traced))
        .map(|sent| sent.map(|sent| processing(names::EVENT_STREAM, Some(sent))))
        .collect();
    let read: Vec<_> = entries.iter().map(|entry| as_entry(entry, voids)).collect();
    let changes = view.apply(&read).map_err(FollowFailure::Apply)?;
    // An entry makes one change at the most, and they come in the order of the entries.
    let mut entries = entries.into_iter().zip(spans);
    let announced = changes.into_iter().filter_map(|change| {
        let (entry, span) = entries.find(|(entry, _)| entry.sequence() == change.sequence)?;
        let traceparent = match span {
            Some(span) => span.in_scope(current_traceparent),
            None => entry.traceparent().map(str::to_owned),
        };
        Some(TracedChange {
            change,
            entry,
            traceparent,
        })
    });
    Ok(Applied {
        after,
        changes: announced.collect(),
        through: view.cursor().sequence.0,
        unblocked: Vec::new(),
    })
}
