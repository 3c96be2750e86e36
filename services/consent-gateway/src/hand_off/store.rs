//! Where the links are kept, by account.

use assent_contract::names::id_token;
use assent_domain::ids::AccountId;
use assent_messaging::Bucket;
use uuid::Uuid;

use super::HandOff;
use crate::records::{Records, StoreError, Stored};

/// How often a change is made anew when others keep getting in between.
const ATTEMPTS: usize = 4;

/// The links of the last months.
#[derive(Debug)]
pub(crate) struct HandOffStore {
    records: Records<HandOff>,
}

impl HandOffStore {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self {
            records: Records::new(bucket),
        }
    }

    /// Keeps a new one.
    pub(crate) async fn create(&self, hand_off: HandOff) -> Result<Stored<HandOff>, StoreError> {
        let key = key(&hand_off.account, hand_off.id);
        self.records.create(&key, hand_off).await
    }

    /// Finds one; `None` if there is none, or none any more.
    pub(crate) async fn find(
        &self,
        account: &AccountId,
        id: Uuid,
    ) -> Result<Option<Stored<HandOff>>, StoreError> {
        self.records.find(&key(account, id)).await
    }

    /// Those of an account, the newest first.
    pub(crate) async fn of_account(
        &self,
        account: &AccountId,
        most: usize,
    ) -> Result<Vec<HandOff>, StoreError> {
        let mut keys = self
            .records
            .keys_below(&id_token(account.as_str()).to_string())
            .await?;
        // The ids are made in the order of time.
        keys.sort_unstable_by(|one, other| other.cmp(one));
        let mut found = Vec::new();
        for key in keys.into_iter().take(most) {
            found.extend(self.records.find(&key).await?.map(|stored| stored.value));
        }
        Ok(found)
    }

    /// Changes one, deciding anew when somebody else changed it meanwhile. `Ok(None)`: there is none.
    pub(crate) async fn change<E>(
        &self,
        account: &AccountId,
        id: Uuid,
        change: impl Fn(&mut HandOff) -> Result<(), E>,
    ) -> Result<Option<Result<HandOff, E>>, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(mut stored) = self.find(account, id).await? else {
                return Ok(None);
            };
            if let Err(error) = change(&mut stored.value) {
                return Ok(Some(Err(error)));
            }
            match self.records.change(stored).await {
                Ok(stored) => return Ok(Some(Ok(stored.value))),
                Err(StoreError::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Changed)
    }
}

fn key(account: &AccountId, id: Uuid) -> String {
    format!("{}.{}", id_token(account.as_str()), id.simple())
}
