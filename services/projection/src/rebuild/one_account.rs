//! One account and its users: each folded anew from its own events, and compared with its row.

use assent_contract::rebuild::{RebuildComparison, RebuildOutcome};
use assent_contract::words::{RebuildRefusal, RebuildStage};
use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::PermissionSet;
use assent_event_log::ReadError;
use assent_permission_store::{
    Projected, ReadError as ReadViewError, Refold, RowDifference, effective,
};
use assent_service_kit::error_chain::with_sources;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::ended::{Ended, Refusal};
use super::rebuilder::{PAUSE, Rebuilder};
use super::rebuilds::Progress;
use super::report;
use crate::served_view::show_counts;
use crate::unblock::Refolding;

/// How many rows that differ are described.
const DESCRIBED: usize = 20;
/// Users of the view are listed by so many.
const PAGE: usize = 1000;

/// What was found so far.
struct Findings {
    dry_run: bool,
    /// The company as it was served, and as it was folded.
    company: (Projected<AccountState>, Refold),
    comparison: RebuildComparison,
    progress: Progress,
}

impl Rebuilder {
    /// Folds the company first, then its users: those of the view, and those whom only the log knows.
    pub(super) async fn rebuild_account(
        &self,
        account: &AccountId,
        dry_run: bool,
    ) -> Result<RebuildOutcome, Ended> {
        let company = Aggregate::Account(account.clone());
        let served = self.ground.view.account(account).map_err(damage)?;
        let mut findings = Findings {
            dry_run,
            company: (served, Refold::new(company.clone())),
            comparison: RebuildComparison::default(),
            progress: Progress {
                stage: RebuildStage::Comparing,
                events_folded: 0,
                events_total: 0,
                rows_compared: 0,
            },
        };
        findings.company.1 = self.see_to(company, &mut findings).await?;
        self.users_of_view(account, &mut findings).await?;
        self.users_of_log(account, &mut findings).await?;
        show_counts(self.ground.view.counts());
        self.ground.served.has_corrections();
        let comparison = findings.comparison;
        Ok(if dry_run {
            RebuildOutcome::Compared { comparison }
        } else {
            RebuildOutcome::Corrected { comparison }
        })
    }

