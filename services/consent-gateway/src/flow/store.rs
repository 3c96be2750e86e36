//! Where flows are kept: one key for each, changed only from the revision it was read at.

use assent_messaging::{Bucket, BucketError};
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::Flow;

/// The flows under way, and those of the last day.
#[derive(Debug, Clone)]
pub(crate) struct FlowStore {
    bucket: Bucket,
}

/// A flow, and the revision to change it from.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) flow: Flow,
    revision: u64,
}

/// Why a flow was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Somebody else changed it first.
    #[error("somebody else changed the flow first")]
    Changed,
    /// The bucket can't be used now.
    #[error("the flow state can't be reached")]
    Unavailable(#[source] BucketError),
    /// What is stored is not a flow.
    #[error("a stored flow can't be read or written")]
    Unreadable(#[source] serde_json::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed => Self::ConcurrentChange,
            StoreError::Unavailable(_) => Self::LogUnavailable(error.into()),
            StoreError::Unreadable(_) => Self::Internal(error.into()),
        }
    }
}

impl FlowStore {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// Keeps a new flow.
    pub(crate) async fn create(&self, flow: &Flow) -> Result<(), StoreError> {
        let value = serde_json::to_vec(flow).map_err(StoreError::Unreadable)?;
        self.bucket
            .create(&key(flow.id), value)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    /// Finds a flow; `None` if there is none, or none any more.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Stored>, StoreError> {
        let Some(entry) = self.bucket.get(&key(id)).await.map_err(store_error)? else {
            return Ok(None);
        };
        let flow = serde_json::from_slice(&entry.value).map_err(StoreError::Unreadable)?;
        Ok(Some(Stored {
            flow,
            revision: entry.revision,
        }))
    }

    /// Changes a flow, unless somebody else did since it was read.
    pub(crate) async fn change(&self, stored: Stored) -> Result<Stored, StoreError> {
        let value = serde_json::to_vec(&stored.flow).map_err(StoreError::Unreadable)?;
        let revision = self
            .bucket
            .update(&key(stored.flow.id), value, stored.revision)
            .await
            .map_err(store_error)?;
        Ok(Stored { revision, ..stored })
    }
}

fn key(id: Uuid) -> String {
    id.simple().to_string()
}

fn store_error(error: BucketError) -> StoreError {
    match error {
        BucketError::AlreadyExists | BucketError::WrongRevision { .. } => StoreError::Changed,
        BucketError::BadName(_)
        | BucketError::ConfiguredOtherwise { .. }
        | BucketError::JetStream { .. } => StoreError::Unavailable(error),
    }
}
