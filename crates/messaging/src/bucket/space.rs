//! How much room there is in a bucket.

use super::{Bucket, BucketError};

/// From how many per cent on somebody has to look at it.
const FILLING_FROM: u64 = 80;
/// From how many per cent on it counts as full: the next record may be too large.
const FULL_FROM: u64 = 99;

/// How much a bucket holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSpace {
    /// The bucket's name.
    pub bucket: String,
    /// The bytes that it holds.
    pub bytes: u64,
    /// The bytes that it may hold; `None` without a bound.
    pub max_bytes: Option<u64>,
}

/// How full something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is room enough.
    Enough,
    /// So many per cent of the bytes are used: somebody has to look at it.
    Filling(u64),
    /// There is no room, or the next record may be too large.
    Full,
}

impl Room {
    /// Where so many bytes are held, and so many may be; `None`: any number.
    pub fn from_usage(bytes: u64, max_bytes: Option<u64>) -> Self {
        let Some(max_bytes) = max_bytes else {
            return Self::Enough;
        };
        let percent = u128::from(bytes) * 100;
        match percent.checked_div(max_bytes.into()).map(u64::try_from) {
            Some(Ok(percent @ FILLING_FROM..FULL_FROM)) => Self::Filling(percent),
            Some(Ok(..FILLING_FROM)) => Self::Enough,
            Some(Ok(FULL_FROM..) | Err(_)) | None => Self::Full,
        }
    }

    /// What an operator is told of a store of this name, if anything.
    pub fn complaint(self, store: &str) -> Option<String> {
        match self {
            Self::Enough => None,
            Self::Filling(percent) => Some(format!("{store} is {percent} % full")),
            Self::Full => Some(format!("{store} is full")),
        }
    }
}

impl Bucket {
    /// How much it holds.
    pub async fn space(&self) -> Result<BucketSpace, BucketError> {
        let state = self.require_state().await?;
        Ok(BucketSpace {
            bucket: self.name.clone(),
            bytes: state.bytes,
            max_bytes: state.max_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_told_from_eighty_per_cent_on() {
        for (bytes, max_bytes, room) in [
            (0, Some(1_000), Room::Enough),
            (799, Some(1_000), Room::Enough),
            (800, Some(1_000), Room::Filling(80)),
            (989, Some(1_000), Room::Filling(98)),
            (990, Some(1_000), Room::Full),
            (2_000, Some(1_000), Room::Full),
            (u64::MAX, Some(1), Room::Full),
            (u64::MAX / 2, Some(u64::MAX), Room::Enough),
            (u64::MAX, None, Room::Enough),
            (1, Some(0), Room::Full),
        ] {
            assert_eq!(
                Room::from_usage(bytes, max_bytes),
                room,
                "{bytes} of {max_bytes:?}"
            );
        }
    }
}
