//! The bucket of the sealed tokens: one record a user, changed by compare-and-swap.

use std::time::Duration;

use assent_contract::names::{TOKEN_BUCKET, token_key, user_of_token_key};
use assent_domain::ids::{AccountId, UserId};
use assent_messaging::{
    Bucket, BucketError, BucketSettings, BucketSpace, BucketWriter, Connection, Entry,
};

use crate::record::TokenRecord;

/// How the bucket is made where it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenStoreSettings {
    /// On how many servers it is kept.
    pub replicas: usize,
    /// How many bytes it may hold; beyond that a write is refused. A record has about 3 KiB.
    pub max_bytes: i64,
}

/// The sealed tokens, as the token broker has them.
#[derive(Clone, Debug)]
pub struct TokenStore {
    bucket: Bucket,
}

/// A sealed token, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The user's company, by the record's place.
    pub account: AccountId,
    /// The user, by the record's place.
    pub user: UserId,
    /// The record.
    pub record: TokenRecord,
    /// The revision to name when it is replaced.
    pub revision: u64,
}

/// A part of what is held.
#[derive(Clone, Debug, Default)]
pub struct TokenPage {
    /// The records, in the order in which they were written.
    pub held: Vec<Held>,
    /// The keys of records that can't be read, or that stand where no user's record stands.
    pub unreadable: Vec<String>,
    /// From where on to ask for the next page; `None`: this is the last one.
    pub next: Option<u64>,
}

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was first: what is held is not what it was when it was read. Read it again.
    #[error("somebody else has changed the record")]
    Conflict,
    /// What is held is no record.
    #[error("what is held of this user cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The bucket can't be used.
    #[error(transparent)]
    Bucket(BucketError),
}

impl TokenStore {
    /// The bucket, whether it is there or not: nothing is asked. What is asked of one that is not there fails.
    pub fn of(connection: &Connection) -> Self {
        Self {
            bucket: Bucket::of(connection, TOKEN_BUCKET),
        }
    }

    /// Opens the bucket, making it if it is not there.
    pub async fn open_or_create(
        connection: &Connection,
        settings: TokenStoreSettings,
    ) -> Result<Self, StoreError> {
        let store = Self::of(connection);
        store.create_or_check(settings).await?;
        Ok(store)
    }

    /// Makes the bucket if it is not there, and else compares it. Whether it was made.
    pub async fn create_or_check(&self, settings: TokenStoreSettings) -> Result<bool, StoreError> {
        let settings = BucketSettings {
            name: TOKEN_BUCKET.to_owned(),
            max_age: Duration::ZERO,
            replicas: settings.replicas,
            max_bytes: settings.max_bytes,
            anew: false,
            // The gateway writes here, and may undo nothing.
            allow_rollup: false,
        };
        Ok(self.bucket.create_or_check(&settings).await?)
    }

    /// Opens the bucket that is there; `None` where no token broker has made it yet.
    pub async fn open(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let bucket = Bucket::open(connection, TOKEN_BUCKET).await?;
        Ok(bucket.map(|bucket| Self { bucket }))
    }

    /// What is held of a user, as the bucket's leader has it.
    pub async fn get(
        &self,
        account: &AccountId,
        user: &UserId,
    ) -> Result<Option<Held>, StoreError> {
        let entry = self.bucket.get(&token_key(account, user)).await?;
        let held = entry.map(|entry| held(account.clone(), user.clone(), &entry));
        held.transpose().map_err(StoreError::Unreadable)
    }

    /// Holds a record of a user, whatever was held before.
    pub async fn put(
        &self,
        account: &AccountId,
        user: &UserId,
        record: &TokenRecord,
    ) -> Result<(), StoreError> {
        let writer = TokenWriter(self.bucket.writer());
        writer.put(account, user, record).await
    }

    /// Holds a record of a user of whom none is held; [`StoreError::Conflict`] where one is by now.
    pub async fn create(
        &self,
        account: &AccountId,
        user: &UserId,
        record: TokenRecord,
    ) -> Result<Held, StoreError> {
        let key = token_key(account, user);
        let revision = self.bucket.create(&key, json(&record)?).await?;
        Ok(Held {
            revision,
            account: account.clone(),
            user: user.clone(),
            record,
        })
    }

