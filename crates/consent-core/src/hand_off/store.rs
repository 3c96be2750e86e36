//! Where the links are kept, by account.

use std::time::Duration;

use assent_contract::names::id_token;
use assent_domain::ids::{AccountId, Epoch, UserId};
use assent_messaging::Bucket;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::HandOff;
use super::index::{HandOffsOfAccount, HandOffsOfUser, MOST_LISTED};
use crate::clock::Clock;
use crate::cutoff::Cutoffs;
use crate::failure::Failure;
use crate::kv_store::{KvStore, StoreError, Versioned};
use crate::limits::{Limit, Limited};
use crate::stripes::{Stripes, step_back};

/// How often a change is made anew when others keep getting in between.
const ATTEMPTS: u32 = 16;
/// How many links are looked up at once.
const AT_ONCE: usize = 16;

/// The links of the last months.
#[derive(Debug)]
pub struct HandOffStore {
    records: KvStore<HandOff>,
    cutoffs: Cutoffs,
    of_account: KvStore<HandOffsOfAccount>,
    of_user: KvStore<HandOffsOfUser>,
    makers: Stripes,
    clock: Clock,
}

impl HandOffStore {
    /// Hand-offs that are kept in this bucket.
    pub fn new(bucket: Bucket, cutoffs: Cutoffs, clock: Clock) -> Self {
        Self {
            records: KvStore::new(bucket.clone()),
            cutoffs,
            of_account: KvStore::new(bucket.clone()),
            of_user: KvStore::new(bucket),
            makers: Stripes::default(),
            clock,
        }
    }

    /// Where they are kept.
    pub fn bucket(&self) -> Bucket {
        self.records.bucket().clone()
    }

    /// Keeps a new one, unless too many of the account are open, or its maker made too many today.
    pub(crate) async fn create(&self, link: HandOff) -> Result<Versioned<HandOff>, Failure> {
        let _others_wait = self.makers.lock(link.account.as_str()).await;
        let made_by = self.cutoffs.generation(&link.account, &link.requested_by);
        let link = HandOff {
            generation: made_by.await?.into(),
            ..link
        };
        // A form that was sent twice: the second finds what the first has made.
        let there = self.find(&link.account, link.id).await?;
        if let Some(there) = there.filter(|there| there.value.is_the_same_as(&link)) {
            return Ok(there);
        }
        self.require_room(&link).await?;
        self.count(&link).await?;
        self.list(&link).await?;
        let key = key(&link.account, link.id);
        Ok(self.records.create(&key, link).await?)
    }

    /// Finds one; `None` if there is none, or none any more. One whose maker was cut off since is outdated.
    pub(crate) async fn find(
        &self,
        account: &AccountId,
        id: Uuid,
    ) -> Result<Option<Versioned<HandOff>>, StoreError> {
        let Some(mut stored) = self.records.find(&key(account, id)).await? else {
            return Ok(None);
        };
        let link = &mut stored.value;
        let present = self.cutoffs.generation(account, &link.requested_by);
        link.note_generation(&present.await?);
        Ok(Some(stored))
    }

    /// The links of an account, the newest first; `only_of`: only those that this user made.
    pub(crate) async fn of_account(
        &self,
        account: &AccountId,
        only_of: Option<&UserId>,
        most: usize,
    ) -> Result<Vec<HandOff>, StoreError> {
        let links = self.links_of(account).await?;
        let newest = links.newest(only_of).take(most).collect();
        let found = self.find_each(account, newest).await?;
        Ok(found.into_iter().filter_map(|(_, found)| found).collect())
    }

    /// Finds several, in this order.
    async fn find_each(
        &self,
        account: &AccountId,
        ids: Vec<Uuid>,
    ) -> Result<Vec<(Uuid, Option<HandOff>)>, StoreError> {
        let found = ids.into_iter().map(async |id| {
            let found = self.find(account, id).await?;
            Ok((id, found.map(|stored| stored.value)))
        });
        stream::iter(found).buffered(AT_ONCE).try_collect().await
    }

