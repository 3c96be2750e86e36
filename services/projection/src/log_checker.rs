//! Reading the log again, in the background, to see that it still holds what the view was built from.
//!
//! A server gives nothing for a record that is damaged on its disk, and says nothing; and a server with an older copy may
//! lead at any time. So it is read after each start, lost connection and change of leader, once a day, and when an operator
//! asks. Nothing is served from what is read: the view was there first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use assent_domain::ids::Sequence;
use assent_event_log::{EventLog, FollowError, StreamStatus};
use assent_messaging::{Connection, ConnectionState};
use assent_permission_store::{Damage, LogVerdict, View};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::log_findings::{LogFinding, LogFindings};
use crate::log_reader::LogReader;
use crate::served_view::ServedView;

/// For how many times as long as reading took it pauses, and for how long at the most.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_hours(24);
/// How often it is looked who leads. A server that is restarted may lead again soon after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How soon it is tried again where the log could not be read to its end.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Compares the log with one view for as long as that view follows it.
#[derive(Debug)]
pub(crate) struct LogChecker {
    pub(crate) connection: Connection,
    pub(crate) log: EventLog,
    pub(crate) view: Arc<View>,
    pub(crate) served: Arc<ServedView>,
    pub(crate) findings: Arc<LogFindings>,
}

/// Who leads the log, and since when.
#[derive(Debug, Default, PartialEq, Eq)]
struct Led {
    by: Option<String>,
    since: Option<String>,
}

impl Led {
    fn by(log: &StreamStatus) -> Self {
        Self {
            by: log.leader.clone(),
            since: log.leads_since.clone(),
        }
    }
}

/// Why a comparison has no result.
enum NoResult {
    /// The log can't be read to its end now. Whoever follows it says why.
    Log,
    View(Damage),
}

impl LogChecker {
    pub(crate) async fn run(self) {
        let mut states = self.connection.state_changes();
        loop {
            states.mark_unchanged();
            let (led, compared) = match self.log.status().await {
                Ok(log) => (Led::by(&log), self.compare(log.replicas).await),
                Err(_) => (Led::default(), Err(NoResult::Log)),
            };
            let has_result = compared.is_ok();
            match compared {
                Ok((finding, through)) => {
                    let server = led.by.clone().unwrap_or_else(|| self.log.server());
                    self.findings.found(finding, through, &server);
                }
                Err(NoResult::Log) => self.findings.interrupted(),
                Err(NoResult::View(damage)) => {
                    self.findings.interrupted();
                    tracing::error!(%damage, "what the view keeps of the log can't be read");
                    self.served.report_damage(&self.view);
                }
            }
            tokio::select! {
                () = sleep(if has_result { EVERY } else { AGAIN_AFTER }) => {}
                () = self.findings.asked() => {}
                () = reconnected(&mut states) => {}
                () = self.leader_changes(led) => {}
            }
        }
    }

    /// Reads the log up to where the view was when it began.
    async fn compare(&self, replicas: usize) -> Result<(LogFinding, Sequence), NoResult> {
        let mut check = self.view.check_log();
        let through = check.through();
        let mut reader = LogReader::begin(&self.log, replicas);
        while check.sequence() < through {
            let began = Instant::now();
            let entries = match reader.next(through).await {
                Ok(entries) => entries,
                Err(FollowError::Gap { sequence }) => {
                    return Ok((LogFinding::Missing(sequence), through));
                }
                Err(
                    FollowError::StreamReplaced { .. }
                    | FollowError::RolledBack { .. }
                    | FollowError::NotThere
                    | FollowError::Refused(_),
                ) => return Err(NoResult::Log),
            };
            for entry in &entries {
                check
                    .add(entry.sequence(), *entry.hash().as_bytes())
                    .map_err(NoResult::View)?;
            }
            self.findings.progress(check.sequence());
            sleep(began.elapsed().saturating_mul(REST).min(LONGEST_REST)).await;
        }
        match check.verdict() {
            LogVerdict::Same => Ok((LogFinding::Same, through)),
            LogVerdict::Different { at } => Ok((LogFinding::Different(at), through)),
            LogVerdict::ViewDamaged => {
                self.served.report_damage(&self.view);
                Err(NoResult::Log)
            }
        }
    }

    /// Waits until another server leads, or the same one anew: it may have got records of others in between.
    async fn leader_changes(&self, was: Led) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let leads = self.log.status().await;
            let leads = leads.map(|log| Led::by(&log)).unwrap_or_default();
            if leads.by.is_some() && leads != was {
                return;
            }
        }
    }
}

/// Waits until the connection was lost and is there again.
async fn reconnected(states: &mut tokio::sync::watch::Receiver<ConnectionState>) {
    loop {
        if states.changed().await.is_err() {
            // The program is ending.
            std::future::pending::<()>().await;
        }
        if *states.borrow_and_update() == ConnectionState::Connected {
            return;
        }
    }
}
