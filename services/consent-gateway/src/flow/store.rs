//! Where flows are kept.

use assent_messaging::Bucket;
use uuid::Uuid;

use crate::flow::Flow;
use crate::records::{Records, StoreError, Stored};

/// The flows under way, and those of the last day.
#[derive(Debug)]
pub(crate) struct FlowStore {
    records: Records<Flow>,
}

impl FlowStore {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            records: Records::new(bucket),
        }
    }

    /// Keeps a new flow.
    pub(crate) async fn create(&self, flow: Flow) -> Result<Stored<Flow>, StoreError> {
        let key = key(flow.id);
        self.records.create(&key, flow).await
    }

    /// Finds a flow; `None` if there is none, or none any more.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Stored<Flow>>, StoreError> {
        self.records.find(&key(id)).await
    }

    /// Changes a flow, unless somebody else did since it was read.
    pub(crate) async fn change(&self, stored: Stored<Flow>) -> Result<Stored<Flow>, StoreError> {
        self.records.change(stored).await
    }
}

fn key(id: Uuid) -> String {
    id.simple().to_string()
}
