//! Whether the event log is still the one that was written.
//!
//! A server whose files are damaged may cut the log at the damage and go on as if the rest had never been, and a log
//! may be restored from a copy that is too old. Nothing in the log itself shows it. So the gateway keeps, beside the
//! log, a mark of the last event that it knows of; while the log does not agree with it, nothing is decided, but for a
//! person's no.

mod marks;
mod verdict;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assent_contract::event_hash::EventHash;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, ReadError};
use assent_messaging::{Bucket, Connection, ConnectionState};
use assent_service_kit::error_chain::with_sources;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;
use crate::kv_store::StoreError;
use crate::log_trouble::LogTrouble;

pub use assent_event_log::Mark;
pub use marks::Marks;
pub use verdict::{MarkComparison, look};

/// How long somebody waits for the log to be looked at, after the connection was lost.
const PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(5);
/// How long the mark may take that other gateways keep.
const MARK_PATIENCE: Duration = Duration::from_millis(250);
/// How long an append that failed says something about the next.
const REMEMBERED: Duration = Duration::from_mins(1);

/// The guard. Clones share what they know.
#[derive(Debug, Clone)]
pub struct LogGuard {
    shared: Arc<GuardState>,
}

#[derive(Debug)]
struct GuardState {
    marks: Marks,
    /// The last event that this gateway knows of.
    known: watch::Sender<Option<Mark>>,
    /// What was wrong with the last append, and when that was.
    append_trouble: Mutex<Option<(AppendTrouble, Instant)>>,
    /// The mark could not be kept: told once.
    is_not_kept: AtomicBool,
    looked: Mutex<Looked>,
}

/// What the last look at the log showed.
#[derive(Debug)]
struct Looked {
    found: LogCheck,
    /// The last event that is known of, where it can't be read.
    damaged: Option<Sequence>,
    /// Changed since: whatever was found may be so no longer.
    connection: watch::Receiver<ConnectionState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LogCheck {
    Nothing,
    Sound,
    Trouble(LogTrouble),
}

/// Why the log took no event, though it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendTrouble {
    /// There is no room in it.
    Full,
    /// The store said nothing: nor does a server whose disk was full when it wrote to the stream last.
    Silent,
}

impl fmt::Display for AppendTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "is full: JetStream has no room left; raise max_file_store of nats-server",
            Self::Silent => {
                "took no event when it was asked to last; where its disk was full, make room and restart nats-server"
            }
        })
    }
}

/// Why nothing is known of the log.
#[derive(Debug, thiserror::Error)]
#[error("the event log was not looked at since the connection was lost")]
struct NotLookedAt;

impl LogGuard {
    /// A guard over a log that agrees with this mark.
    pub fn new(connection: &Connection, bucket: Bucket, known: Option<Mark>) -> Self {
        let mut states = connection.state_changes();
        states.mark_unchanged();
        Self {
            shared: Arc::new(GuardState {
                marks: Marks::new(bucket),
                known: watch::Sender::new(known),
                append_trouble: Mutex::new(None),
                is_not_kept: AtomicBool::new(false),
                looked: Mutex::new(Looked {
                    found: LogCheck::Sound,
                    damaged: None,
                    connection: states,
                }),
            }),
        }
    }

