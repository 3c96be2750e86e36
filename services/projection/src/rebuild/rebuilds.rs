//! Orders, one at a time, and how the one is that is under way.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assent_contract::rebuild::{RebuildComparison, RebuildOutcome, RebuildReport, RebuildView};
use assent_contract::words::{RebuildRefusal, RebuildStage};
use tokio::sync::Notify;
use uuid::Uuid;

use super::order::Order;
use crate::query_failure::QueryFailure;

/// How often one is begun that the program does not survive.
const MOST_ATTEMPTS: u32 = 10;

/// The rebuild that was asked for last.
#[derive(Debug)]
pub(crate) struct Rebuilds {
    directory: PathBuf,
    last: Mutex<Option<Rebuild>>,
    asked: Notify,
}

#[derive(Debug, Clone)]
struct Rebuild {
    order: Order,
    progress: Progress,
    trouble: Option<String>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) stage: RebuildStage,
    pub(super) events_folded: u64,
    pub(super) events_total: u64,
    pub(super) rows_compared: u64,
}

impl Progress {
    const NONE: Self = Self {
        stage: RebuildStage::Waiting,
        events_folded: 0,
        events_total: 0,
        rows_compared: 0,
    };
}

impl Rebuilds {
    /// With what was asked for before the program was started.
    pub(crate) fn new(directory: PathBuf) -> Self {
        let last = Order::read(&directory).map(|order| Rebuild {
            progress: Progress {
                stage: match order.outcome {
                    Some(_) => RebuildStage::Ended,
                    None => RebuildStage::Waiting,
                },
                ..Progress::NONE
            },
            order,
            trouble: None,
        });
        Self {
            directory,
            last: Mutex::new(last),
            asked: Notify::new(),
        }
    }

    /// Takes an order, joins the one that is under way, or tells how one is.
    pub(crate) fn ask(
        &self,
        instance: &str,
        asked: &RebuildView,
    ) -> Result<RebuildReport, QueryFailure> {
        let mut last = self.last();
        if let Some(id) = asked.rebuild_id {
            let known = last.as_ref().filter(|rebuild| rebuild.order.id == id);
            let known = known.ok_or(QueryFailure::Gone(
                "this projection knows of no such rebuild: another one may, or it is long over",
            ))?;
            return Ok(known.report(instance, true));
        }
        if let Some(under_way) = last.as_ref().filter(|last| last.order.outcome.is_none()) {
            return Ok(under_way.report(instance, true));
        }
        let order = Order {
            id: Uuid::now_v7(),
            account: asked.account_id.clone(),
            dry_run: asked.dry_run,
            attempt: 0,
            outcome: None,
        };
        order
            .write(&self.directory)
            .map_err(QueryFailure::NotKept)?;
        tracing::info!(rebuild = %order.id, account = ?order.account, dry_run = order.dry_run, "the view is to be rebuilt");
        let rebuild = last.insert(Rebuild {
            order,
            progress: Progress::NONE,
            trouble: None,
        });
        let report = rebuild.report(instance, false);
        self.asked.notify_one();
        Ok(report)
    }

    /// Waits for an order, and begins to carry it out.
    pub(super) async fn begin_next(&self) -> Order {
        loop {
            if let Some(order) = self.begin() {
                return order;
            }
            self.asked.notified().await;
        }
    }

    fn begin(&self) -> Option<Order> {
        let mut last = self.last();
        let rebuild = last.as_mut()?;
        let order = &mut rebuild.order;
        if order.outcome.is_some() {
            return None;
        }
        if MOST_ATTEMPTS <= order.attempt {
            let outcome = RebuildOutcome::Refused {
                reason: RebuildRefusal::Interrupted,
                detail: format!(
                    "the projection was stopped or killed {MOST_ATTEMPTS} times while it was at it; look at its log, then ask again"
                ),
                comparison: None,
            };
            self.end_with(rebuild, outcome);
            return None;
        }
        order.attempt = order.attempt.saturating_add(1);
        let order = order.clone();
        if let Err(error) = order.write(&self.directory) {
            tracing::warn!(%error, "how often a rebuild was begun is not kept");
        }
        Some(order)
    }

    pub(super) fn show(&self, progress: Progress) {
        if let Some(rebuild) = self.last().as_mut() {
            rebuild.progress = progress;
            rebuild.trouble = None;
        }
    }

    pub(super) fn show_trouble(&self, trouble: String) {
        if let Some(rebuild) = self.last().as_mut() {
            rebuild.trouble = Some(trouble);
            // Of those that the program does not survive only.
            rebuild.order.attempt = rebuild.order.attempt.saturating_sub(1);
        }
    }

    pub(super) fn end(&self, outcome: RebuildOutcome) {
        if let Some(rebuild) = self.last().as_mut() {
            self.end_with(rebuild, outcome);
        }
    }

    fn end_with(&self, rebuild: &mut Rebuild, outcome: RebuildOutcome) {
        let id = rebuild.order.id;
        match &outcome {
            RebuildOutcome::Refused { reason, detail, .. } => {
                tracing::error!(operator_alarm = "view_not_rebuilt", rebuild = %id, ?reason, detail, "what is served is as it was");
            }
            RebuildOutcome::Swapped { comparison, .. }
            | RebuildOutcome::Compared { comparison }
            | RebuildOutcome::Corrected { comparison } => {
                let RebuildComparison {
                    rows, different, ..
                } = comparison;
                tracing::info!(rebuild = %id, rows, different, "rebuilt");
            }
        }
        rebuild.progress.stage = RebuildStage::Ended;
        rebuild.trouble = None;
        rebuild.order.outcome = Some(outcome);
        if rebuild.order.dry_run {
            Order::remove(&self.directory);
        } else if let Err(error) = rebuild.order.write(&self.directory) {
            tracing::warn!(%error, "how a rebuild ended is not kept: it is done once more after the next start");
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Rebuild>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rebuild {
    fn report(&self, instance: &str, joined: bool) -> RebuildReport {
        let Self {
            order,
            progress,
            trouble,
        } = self;
        RebuildReport {
            instance: instance.to_owned(),
            rebuild_id: order.id,
            account_id: order.account.clone(),
            dry_run: order.dry_run,
            joined,
            attempt: order.attempt,
            stage: progress.stage,
            events_folded: progress.events_folded,
            events_total: progress.events_total,
            rows_compared: progress.rows_compared,
            trouble: trouble.clone(),
            outcome: order.outcome.clone(),
        }
    }
}
