//! Whether the event log is still the one that was written.
//!
//! A server whose files are damaged may cut the log at the damage and go on as if the rest had never been, and a log
//! may be restored from a copy that is too old. Nothing in the log itself shows it. So the gateway keeps, beside the
//! log, a mark of the last event that it knows of; while the log does not agree with it, nothing is decided, but for a
//! person's no.

mod marks;
mod verdict;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assent_contract::chain::EventHash;
use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, ReadError};
use assent_messaging::{Bucket, Connection, ConnectionState};
use assent_service_kit::telemetry::chain;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

pub(crate) use marks::{Mark, Marks};
pub(crate) use verdict::{LogTrouble, Verdict, alarm, look};

/// How long somebody waits for the log to be looked at, after the connection was lost.
const PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(5);

/// The guard. Clones share what they know.
#[derive(Debug, Clone)]
pub(crate) struct LogGuard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    marks: Marks,
    /// The last event that this gateway knows of.
    known: watch::Sender<Option<Mark>>,
    looked: Mutex<Looked>,
}

/// What the last look at the log showed.
#[derive(Debug)]
struct Looked {
    found: Found,
    /// The last event that is known of, where it can't be read.
    damaged: Option<Sequence>,
    /// Changed since: whatever was found may be so no longer.
    connection: watch::Receiver<ConnectionState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Nothing,
    Sound,
    Trouble(LogTrouble),
}

/// Why nothing is known of the log.
#[derive(Debug, thiserror::Error)]
#[error("the event log was not looked at since the connection was lost")]
struct NotLookedAt;

impl LogGuard {
    /// A guard over a log that agrees with this mark.
    pub(crate) fn new(connection: &Connection, bucket: Bucket, known: Option<Mark>) -> Self {
        let mut states = connection.state_changes();
        states.mark_unchanged();
        Self {
            shared: Arc::new(Shared {
                marks: Marks::new(bucket),
                known: watch::Sender::new(known),
                looked: Mutex::new(Looked {
                    found: Found::Sound,
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
                Found::Sound => return Ok(()),
                Found::Trouble(trouble) => return Err(Failure::LogNotBelieved(trouble)),
                Found::Nothing if deadline <= Instant::now() || self.is_disconnected() => {
                    return Err(Failure::LogUnavailable(NotLookedAt.into()));
                }
                Found::Nothing => sleep(POLL).await,
            }
        }
    }

    fn found(&self) -> Found {
        let looked = self.looked();
        // An error means that the connection is closed for good.
        if looked.connection.has_changed().unwrap_or(true) {
            return Found::Nothing;
        }
        looked.found.clone()
    }

    fn is_disconnected(&self) -> bool {
        *self.looked().connection.borrow() == ConnectionState::Disconnected
    }

    /// An event was recorded: the log is at least this long. What is recorded in spite of trouble must not make it
    /// look as if there were none.
    pub(crate) fn recorded(&self, log: &EventLog, sequence: Sequence, hash: EventHash) {
        if matches!(self.looked().found, Found::Trouble(_)) {
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
    pub(crate) fn connection_changed(&self) {
        let mut looked = self.looked();
        looked.connection.mark_unchanged();
        if looked.found == Found::Sound {
            looked.found = Found::Nothing;
        }
    }

    /// Looks whether the log agrees with what is known of it; the trouble, if it does not. A log that can't be read
    /// leaves what was found before.
    pub(crate) async fn look(&self, log: &EventLog) -> Result<Option<LogTrouble>, ReadError> {
        self.learn_from_others().await;
        // Before the log is asked: what is recorded meanwhile makes it no shorter.
        let known = self.shared.known.borrow().clone();
        let verdict = verdict::look(log, known.as_ref()).await?;
        let (found, damaged) = match verdict {
            Verdict::Agrees => (Found::Sound, None),
            Verdict::MarkDamaged(sequence) => (Found::Sound, Some(sequence)),
            Verdict::Trouble(trouble) => (Found::Trouble(trouble), None),
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
        let Found::Trouble(trouble) = found else {
            return Ok(None);
        };
        if is_new {
            verdict::alarm(&trouble);
            // Once, and before any operator can have decided: whoever starts after us has to know as well.
            self.keep(known).await;
        }
        Ok(Some(trouble))
    }

    /// Another gateway may have recorded more.
    async fn learn_from_others(&self) {
        match self.shared.marks.read().await {
            Ok(Some(kept)) => {
                self.shared.known.send_if_modified(|known| {
                    let is_later = known.as_ref().is_none_or(|known| known.is_before(&kept));
                    if is_later {
                        *known = Some(kept);
                    }
                    is_later
                });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(error = %chain(&error), "the mark of the log was not read");
            }
        }
    }

    /// Keeps the mark, where the log is believed. It is written in the background: no request waits for it.
    pub(crate) async fn keep_mark(&self) {
        if self.found() != Found::Sound {
            return;
        }
        let known = self.shared.known.borrow().clone();
        self.keep(known).await;
    }

    async fn keep(&self, mark: Option<Mark>) {
        let Some(mark) = mark else { return };
        if let Err(error) = self.shared.marks.keep(mark).await {
            tracing::warn!(error = %chain(&error), "the mark of the log was not kept");
        }
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.shared
            .looked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
