//! The mark of the log's end, and where it is kept.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;

use assent_event_log::Mark;
use assent_messaging::Bucket;

use crate::kv_store::{KvStore, StoreError};

/// How often a mark is written anew when another gateway keeps getting in between.
const ATTEMPTS: usize = 4;

/// Where the mark is kept.
pub struct Marks {
    records: KvStore<Mark>,
    /// What was written last, so that it is not written again.
    kept: Mutex<Option<Mark>>,
}

impl Marks {
    /// Marks that are kept in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self {
            records: KvStore::new(bucket),
            kept: Mutex::new(None),
        }
    }

    /// The mark that is kept; `None` where none is.
    pub async fn read(&self) -> Result<Option<Mark>, StoreError> {
        Ok(self
            .records
            .find(Mark::KEY)
            .await?
            .map(|stored| stored.value))
    }

    /// Keeps a mark, unless a later one is kept.
    pub(crate) async fn keep(&self, mark: Mark) -> Result<(), StoreError> {
        if self.last_kept().as_ref() == Some(&mark) {
            return Ok(());
        }
        self.write(mark, Mark::is_before).await
    }

    /// Keeps a mark in place of whatever is kept: an operator has decided.
    pub async fn replace(&self, mark: Mark) -> Result<(), StoreError> {
        self.write(mark, |_, _| true).await
    }

    async fn write(
        &self,
        mark: Mark,
        instead_of: impl Fn(&Mark, &Mark) -> bool,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            let written = match self.records.find(Mark::KEY).await? {
                Some(stored) if instead_of(&stored.value, &mark) => {
                    let mut stored = stored;
                    stored.value = mark.clone();
                    self.records.change(stored).await.map(drop)
                }
                Some(_) => Ok(()),
                None => self.records.create(Mark::KEY, mark.clone()).await.map(drop),
            };
            match written {
                Err(StoreError::Changed) => outcome = Err(StoreError::Changed),
                Ok(()) => {
                    *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
                    return Ok(());
                }
                failed => return failed,
            }
        }
        outcome
    }

    /// What was kept is not there any more.
    pub(super) fn lost(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether nothing is kept, as far as is known here.
    pub(super) fn is_lost(&self) -> bool {
        self.last_kept().is_none()
    }

    fn last_kept(&self) -> Option<Mark> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Marks").field(&self.records).finish()
    }
}