    /// Changes one, deciding anew when somebody else changed it meanwhile. `Ok(None)`: there is none.
    pub(crate) async fn change<E>(
        &self,
        account: &AccountId,
        id: Uuid,
        change: impl Fn(&mut HandOff) -> Result<(), E>,
    ) -> Result<Option<Result<HandOff, E>>, StoreError> {
        for attempt in 1..=ATTEMPTS {
            let Some(mut stored) = self.find(account, id).await? else {
                return Ok(None);
            };
            if let Err(error) = change(&mut stored.value) {
                return Ok(Some(Err(error)));
            }
            match self.records.change(stored).await {
                Ok(stored) => return Ok(Some(Ok(stored.value))),
                Err(StoreError::Changed) => step_back(attempt).await,
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Changed)
    }

    /// The newest links of an account.
    async fn links_of(&self, account: &AccountId) -> Result<HandOffsOfAccount, StoreError> {
        if let Some(stored) = self.of_account.find(&account_key(account)).await? {
            return Ok(stored.value);
        }
        // Nobody has made one since links are noted by account: there may be older ones.
        let mut keys = self
            .records
            .keys_below(&id_token(account.as_str()).to_string())
            .await?;
        // The ids are made in the order of time.
        keys.sort_unstable();
        let mut links = HandOffsOfAccount::default();
        let newest = keys.split_off(keys.len().saturating_sub(MOST_LISTED));
        let found = newest
            .into_iter()
            .map(async |key| self.records.find(&key).await);
        let mut found = stream::iter(found).buffered(AT_ONCE);
        while let Some(found) = found.try_next().await? {
            found.inspect(|stored| links.add(&stored.value, self.clock.now()));
        }
        Ok(links)
    }

    /// Where as many seem to be open as may be, each is looked at: one that was cancelled or used is not noted to be
    /// over before somebody needs its place.
    async fn require_room(&self, new: &HandOff) -> Result<(), Failure> {
        let (account, now) = (&new.account, self.clock.now());
        let links = self.links_of(account).await?;
        if links.has_room(now) {
            return Ok(());
        }
        let mut over = Vec::new();
        for (id, found) in self.find_each(account, links.open(now)).await? {
            let is_open = found.is_some_and(|mut link| {
                // The new one was made in the epoch that is now.
                new.made_in
                    .into_iter()
                    .for_each(|epoch| link.note_epoch(Epoch(epoch)));
                link.require_open(now).is_ok()
            });
            if !is_open {
                over.push(id);
            }
        }
        let key = account_key(account);
        let links = write(&self.of_account, &key, links, |links| {
            links.mark_over(&over);
            Ok::<_, Failure>(links.clone())
        });
        if links.await?.has_room(now) {
            return Ok(());
        }
        Err(limited(Limit::OpenLinks, SignedDuration::from_mins(1)))
    }

    async fn count(&self, link: &HandOff) -> Result<(), Failure> {
        let key = format!(
            "made.by.{}.{}",
            id_token(link.account.as_str()),
            id_token(link.requested_by.as_str())
        );
        write(&self.of_user, &key, HandOffsOfUser::default(), |links| {
            let counted = links.add(self.clock.now());
            counted.map_err(|retry_after| limited(Limit::LinksADay, retry_after))
        })
        .await
    }

    async fn list(&self, link: &HandOff) -> Result<(), Failure> {
        let (key, links) = (
            account_key(&link.account),
            self.links_of(&link.account).await?,
        );
        write(&self.of_account, &key, links, |links| {
            let now = self.clock.now();
            // Another gateway may have been first.
            if !links.has_room(now) {
                return Err(limited(Limit::OpenLinks, SignedDuration::from_mins(1)));
            }
            links.add(link, now);
            Ok(())
        })
        .await
    }
}

/// Changes a record, deciding anew when somebody else changed it meanwhile. Where there is none, it starts as `new`.
async fn write<T, R>(
    records: &KvStore<T>,
    key: &str,
    new: T,
    change: impl Fn(&mut T) -> Result<R, Failure>,
) -> Result<R, Failure>
where
    T: Serialize + DeserializeOwned + Clone,
{
    for attempt in 1..=ATTEMPTS {
        let (result, written) = if let Some(mut stored) = records.find(key).await? {
            (change(&mut stored.value)?, records.change(stored).await)
        } else {
            let mut value = new.clone();
            (change(&mut value)?, records.create(key, value).await)
        };
        match written {
            Ok(_) => return Ok(result),
            Err(StoreError::Changed) => step_back(attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Changed.into())
}

fn limited(limit: Limit, retry_after: SignedDuration) -> Failure {
    Failure::TooMany(Limited {
        limit,
        retry_after: Duration::try_from(retry_after).unwrap_or_default(),
    })
}

/// The keys of the records about links have one token more than those of links, so none is ever taken for another.
fn account_key(account: &AccountId) -> String {
    format!("links.of.{}", id_token(account.as_str()))
}

fn key(account: &AccountId, id: Uuid) -> String {
    format!("{}.{}", id_token(account.as_str()), id.simple())
}

#[cfg(test)]
mod tests;
