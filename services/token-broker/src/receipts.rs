//! Until when the access tokens last that were handed out: what is left of a permission after its end.
//!
//! Noted when Microsoft gave a token, before anybody gets it: a token without a receipt is never out. It outlives the refresh
//! token, and disappears by itself some time after the longest token has ended.

use std::time::Duration;

use assent_contract::custody::HandedOut;
use assent_contract::names::{RECEIPT_BUCKET, token_key};
use assent_contract::values::Permission as WirePermission;
use assent_domain::permissions::Permission;
use assent_messaging::{Bucket, BucketError, BucketSettings, Connection};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::user_key::UserKey;

/// Access tokens live for 28 hours at the longest.
const KEPT_FOR: Duration = Duration::from_hours(4 * 24);
/// How often somebody else may be first.
const TRIES: usize = 8;

/// The receipts.
#[derive(Debug, Clone)]
pub(crate) struct Receipts {
    bucket: Bucket,
}

/// The receipts of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    handed_out: Vec<HandedOut>,
}

/// Why a receipt was not written, or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiptError {
    #[error("the bucket of receipts can't be used")]
    Bucket(#[from] BucketError),
    #[error("a record of receipts can't be read")]
    Unreadable(#[from] serde_json::Error),
    #[error("others kept changing a record of receipts")]
    Contended,
}

impl Receipts {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self {
            bucket: Bucket::of(connection, RECEIPT_BUCKET),
        }
    }

    /// Makes the bucket where it is not there. Whether it was made.
    pub(crate) async fn create_or_check(
        &self,
        replicas: usize,
        max_bytes: i64,
    ) -> Result<bool, BucketError> {
        let settings = BucketSettings {
            name: RECEIPT_BUCKET.to_owned(),
            max_age: KEPT_FOR,
            replicas,
            max_bytes,
            anew: false,
            allow_rollup: false,
        };
        self.bucket.create_or_check(&settings).await
    }

    pub(crate) const fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// What was handed out to workers of a user; what ended some days ago is left out.
    pub(crate) async fn of(&self, whose: &UserKey) -> Result<Vec<HandedOut>, ReceiptError> {
        let entry = self
            .bucket
            .get(&token_key(&whose.account, &whose.user))
            .await?;
        Ok(match entry {
            Some(entry) => serde_json::from_slice::<Record>(&entry.value)?.handed_out,
            None => Vec::new(),
        })
    }

    /// Notes that a token goes out that covers these permissions.
    pub(crate) async fn note(
        &self,
        whose: &UserKey,
        covered: &[Permission],
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), ReceiptError> {
        let key = token_key(&whose.account, &whose.user);
        for _ in 0..TRIES {
            let entry = self.bucket.get(&key).await?;
            let mut record = match &entry {
                Some(entry) => serde_json::from_slice(&entry.value)?,
                None => Record::default(),
            };
            record.note(covered, at, expires_at);
            let value = serde_json::to_vec(&record)?;
            let written = match entry {
                Some(entry) => self.bucket.update(&key, value, entry.revision).await,
                None => self.bucket.create(&key, value).await,
            };
            match written {
                Ok(_) => return Ok(()),
                Err(BucketError::WrongRevision { .. } | BucketError::AlreadyExists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ReceiptError::Contended)
    }
}

impl Record {
    fn note(&mut self, covered: &[Permission], at: Timestamp, expires_at: Timestamp) {
        for permission in covered.iter().copied().map(WirePermission::from) {
            let known = self
                .handed_out
                .iter_mut()
                .find(|known| known.permission == permission);
            match known {
                Some(known) => {
                    known.last_at = known.last_at.max(at);
                    known.expires_at = known.expires_at.max(expires_at);
                }
                None => self.handed_out.push(HandedOut {
                    permission,
                    last_at: at,
                    expires_at,
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_receipt_says_until_when_the_last_of_all_tokens_lasts() {
        let mut record = Record::default();
        record.note(&[Permission::Calendar], at(10), at(100));
        record.note(&[Permission::Calendar, Permission::Email], at(20), at(90));
        let receipt = |permission, last_at, expires_at| HandedOut {
            permission,
            last_at: at(last_at),
            expires_at: at(expires_at),
        };
        assert_eq!(
            record.handed_out,
            [
                receipt(WirePermission::Calendar, 20, 100),
                receipt(WirePermission::Email, 20, 90)
            ]
        );
    }
}
