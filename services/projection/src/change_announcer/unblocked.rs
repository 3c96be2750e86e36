//! Those whom a message blocks that is no event, and those whom it blocked until it was declared void.
//!
//! Their state changes without an event, so no sequence says which of two messages is later. Of a
//! user it is told as of the whole view, which is later than what was told. Of a company it is told
//! under another name of the log: its users' entries would all be older than anything later of
//! itself, and so would count for nothing.
//!
//! Replicas hear of a void message within a second of one another. Until then they say otherwise of
//! the same person, and none of it is somebody else's.

use std::time::Duration;

use assent_contract::names;
use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_domain::mode::AuthorizationMethod;
use assent_domain::permissions::PermissionSet;
use assent_permission_store::{Projected, ReadError, Reading};
use tokio::time::{sleep, timeout};

use super::LogAndView;
use super::finding::Finding;
use super::judge::{MessageVerdict, OurMessage, against_view, ours};
use super::resumable_publisher::ResumablePublisher;
use crate::announce_error::AnnounceError;

/// How long the view may take to pass over what is void.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many of those who are blocked are looked at: each costs a request or two.
const MOST_BLOCKED: usize = 512;

impl LogAndView {
    /// What the view says of a message, once it has passed over what is void.
    pub(super) async fn judge(&self, ours: &OurMessage) -> Result<MessageVerdict, AnnounceError> {
        self.catches_up_with_voids(&ours.aggregate).await?;
        let verdict = against_view(&self.view.read(), ours)?;
        if verdict == MessageVerdict::Wrong && self.view.read().is_held(&ours.aggregate)? {
            // A replica that does not know what the log has lost says what the log says. It is told over by none of us,
            // or they would go on for ever.
            return Ok(MessageVerdict::True);
        }
        if verdict == MessageVerdict::Wrong && says_blocked(ours) && self.was_blocked(ours) {
            return Ok(MessageVerdict::Unblocked);
        }
        Ok(verdict)
    }

    /// Before the log is called so in answers: whoever sees a name that is new to them believes what
    /// is answered under it, and may be told nothing later.
    pub(super) async fn may_be_called(&self, log: &str) -> Result<(), AnnounceError> {
        if self.served.log_name().as_deref() == Some(log) {
            return Ok(());
        }
        let blocked = self.view.read().blocked_after(None, MOST_BLOCKED)?;
        for blocked in blocked {
            self.catches_up_with_voids(&blocked.aggregate).await?;
        }
        Ok(())
    }

    /// Waits for as long as a message blocks somebody in the view that was declared void already.
    pub(super) async fn catches_up_with_voids(
        &self,
        aggregate: &Aggregate,
    ) -> Result<(), AnnounceError> {
        let waiting = async {
            while self.is_behind(aggregate).await? {
                sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        let waited = timeout(PATIENCE, waiting).await;
        waited.map_err(|_| {
            AnnounceError::Interrupted("the view does not pass over a message that is void")
        })?
    }

    async fn is_behind(&self, aggregate: &Aggregate) -> Result<bool, AnnounceError> {
        let blocked = blocked_at(&self.view.read(), aggregate)?;
        for at in blocked {
            if let Some(entry) = self.log.entry(at).await?
                && self.log.void_of(&entry).await?.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a message that is void stood in the way, as of what is told.
    fn was_blocked(&self, ours: &OurMessage) -> bool {
        let company = Aggregate::Account(ours.aggregate.account().clone());
        [&company, &ours.aggregate].into_iter().any(|aggregate| {
            let passed_over = self.voids.passed_over(&self.view, aggregate);
            passed_over.iter().any(|at| at.0 <= ours.change.sequence)
        })
    }
}

/// Whether a message says what is said of somebody who is blocked.
fn says_blocked(ours: &OurMessage) -> bool {
    match ours.change.effective {
        Some(effective) => effective == PermissionSet::NOTHING.into(),
        None => ours.change.method == AuthorizationMethod::default().into(),
    }
}

/// The messages that block an account, or a user and the account.
fn blocked_at(reading: &Reading<'_>, aggregate: &Aggregate) -> Result<Vec<Sequence>, ReadError> {
    let mut blocked = Vec::new();
    if let Projected::Blocked { at } = reading.account(aggregate.account())? {
        blocked.push(at);
    }
    if let Aggregate::User(account, user) = aggregate
        && let Projected::Blocked { at } = reading.user(account, user)?
    {
        blocked.push(at);
    }
    Ok(blocked)
}

impl ResumablePublisher {
    /// Makes sure that what was told last of those who are blocked, or were, is how they stand:
    /// whoever was to tell it may have been interrupted.
    pub(super) async fn tell_blocked_and_unblocked(&mut self) -> Result<(), AnnounceError> {
        let blocked = self.ground.view.read().blocked_after(None, MOST_BLOCKED)?;
        for blocked in blocked {
            let Some((kept, finding)) = self.last_told(&blocked.aggregate).await? else {
                continue;
            };
            // Blocked again, as the record of what is void is gone.
            let is_blocked = says_blocked(&kept) && blocked.at.0 <= kept.change.sequence;
            if !is_blocked {
                self.repair(&finding).await?;
            }
        }
        for aggregate in self.ground.voids.aggregates() {
            let passed_over = self.ground.voids.passed_over(&self.ground.view, &aggregate);
            let Some((kept, finding)) = self.last_told(&aggregate).await? else {
                continue;
            };
            let is_over = match &aggregate {
                Aggregate::Account(_) => passed_over.contains(&Sequence(kept.change.sequence)),
                Aggregate::User(..) => false,
            };
            if is_over || self.ground.judge(&kept).await? == MessageVerdict::Unblocked {
                self.repair(&finding).await?;
            }
        }
        Ok(())
    }

    /// Tells how those stand who were unblocked just now, unless another replica did.
    pub(super) async fn tell_unblocked(
        &mut self,
        unblocked: &[Aggregate],
    ) -> Result<(), AnnounceError> {
        for aggregate in unblocked {
            let passed_over = self.ground.voids.passed_over(&self.ground.view, aggregate);
            let Some((kept, finding)) = self.last_told(aggregate).await? else {
                continue;
            };
            let is_over = match aggregate {
                // Also where the company is as it was: its users are not.
                Aggregate::Account(_) => passed_over.iter().any(|at| at.0 <= kept.change.sequence),
                Aggregate::User(..) => match self.ground.judge(&kept).await? {
                    // Wrong of whoever was held back until now.
                    MessageVerdict::Unblocked | MessageVerdict::Wrong => true,
                    MessageVerdict::True | MessageVerdict::Earlier | MessageVerdict::Later => false,
                },
            };
            if is_over {
                self.repair(&finding).await?;
            }
        }
        Ok(())
    }

    /// The last thing told of somebody, if it is one of ours; others' are told over anyway.
    pub(super) async fn last_told(
        &self,
        aggregate: &Aggregate,
    ) -> Result<Option<(OurMessage, Finding)>, AnnounceError> {
        let kept = self
            .stream
            .last_on(&names::change_subject(aggregate))
            .await?;
        let found = kept.and_then(|kept| Some((ours(&kept)?, Finding::of_ours(&kept))));
        Ok(found)
    }
}
