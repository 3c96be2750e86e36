//! Where flows are kept.

use assent_messaging::Bucket;
use uuid::Uuid;

use crate::cutoff::Cutoffs;
use crate::flow::Flow;
use crate::records::{Records, StoreError, Stored};

/// The flows under way, and those of the last day.
#[derive(Debug)]
pub(crate) struct FlowStore {
    records: Records<Flow>,
    cutoffs: Cutoffs,
}

impl FlowStore {
    pub(crate) fn new(bucket: Bucket, cutoffs: Cutoffs) -> Self {
        Self {
            records: Records::new(bucket),
            cutoffs,
        }
    }

    /// Keeps a new flow.
    pub(crate) async fn create(&self, flow: Flow) -> Result<Stored<Flow>, StoreError> {
        let key = key(flow.id);
        let begun_by = self.cutoffs.generation(&flow.account, &flow.started_by);
        let generation = begun_by.await?;
        self.records.create(&key, Flow { generation, ..flow }).await
    }

    /// Finds a flow; `None` if there is none, or none any more. One whose user was cut off since is over.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Stored<Flow>>, StoreError> {
        let Some(mut stored) = self.records.find(&key(id)).await? else {
            return Ok(None);
        };
        let flow = &mut stored.value;
        if !flow.has_ended() {
            let present = self.cutoffs.generation(&flow.account, &flow.started_by);
            if flow.generation != present.await? {
                flow.cut_short();
            }
        }
        Ok(Some(stored))
    }

    /// Changes a flow, unless somebody else did since it was read.
    pub(crate) async fn change(&self, stored: Stored<Flow>) -> Result<Stored<Flow>, StoreError> {
        self.records.change(stored).await
    }
}

fn key(id: Uuid) -> String {
    id.simple().to_string()
}