    /// Whether the log may be believed. Waits a moment where that is just being found out.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.found() {
                LogCheck::Sound => return Ok(()),
                LogCheck::Trouble(trouble) => return Err(Failure::LogNotBelieved(trouble)),
                LogCheck::Nothing if deadline <= Instant::now() || self.is_disconnected() => {
                    return Err(Failure::LogUnavailable(NotLookedAt.into()));
                }
                LogCheck::Nothing => sleep(POLL).await,
            }
        }
    }

    fn found(&self) -> LogCheck {
        let looked = self.looked();
        // An error means that the connection is closed for good.
        if looked.connection.has_changed().unwrap_or(true) {
            return LogCheck::Nothing;
        }
        looked.found.clone()
    }

    fn is_disconnected(&self) -> bool {
        *self.looked().connection.borrow() == ConnectionState::Disconnected
    }

    /// The log took no event. It counts until one is taken, the connection is a new one, or nobody tried for a while.
    pub(crate) fn not_appended(&self, trouble: AppendTrouble) {
        if !self.is_disconnected() {
            *self.append_troubled() = Some((trouble, Instant::now()));
        }
    }

    /// What is wrong with writing to the log, as far as is known.
    pub fn append_trouble(&self) -> Option<AppendTrouble> {
        let mut troubled = self.append_troubled();
        *troubled = troubled.filter(|(_, since)| since.elapsed() < REMEMBERED);
        troubled.map(|(trouble, _)| trouble)
    }

    /// The server has room again, and the log has no limit of its own.
    pub fn there_is_room(&self) {
        let mut troubled = self.append_troubled();
        *troubled = troubled.filter(|(trouble, _)| *trouble != AppendTrouble::Full);
    }

    /// Another server leads the log, or one does again: what the former one said nothing to is no sign of this one.
    pub fn led_anew(&self) {
        let mut troubled = self.append_troubled();
        *troubled = troubled.filter(|(trouble, _)| *trouble != AppendTrouble::Silent);
    }

    fn append_troubled(&self) -> MutexGuard<'_, Option<(AppendTrouble, Instant)>> {
        let troubled = self.shared.append_trouble.lock();
        troubled.unwrap_or_else(PoisonError::into_inner)
    }

    /// An event was recorded: the log is at least this long. What is recorded in spite of trouble must not make it
    /// look as if there were none.
    pub(crate) fn recorded(&self, log: &EventLog, sequence: Sequence, hash: EventHash) {
        *self.append_troubled() = None;
        if matches!(self.looked().found, LogCheck::Trouble(_)) {
            return;
        }
        let mark = Mark::new(log.identity(), sequence, hash);
        self.shared.known.send_if_modified(|known| {
            let is_later = known.as_ref().is_none_or(|known| known.is_before(&mark));
            if is_later {
                *known = Some(mark);
            }
            is_later
        });
    }

    /// The connection was lost or is back: what was found before counts no more.
    pub fn connection_changed(&self) {
        *self.append_troubled() = None;
        let mut looked = self.looked();
        looked.connection.mark_unchanged();
        if looked.found == LogCheck::Sound {
            looked.found = LogCheck::Nothing;
        }
    }

    /// Looks whether the log agrees with what is known of it; the trouble, if it does not. A log that can't be read
    /// leaves what was found before.
    pub async fn look(&self, log: &EventLog) -> Result<Option<LogTrouble>, ReadError> {
        self.learn_from_others().await;
        // Before the log is asked: what is recorded meanwhile makes it no shorter.
        let known = self.shared.known.borrow().clone();
        let verdict = verdict::look(log, known.as_ref()).await?;
        let (found, damaged) = match verdict {
            MarkComparison::Agrees => (LogCheck::Sound, None),
            MarkComparison::MarkDamaged(sequence) => (LogCheck::Sound, Some(sequence)),
            MarkComparison::Trouble(trouble) => (LogCheck::Trouble(trouble), None),
        };
        let (is_new, is_newly_damaged) = {
            let mut looked = self.looked();
            let before = (looked.found.clone(), looked.damaged);
            (looked.found, looked.damaged) = (found.clone(), damaged);
            (before.0 != found, before.1 != damaged)
        };
        if let Some(sequence) = damaged.filter(|_| is_newly_damaged) {
            tracing::error!(
                operator_alarm = "event_log_damaged",
                log.missing = %sequence,
                nats.server = log.server(),
                "the last event that is known of can't be read from the log"
            );
        }
        let LogCheck::Trouble(trouble) = found else {
            return Ok(None);
        };
        if is_new {
            trouble.alarm();
        }
        if is_new || self.shared.marks.is_lost() {
            // Before any operator can have decided: whoever starts after us has to know as well.
            self.keep(known).await;
        }
        Ok(Some(trouble))
    }

    /// Another gateway may have recorded more.
    async fn learn_from_others(&self) {
        // It only adds to what is known: requests wait for this look, and must not wait for a bucket that is broken.
        let read = timeout(MARK_PATIENCE, self.shared.marks.read()).await;
        match read.unwrap_or(Err(StoreError::Changed)) {
            Ok(Some(kept)) => {
                self.shared.known.send_if_modified(|known| {
                    let is_later = known.as_ref().is_none_or(|known| known.is_before(&kept));
                    if is_later {
                        *known = Some(kept);
                    }
                    is_later
                });
            }
            // With its bucket: it is kept once more.
            Ok(None) => self.shared.marks.lost(),
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "the mark of the log was not read");
            }
        }
    }

    /// Keeps the mark, where the log is believed. It is written in the background: no request waits for it.
    pub async fn keep_mark(&self) {
        if self.found() != LogCheck::Sound {
            return;
        }
        let known = self.shared.known.borrow().clone();
        self.keep(known).await;
    }

    async fn keep(&self, mark: Option<Mark>) {
        let Some(mark) = mark else { return };
        let kept = self.shared.marks.keep(mark).await;
        let was_not_kept = self
            .shared
            .is_not_kept
            .swap(kept.is_err(), Ordering::Relaxed);
        if let (Err(error), false) = (kept, was_not_kept) {
            tracing::warn!(error = %with_sources(&error), "the mark of the log was not kept; trying again each second");
        }
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.shared
            .looked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