    async fn users_of_view(
        &self,
        account: &AccountId,
        findings: &mut Findings,
    ) -> Result<(), Ended> {
        let mut after: Option<UserId> = None;
        loop {
            let page = self.ground.view.users(account, after.as_ref(), PAGE);
            let page = page.map_err(damage)?;
            for (user, _) in &page.users {
                let user = Aggregate::User(account.clone(), user.clone());
                self.see_to(user, findings).await?;
            }
            after = page.users.into_iter().next_back().map(|(user, _)| user);
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn users_of_log(
        &self,
        account: &AccountId,
        findings: &mut Findings,
    ) -> Result<(), Ended> {
        let mut offset = Some(0);
        while let Some(from) = offset {
            let page = self.ground.log.users_of(account, from).await?;
            for user in page.users {
                let user = Aggregate::User(account.clone(), user);
                let known = self.ground.view.read().current_change(&user);
                if known.map_err(damage)?.is_none() {
                    self.see_to(user, findings).await?;
                }
            }
            offset = page.next;
        }
        Ok(())
    }

    /// Folds one anew, and puts it in its row where that says something else.
    async fn see_to(&self, whose: Aggregate, findings: &mut Findings) -> Result<Refold, Ended> {
        let (view, log, voids) = (&self.ground.view, &self.ground.log, &self.ground.voids);
        let mut refolding = Refolding::new(whose.clone());
        // Most of it while others go on.
        refolding.read(log, voids, view.cursor().sequence).await?;
        loop {
            let turn = self.turn.take().await;
            let through = view.cursor().sequence;
            refolding.read(log, voids, through).await?;
            let refold = refolding.refold();
            let effect = self.effect(&whose, refold, findings)?;
            let difference = view.difference_from(refold, through)?;
            if difference.is_some() {
                self.is_whole(&whose, &findings.comparison).await?;
                if !findings.dry_run && !block_in_place(|| view.correct(refold, through))? {
                    // All rows are being read, and that may wait for events to be applied.
                    drop(turn);
                    sleep(PAUSE).await;
                    continue;
                }
            }
            findings.note(through, difference.as_ref(), effect);
            self.rebuilds.show(findings.progress);
            return Ok(refolding.into_refold());
        }
    }

    /// A row is only changed for a history of which nothing is missing, and nothing was changed.
    async fn is_whole(
        &self,
        whose: &Aggregate,
        comparison: &RebuildComparison,
    ) -> Result<(), Ended> {
        let detail = match self.ground.log.read(whose).await {
            // What can't be read blocks, and is known to.
            Ok(_) | Err(ReadError::Unreadable { .. }) => self.first_unknown(whose).await?,
            Err(error @ (ReadError::BrokenChain { .. } | ReadError::Damaged(_))) => {
                Some(with_sources(&error).to_string())
            }
            Err(error @ (ReadError::NotThere | ReadError::JetStream(_))) => {
                return Err(error.into());
            }
        };
        match detail {
            None => Ok(()),
            Some(detail) => Err(Ended::Refused(Refusal {
                reason: RebuildRefusal::LogLostEvents,
                detail,
                comparison: Some(comparison.clone()),
            })),
        }
    }

    /// The first message of theirs that is not the one that the view was built from; or the last one that the view knows of,
    /// where the log has nothing of theirs there.
    async fn first_unknown(&self, whose: &Aggregate) -> Result<Option<String>, Ended> {
        let (view, log) = (&self.ground.view, &self.ground.log);
        let known = view.read().current_change(whose).map_err(damage)?;
        let own = match whose {
            Aggregate::Account(_) => known.map(|known| known.sequence),
            Aggregate::User(account, user) => {
                let user = view.user(account, user).map_err(damage)?;
                known.map(|_| user.last_sequence())
            }
        };
        if let Some(last) = own.filter(|last| *last != Sequence(0)) {
            // Somebody else's is fine, if it always was: then it is the row that is wrong.
            let is_known = match log.entry(last).await? {
                Some(entry) => view.knows_message(last, entry.hash().as_bytes())?,
                None => false,
            };
            if !is_known {
                return Ok(Some(format!(
                    "event {last} of theirs is not in the log any more"
                )));
            }
        }
        let mut after = Sequence(0);
        while let Some(entry) = log.next_of(whose, after).await? {
            after = entry.sequence();
            if view.cursor().sequence < after {
                break;
            }
            if !view.knows_message(after, entry.hash().as_bytes())? {
                return Ok(Some(format!(
                    "event {after} is another one than the view that is served was built from"
                )));
            }
        }
        Ok(None)
    }

    /// What may be done for a user by what is served, and by what was folded.
    fn effect(
        &self,
        whose: &Aggregate,
        refold: &Refold,
        findings: &Findings,
    ) -> Result<Option<(PermissionSet, PermissionSet)>, Ended> {
        let Aggregate::User(account, user) = whose else {
            return Ok(None);
        };
        let served = self.ground.view.user(account, user).map_err(damage)?;
        let (company, company_refold) = &findings.company;
        let after = refold.effective_in(company_refold).unwrap_or_default();
        Ok(Some((effective(company, &served), after)))
    }
}

impl Findings {
    fn note(
        &mut self,
        through: Sequence,
        difference: Option<&RowDifference>,
        effect: Option<(PermissionSet, PermissionSet)>,
    ) {
        let found = &mut self.comparison;
        found.sequence = through.0;
        found.rows = found.rows.saturating_add(1);
        if let Some(difference) = difference {
            found.different = found.different.saturating_add(1);
            if found.first.len() < DESCRIBED {
                found.first.push(report::row_difference(difference));
            }
        }
        if let Some((before, after)) = effect {
            let (gains, loses) = (!after.is_within(before), !before.is_within(after));
            found.users_gaining = found.users_gaining.saturating_add(gains.into());
            found.users_losing = found.users_losing.saturating_add(loses.into());
        }
        self.progress.rows_compared = found.rows;
    }
}

fn damage(ReadViewError::Damaged(damage): ReadViewError) -> Ended {
    damage.into()
}
