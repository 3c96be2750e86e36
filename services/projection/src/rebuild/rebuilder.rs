//! Carrying out orders, beside following the log.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::words::RebuildRefusal;
use assent_service_kit::Runtime;

use super::ended::Ended;
use super::rebuilds::Rebuilds;
use super::turn::Turn;
use crate::change_announcer::LogAndView;

/// Between two attempts at what failed for now.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Carries out what operators ask for, for as long as a log is followed. Whoever drops it leaves what is served as it is;
/// the order is begun again by the next one.
#[derive(Debug)]
pub(crate) struct Rebuilder {
    pub(crate) rebuilds: Arc<Rebuilds>,
    pub(crate) ground: LogAndView,
    pub(crate) turn: Turn,
    pub(crate) runtime: Runtime,
}

impl Rebuilder {
    /// Whoever is held back is permitted what the log says only once an operator has decided that.
    fn nobody_is_held(&self) -> Result<(), Ended> {
        let held = self.ground.view.read().held();
        if held == 0 {
            return Ok(());
        }
        let detail = format!(
            "{held} users are held back, as the log lost events: decide that first, with consentctl projection accept-log"
        );
        Err(Ended::refused(RebuildRefusal::LogLostEvents, detail))
    }

    /// Waits for orders, and carries them out.
    pub(crate) async fn run(self) {
        loop {
            let order = self.rebuilds.begin_next().await;
            let ended = match (self.nobody_is_held(), &order.account) {
                (Err(held), _) => Err(held),
                (Ok(()), None) => self.rebuild_whole_view(order.dry_run).await,
                (Ok(()), Some(account)) => self.rebuild_account(account, order.dry_run).await,
            };
            match ended {
                Ok(outcome) => self.rebuilds.end(outcome),
                Err(Ended::ForNow(trouble)) => {
                    tracing::warn!(trouble, "the view is not rebuilt; trying again");
                    self.rebuilds.show_trouble(trouble);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(Ended::Refused(refusal)) => self.rebuilds.end(refusal.into()),
            }
        }
    }
}
