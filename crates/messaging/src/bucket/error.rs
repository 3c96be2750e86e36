//! Why a bucket did not do as asked.

use crate::jetstream::{Full, JetStreamError};

/// Why a bucket did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The bucket's name, or the key, has characters it may not have.
    #[error("{0:?} cannot name a bucket or a key")]
    BadName(String),
    /// The bucket is there, with other settings. It is never changed behind its owner's back.
    #[error("the bucket {bucket} is configured otherwise: {difference}")]
    ConfiguredOtherwise {
        /// The bucket.
        bucket: String,
        /// What differs.
        difference: String,
    },
    /// The key has a value already.
    #[error("the key has a value already")]
    AlreadyExists,
    /// The value was changed, or has disappeared, since it was read.
    #[error("the value is no longer at revision {expected}")]
    WrongRevision {
        /// The revision it was read at.
        expected: u64,
    },
    /// The bucket holds more than it should be allowed to.
    #[error("the bucket {bucket} holds {bytes} bytes, which is more than {max_bytes}")]
    HoldsMore {
        /// The bucket.
        bucket: String,
        /// What it holds.
        bytes: u64,
        /// What it should be allowed to.
        max_bytes: i64,
    },
    /// JetStream could not be asked, or refused.
    #[error("the bucket {bucket} cannot be used")]
    JetStream {
        /// The bucket.
        bucket: String,
        /// Why.
        #[source]
        source: JetStreamError,
    },
}

impl BucketError {
    /// As it reads where a value was expected at this revision.
    pub(super) fn of_a_revision(self, expected: u64) -> Self {
        match self {
            Self::JetStream { source, .. } if source.is_wrong_last_sequence() => {
                Self::WrongRevision { expected }
            }
            other @ (Self::BadName(_)
            | Self::ConfiguredOtherwise { .. }
            | Self::AlreadyExists
            | Self::WrongRevision { .. }
            | Self::HoldsMore { .. }
            | Self::JetStream { .. }) => other,
        }
    }

    /// Whether the bucket, or what it is kept on, holds as much as it may.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::JetStream { source, .. } => source.full(),
            Self::BadName(_)
            | Self::ConfiguredOtherwise { .. }
            | Self::AlreadyExists
            | Self::HoldsMore { .. }
            | Self::WrongRevision { .. } => None,
        }
    }
}