    /// Replaces a record that is still as it was read.
    pub async fn replace(&self, held: &Held, record: TokenRecord) -> Result<Held, StoreError> {
        let key = token_key(&held.account, &held.user);
        let json = json(&record)?;
        let revision = self.bucket.update(&key, json, held.revision).await?;
        Ok(Held {
            revision,
            account: held.account.clone(),
            user: held.user.clone(),
            record,
        })
    }

    /// Removes a record that is still as it was read.
    pub async fn destroy(&self, held: &Held) -> Result<(), StoreError> {
        let key = token_key(&held.account, &held.user);
        Ok(self.bucket.remove(&key, held.revision).await?)
    }

    /// What is held, from a place on: 0 to begin with, then [`TokenPage::next`]. A record that is written meanwhile may be
    /// met twice; none is missed.
    pub async fn page(&self, from: u64, most: usize) -> Result<TokenPage, StoreError> {
        let found = self.bucket.page(from, most).await?;
        let mut page = TokenPage {
            next: found.next,
            ..TokenPage::default()
        };
        for (key, entry) in found.entries {
            let read = user_of_token_key(&key)
                .and_then(|(account, user)| held(account, user, &entry).ok());
            match read {
                Some(held) => page.held.push(held),
                None => page.unreadable.push(key),
            }
        }
        Ok(page)
    }

    /// How much is held.
    pub async fn space(&self) -> Result<BucketSpace, StoreError> {
        Ok(self.bucket.space().await?)
    }

    /// Lets it hold more or less; whether that is a change.
    pub async fn resize(&self, max_bytes: i64) -> Result<bool, StoreError> {
        Ok(self.bucket.resize(max_bytes).await?)
    }
}

/// Puts sealed tokens where the token broker finds them, and reads none.
#[derive(Clone, Debug)]
pub struct TokenWriter(BucketWriter);

impl TokenWriter {
    /// Over this connection. Nothing is asked yet.
    pub fn new(connection: &Connection) -> Self {
        Self(BucketWriter::new(connection, TOKEN_BUCKET))
    }

    /// Holds a record of a user, whatever was held before.
    pub async fn put(
        &self,
        account: &AccountId,
        user: &UserId,
        record: &TokenRecord,
    ) -> Result<(), StoreError> {
        let key = token_key(account, user);
        self.0.put(&key, json(record)?).await?;
        Ok(())
    }
}

impl StoreError {
    /// Whether what holds the records can't be reached, may not be asked, or is not there.
    pub fn is_not_there(&self) -> bool {
        match self {
            Self::Bucket(BucketError::JetStream { .. }) => true,
            Self::Bucket(
                BucketError::BadName(_)
                | BucketError::ConfiguredOtherwise { .. }
                | BucketError::AlreadyExists
                | BucketError::WrongRevision { .. }
                | BucketError::HoldsMore { .. },
            )
            | Self::Conflict
            | Self::Unreadable(_) => false,
        }
    }

    /// Whether the same may succeed later without anybody mending anything.
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Bucket(BucketError::JetStream { source, .. }) => source.is_out_of_reach(),
            Self::Bucket(
                BucketError::BadName(_)
                | BucketError::ConfiguredOtherwise { .. }
                | BucketError::AlreadyExists
                | BucketError::WrongRevision { .. }
                | BucketError::HoldsMore { .. },
            )
            | Self::Conflict
            | Self::Unreadable(_) => false,
        }
    }
}

impl From<BucketError> for StoreError {
    fn from(error: BucketError) -> Self {
        match error {
            BucketError::AlreadyExists | BucketError::WrongRevision { .. } => Self::Conflict,
            error @ (BucketError::BadName(_)
            | BucketError::ConfiguredOtherwise { .. }
            | BucketError::HoldsMore { .. }
            | BucketError::JetStream { .. }) => Self::Bucket(error),
        }
    }
}

fn held(account: AccountId, user: UserId, entry: &Entry) -> Result<Held, serde_json::Error> {
    Ok(Held {
        account,
        user,
        record: serde_json::from_slice(&entry.value)?,
        revision: entry.revision,
    })
}

fn json(record: &TokenRecord) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(StoreError::Unreadable)
}
