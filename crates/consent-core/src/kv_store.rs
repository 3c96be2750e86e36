//! Records in a key-value bucket: one key for each, changed only from the revision it was read at.

use std::fmt;
use std::marker::PhantomData;

use assent_messaging::{Bucket, BucketError, BucketOrigin};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A bucket of records of one kind.
pub(crate) struct KvStore<T> {
    bucket: Bucket,
    kind: PhantomData<fn() -> T>,
}

/// A record, and the revision to change it from.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The record.
    pub value: T,
    key: String,
    revision: u64,
}

/// Why a record was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed it first.
    #[error("somebody else changed the record first")]
    Changed,
    /// The bucket holds as much as it may.
    #[error("there is no room for another record in {bucket}")]
    Full {
        /// Which one.
        bucket: String,
        /// What the bucket said.
        #[source]
        source: BucketError,
    },
    /// NATS can't be reached, and so no record.
    #[error("the records can't be reached")]
    OutOfReach(#[source] BucketError),
    /// The bucket can't be used now.
    #[error("the records in {bucket} can't be used")]
    Unavailable {
        /// Which one.
        bucket: String,
        /// What the bucket said.
        #[source]
        source: BucketError,
    },
    /// What is stored is not such a record.
    #[error("a stored record can't be read or written")]
    Unreadable(#[source] serde_json::Error),
}

impl<T> Versioned<T> {
    /// Numbered by the server: each change has a higher one.
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }
}

impl<T: Serialize + DeserializeOwned> KvStore<T> {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            kind: PhantomData,
        }
    }

    /// Where they are.
    pub(crate) const fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Keeps a new record.
    pub(crate) async fn create(&self, key: &str, value: T) -> Result<Versioned<T>, StoreError> {
        let bytes = serde_json::to_vec(&value).map_err(StoreError::Unreadable)?;
        let revision = self
            .bucket
            .create(key, bytes)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(Versioned {
            value,
            key: key.to_owned(),
            revision,
        })
    }

    /// Whether there is or was a record, be it that it can't be read.
    pub(crate) async fn holds(&self, key: &str) -> Result<bool, StoreError> {
        self.bucket
            .holds(key)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Finds a record; `None` if there is none, or none any more.
    pub(crate) async fn find(&self, key: &str) -> Result<Option<Versioned<T>>, StoreError> {
        let Some(entry) = self
            .bucket
            .get(key)
            .await
            .map_err(|error| self.failed(error))?
        else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&entry.value).map_err(StoreError::Unreadable)?;
        Ok(Some(Versioned {
            value,
            key: key.to_owned(),
            revision: entry.revision,
        }))
    }

    /// Changes a record, unless somebody else did since it was read.
    pub(crate) async fn change(&self, stored: Versioned<T>) -> Result<Versioned<T>, StoreError> {
        let bytes = serde_json::to_vec(&stored.value).map_err(StoreError::Unreadable)?;
        let changed = self.bucket.update(&stored.key, bytes, stored.revision);
        let revision = changed.await.map_err(|error| self.failed(error))?;
        Ok(Versioned { revision, ..stored })
    }

    /// Removes a record, whatever it is.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.bucket
            .delete(key)
            .await
            .map_err(|error| self.failed(error))
    }

    /// When their bucket was created, and after what.
    pub(crate) async fn origin(&self) -> Result<BucketOrigin, StoreError> {
        let origin = self.bucket.origin().await;
        origin.map_err(|error| self.failed(error))
    }

    /// Before what time records are lost, where their bucket had to be made anew.
    pub(crate) async fn lost_before(&self) -> Result<Option<Timestamp>, StoreError> {
        let origin = self.origin().await?;
        // A time that can't be read would be a server's of another kind: all of its records count as lost.
        let created = || origin.created.parse().unwrap_or(Timestamp::MAX);
        Ok(origin.is_recreated.then(created))
    }

    fn failed(&self, error: BucketError) -> StoreError {
        let bucket = self.bucket.name().to_owned();
        match error {
            BucketError::AlreadyExists | BucketError::WrongRevision { .. } => StoreError::Changed,
            source @ (BucketError::BadName(_)
            | BucketError::ConfiguredOtherwise { .. }
            | BucketError::HoldsMore { .. }
            | BucketError::JetStream { .. }) => {
                if source.full().is_some() {
                    StoreError::Full { bucket, source }
                } else if self.bucket.is_out_of_reach(&source) {
                    StoreError::OutOfReach(source)
                } else {
                    StoreError::Unavailable { bucket, source }
                }
            }
        }
    }

    /// The keys that stand below a prefix. A record may be gone by the time it is looked up.
    pub(crate) async fn keys_below(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.bucket
            .keys_below(prefix)
            .await
            .map_err(|error| self.failed(error))
    }
}

impl<T> Clone for KvStore<T> {
    fn clone(&self) -> Self {
        Self {
            bucket: self.bucket.clone(),
            kind: PhantomData,
        }
    }
}

impl<T> fmt::Debug for KvStore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KvStore").field(&self.bucket).finish()
    }
}
