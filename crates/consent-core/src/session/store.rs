//! Where sessions are kept, and the tokens that opened one.

use assent_messaging::Bucket;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Session, SessionSecret};
use crate::cutoff::Cutoffs;
use crate::kv_store::{KvStore, StoreError};
use crate::secrets::Digest;

/// The sessions of the last day.
#[derive(Debug)]
pub struct SessionStore {
    sessions: KvStore<Session>,
    tokens: KvStore<UsedToken>,
    cutoffs: Cutoffs,
}

/// That a token has opened a session. Which one is nobody's business.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct UsedToken {}

impl SessionStore {
    /// Sessions that are kept in this bucket.
    pub fn new(bucket: Bucket, cutoffs: Cutoffs) -> Self {
        Self {
            sessions: KvStore::new(bucket.clone()),
            tokens: KvStore::new(bucket),
            cutoffs,
        }
    }

    /// Where they are kept.
    pub fn bucket(&self) -> Bucket {
        self.sessions.bucket().clone()
    }

    /// Uses a token up, by its id; `false` if that was done before.
    pub(crate) async fn use_up(&self, token_id: &str) -> Result<bool, StoreError> {
        let key = format!("token.{}", Digest::compute(token_id).as_str());
        // What says so may be damaged: then it can't be read, and could be created again.
        if self.tokens.holds(&key).await? {
            return Ok(false);
        }
        match self.tokens.create(&key, UsedToken {}).await {
            Ok(_) => Ok(true),
            Err(StoreError::Changed) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Before what time it is not known any more which tokens were used up.
    pub(crate) async fn lost_before(&self) -> Result<Option<Timestamp>, StoreError> {
        self.tokens.lost_before().await
    }

    /// Keeps a new session.
    pub(crate) async fn create(
        &self,
        secret: &SessionSecret,
        session: Session,
    ) -> Result<(), StoreError> {
        let of = self.cutoffs.generation(&session.account, &session.user);
        let generation = of.await?.into();
        let session = Session {
            generation,
            ..session
        };
        self.sessions.create(&key(secret), session).await.map(drop)
    }

    /// The session that a cookie stands for; `None` if there is none, or none any more, or its user was cut off since.
    /// Where that can't be told, there is no session to be had.
    pub async fn find(&self, secret: &SessionSecret) -> Result<Option<Session>, StoreError> {
        let Some(stored) = self.sessions.find(&key(secret)).await? else {
            return Ok(None);
        };
        let session = stored.value;
        let present = self.cutoffs.generation(&session.account, &session.user);
        let is_present = present.await?.is(&session.generation);
        Ok(is_present.then_some(session))
    }

    /// Ends a session.
    pub async fn end(&self, secret: &SessionSecret) -> Result<(), StoreError> {
        self.sessions.remove(&key(secret)).await
    }
}

fn key(secret: &SessionSecret) -> String {
    format!("session.{}", secret.digest().as_str())
}
