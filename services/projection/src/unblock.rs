//! Folding anew whoever was blocked by a message that is void now, while the log goes on.

use std::collections::{BTreeSet, VecDeque};

use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_event_log::{self as event_log, EventLog};
use assent_permission_store::{ApplyError, ReadError, Refold, View};
use tokio::task::{JoinSet, block_in_place};

use crate::entries::as_entry;
use crate::follow_failure::FollowFailure;
use crate::voids::Voids;

const HELD_AT_A_TIME: usize = 1024;

/// One after another, those who have to be folded anew.
#[derive(Debug)]
pub(crate) struct Unblock {
    log: EventLog,
    voids: Voids,
    waiting: VecDeque<Aggregate>,
    /// At most one at a time: reading it takes a round trip for each of its messages.
    under_way: JoinSet<Result<Refolding, event_log::ReadError>>,
    /// Void messages that were seen to. A record may name a message that it does not fit: then
    /// nothing comes of it, once.
    seen_to: BTreeSet<Sequence>,
}

impl Unblock {
    pub(crate) fn new(log: &EventLog, voids: &Voids) -> Self {
        Self {
            log: log.clone(),
            voids: voids.clone(),
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            seen_to: BTreeSet::new(),
        }
    }

    /// Looks whom the void messages block that the view has applied.
    pub(crate) async fn look(&mut self, view: &View) -> Result<(), FollowFailure> {
        if !self.voids.explain(view) {
            return Err(FollowFailure::VoidGone);
        }
        for (sequence, aggregate) in self.voids.blocking(view) {
            if !self.seen_to.insert(sequence) {
                continue;
            }
            match aggregate {
                Some(aggregate) if !self.waiting.contains(&aggregate) => {
                    self.waiting.push_back(aggregate);
                }
                Some(_) => {}
                None => self.orphan(view, sequence).await?,
            }
        }
        self.begin_next(view);
        Ok(())
    }

    /// Lets go of those who are held back: each is folded anew from the log as it is.
    pub(crate) fn release_held(&mut self, view: &View) -> Result<(), FollowFailure> {
        let mut after = None;
        loop {
            let held = view.read().held_after(after.as_ref(), HELD_AT_A_TIME);
            let held = held.map_err(|ReadError::Damaged(damage)| {
                FollowFailure::Apply(ApplyError::Damaged(damage))
            })?;
            let Some(last) = held.last() else { break };
            after = Some(last.clone());
            self.waiting.extend(held);
        }
        self.begin_next(view);
        Ok(())
    }

    /// Waits until one was read; for ever, where there is none.
    pub(crate) async fn read(&mut self) -> Result<Refolding, FollowFailure> {
        match self.under_way.join_next().await {
            Some(Ok(read)) => read.map_err(FollowFailure::Read),
            Some(Err(_)) => Err(FollowFailure::Ended),
            None => std::future::pending().await,
        }
    }

    /// Puts one that was read in its place, with what came meanwhile. Who it is.
    pub(crate) async fn replace(
        &mut self,
        view: &View,
        mut read: Refolding,
    ) -> Result<Aggregate, FollowFailure> {
        let cursor = view.cursor().sequence;
        let read_on = read.read(&self.log, &self.voids, cursor);
        read_on.await.map_err(FollowFailure::Read)?;
        block_in_place(|| view.replace(&read.refold, cursor)).map_err(FollowFailure::Apply)?;
        tracing::info!(aggregate = ?read.aggregate, "folded anew without what is void");
        self.begin_next(view);
        Ok(read.aggregate)
    }

    /// Whether nobody has to be folded anew any more.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    fn begin_next(&mut self, view: &View) {
        if !self.under_way.is_empty() {
            return;
        }
        let Some(aggregate) = self.waiting.pop_front() else {
            return;
        };
        let (log, voids) = (self.log.clone(), self.voids.clone());
        let through = view.cursor().sequence;
        self.under_way.spawn(async move {
            let mut refolding = Refolding::new(aggregate);
            refolding.read(&log, &voids, through).await?;
            Ok(refolding)
        });
    }

    async fn orphan(&self, view: &View, sequence: Sequence) -> Result<(), FollowFailure> {
        let entry = self
            .log
            .entry(sequence)
            .await
            .map_err(FollowFailure::Read)?;
        if entry.is_some_and(|entry| self.voids.covers(&entry)) {
            block_in_place(|| view.pass_over_orphan(sequence)).map_err(FollowFailure::Apply)?;
        }
        Ok(())
    }
}

/// One account or user that is folded anew from the log.
#[derive(Debug)]
pub(crate) struct Refolding {
    aggregate: Aggregate,
    refold: Refold,
    read_through: Sequence,
}

impl Refolding {
    /// Nothing is read yet.
    pub(crate) fn new(aggregate: Aggregate) -> Self {
        Self {
            refold: Refold::new(aggregate.clone()),
            aggregate,
            read_through: Sequence(0),
        }
    }

    /// What was folded.
    pub(crate) const fn refold(&self) -> &Refold {
        &self.refold
    }

    /// What was folded, for whoever reads no further.
    pub(crate) fn into_refold(self) -> Refold {
        self.refold
    }

    /// Reads on, up to a place in the log.
    pub(crate) async fn read(
        &mut self,
        log: &EventLog,
        voids: &Voids,
        through: Sequence,
    ) -> Result<(), event_log::ReadError> {
        while self.read_through < through {
            let next = log.next_of(&self.aggregate, self.read_through).await?;
            let Some(next) = next.filter(|next| next.sequence() <= through) else {
                self.read_through = through;
                break;
            };
            self.read_through = next.sequence();
            self.refold.add(&as_entry(&next, voids));
        }
        Ok(())
    }
}
