//! What comparing the log with the view has found, for operators.

use std::sync::{Mutex, MutexGuard, PoisonError};

use assent_contract::replica::{LogCheckResult, LogCheckStatus};
use assent_domain::ids::Sequence;
use assent_metrics::projection::{LOG_CHECKED_THROUGH, LOG_CHECKS, LOG_DIFFERS};
use assent_service_kit::Dependency;
use tokio::sync::Notify;

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFinding {
    /// The log holds what the view was built from.
    Same,
    /// It gives no message there, though it goes on.
    Missing(Sequence),
    /// It has another message there; somewhere, where the place is not known.
    Different(Option<Sequence>),
}

/// The last comparison, and the one that is under way.
#[derive(Debug)]
pub(crate) struct LogFindings {
    status: Mutex<LogCheckStatus>,
    asked: Notify,
    accepted: Notify,
    readiness: Dependency,
}

impl LogFindings {
    /// `readiness` tells what was found. A view that knows better than the log serves all the same.
    pub(crate) fn new(readiness: Dependency) -> Self {
        readiness.ready();
        LOG_DIFFERS.set(0.0);
        LOG_CHECKED_THROUGH.set(0.0);
        Self {
            status: Mutex::default(),
            asked: Notify::new(),
            accepted: Notify::new(),
            readiness,
        }
    }

    pub(crate) fn status(&self) -> LogCheckStatus {
        self.lock().clone()
    }

    /// An operator wants the log to be compared.
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits until an operator wants it.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// An operator decides that the log is right as it is: nobody is to be held back any longer.
    pub(crate) fn accept_log(&self) {
        self.accepted.notify_one();
    }

    /// Waits until an operator decides so.
    pub(crate) async fn log_accepted(&self) {
        self.accepted.notified().await;
    }

    /// The comparison that is under way got that far.
    pub(crate) fn progress(&self, through: Sequence) {
        self.lock().running_at = Some(through.0);
    }

    /// The comparison ended without a result.
    pub(crate) fn interrupted(&self) {
        self.lock().running_at = None;
    }

    /// Tells what a comparison up to a message came to, of what this server gives.
    pub(crate) fn found(&self, finding: LogFinding, through: Sequence, server: &str) {
        let (result, at) = match finding {
            LogFinding::Same => (LogCheckResult::Same, None),
            LogFinding::Missing(at) => (LogCheckResult::Missing, Some(at)),
            LogFinding::Different(at) => (LogCheckResult::Different, at),
        };
        {
            let mut status = self.lock();
            status.result = result;
            status.at = at.map(|at| at.0);
            status.through = through.0;
            status.ended_at = Some(jiff::Timestamp::now().to_string());
            status.server = Some(server.to_owned());
            status.running_at = None;
            status.checks = status.checks.saturating_add(1);
        }
        LOG_CHECKS.increment(1);
        LOG_CHECKED_THROUGH.set_count(through.0);
        let differs = finding != LogFinding::Same;
        LOG_DIFFERS.set(if differs { 1.0 } else { 0.0 });
        if !differs {
            self.readiness.ready();
            return;
        }
        let what = describe(finding);
        tracing::error!(
            operator_alarm = "log_differs_from_view",
            sequence = at.map(|at| at.0),
            through = through.0,
            server,
            "the log is not what the view was built from: {what}"
        );
        self.readiness.do_without(format!(
            "the log on server {server} is not what the view was built from: {what}; the view is served as it is; \
             restore the stream from a backup or from the other servers"
        ));
    }

    fn lock(&self) -> MutexGuard<'_, LogCheckStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(finding: LogFinding) -> String {
    match finding {
        LogFinding::Same => "it is the same".to_owned(),
        LogFinding::Missing(at) => format!("event {at} is missing, or damaged"),
        LogFinding::Different(Some(at)) => format!("event {at} is another one"),
        LogFinding::Different(None) => "one of its events is another one".to_owned(),
    }
}
