//! Where flows are kept.

use assent_domain::refusal::Refusal;
use assent_messaging::Bucket;
use assent_service_kit::error_chain::with_sources;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::open::{OpenFlows, Opener, is_open};
use super::{Flow, FlowOutcome, FlowStage};
use crate::clock::Clock;
use crate::cutoff::Cutoffs;
use crate::kv_store::{KvStore, StoreError, Versioned};
use crate::stripes::{Stripes, step_back};

/// How often a record is changed anew when others keep getting in between.
const ATTEMPTS: u32 = 16;
/// How many flows are looked up at once.
const AT_ONCE: usize = 16;

/// The flows under way, and those of the last day.
#[derive(Debug)]
pub struct FlowStore {
    records: KvStore<Flow>,
    cutoffs: Cutoffs,
    open: KvStore<OpenFlows>,
    openers: Stripes,
    clock: Clock,
}

impl FlowStore {
    /// Flows that are kept in this bucket.
    pub fn new(bucket: Bucket, cutoffs: Cutoffs, clock: Clock) -> Self {
        Self {
            records: KvStore::new(bucket.clone()),
            cutoffs,
            open: KvStore::new(bucket),
            openers: Stripes::default(),
            clock,
        }
    }

    /// Where they are kept.
    pub fn bucket(&self) -> Bucket {
        self.records.bucket().clone()
    }

    /// Keeps a new flow. Where that is one too many for whoever began it, their oldest gives way: it ends, expired.
    pub(crate) async fn create(&self, flow: Flow) -> Result<Versioned<Flow>, StoreError> {
        let key = key(flow.id);
        let begun_by = self.cutoffs.generation(&flow.account, &flow.started_by);
        let generation = begun_by.await?.into();
        let flow = Flow { generation, ..flow };
        let stored = self.records.create(&key, flow).await?;
        // After it is there: what is noted and not there counts as over.
        for id in self.note(&stored.value).await? {
            self.expire(id).await;
        }
        Ok(stored)
    }

    /// Finds a flow; `None` if there is none, or none any more. One whose user was cut off since is over.
    pub async fn find(&self, id: Uuid) -> Result<Option<Versioned<Flow>>, StoreError> {
        let Some(mut stored) = self.records.find(&key(id)).await? else {
            return Ok(None);
        };
        let flow = &mut stored.value;
        if !flow.has_ended() {
            let present = self.cutoffs.generation(&flow.account, &flow.started_by);
            if !present.await?.is(&flow.generation) {
                flow.cut_short();
            }
        }
        Ok(Some(stored))
    }

    /// Changes a flow, unless somebody else did since it was read.
    pub(crate) async fn change(
        &self,
        stored: Versioned<Flow>,
    ) -> Result<Versioned<Flow>, StoreError> {
        self.records.change(stored).await
    }

    /// Notes that a flow is open; those that give way to it.
    async fn note(&self, flow: &Flow) -> Result<Vec<Uuid>, StoreError> {
        let opener = Opener::from_flow(flow);
        let key = opener.key();
        let _others_wait = self.openers.lock(&key).await;
        for attempt in 1..=ATTEMPTS {
            let stored = self.open.find(&key).await?;
            let mut open = stored
                .as_ref()
                .map_or_else(OpenFlows::default, |stored| stored.value.clone());
            open.forget_expired(self.clock.now());
            if open.len() >= opener.most() {
                open.forget(&self.ended(&open).await?);
            }
            let give_way = open.add(flow, opener.most());
            let noted = match stored {
                Some(mut stored) => {
                    stored.value = open;
                    self.open.change(stored).await
                }
                None => self.open.create(&key, open).await,
            };
            match noted {
                Ok(_) => return Ok(give_way),
                Err(StoreError::Changed) => step_back(attempt).await,
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Changed)
    }

    /// Which of the open flows nobody can go on with any more.
    async fn ended(&self, open: &OpenFlows) -> Result<Vec<Uuid>, StoreError> {
        let now = self.clock.now();
        let looked_up = open.ids().map(async |id| {
            let found = self.find(id).await?;
            let is_open = found.is_some_and(|stored| is_open(&stored.value, now));
            Ok((!is_open).then_some(id))
        });
        let looked_up: Vec<_> = stream::iter(looked_up)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(looked_up.into_iter().flatten().collect())
    }

    /// Ends a flow that nobody has answered.
    async fn expire(&self, id: Uuid) {
        for attempt in 1..=ATTEMPTS {
            let changed = match self.find(id).await {
                Ok(Some(mut stored)) if can_give_way(&stored.value) => {
                    stored.value.stage =
                        FlowStage::from(FlowOutcome::Refused(Refusal::FlowExpired));
                    self.change(stored).await.map(drop)
                }
                Ok(_) => return,
                Err(error) => Err(error),
            };
            match changed {
                Ok(()) => return,
                Err(StoreError::Changed) => step_back(attempt).await,
                Err(error) => {
                    // It ends by itself in a quarter of an hour.
                    tracing::warn!(flow.id = %id, error = %with_sources(&error), "a flow did not give way");
                    return;
                }
            }
        }
    }
}

/// What is being recorded at this moment ends by itself, and must not be told to have expired.
const fn can_give_way(flow: &Flow) -> bool {
    match flow.stage {
        FlowStage::AtAdminConsent
        | FlowStage::AtAuthorize { .. }
        | FlowStage::AwaitingConfirmation { .. } => true,
        FlowStage::AwaitingAdministrator { taken_at, .. } => taken_at.is_none(),
        FlowStage::Redeeming | FlowStage::Ended { .. } => false,
    }
}

fn key(id: Uuid) -> String {
    id.simple().to_string()
}

#[cfg(test)]
mod tests;
