//! The buckets: how big they are to be, and making those that are not there, at the start and whenever one was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assent_contract::names::{RECEIPT_BUCKET, TOKEN_BUCKET};
use assent_messaging::{BucketError, Connection, Full};
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::{StoreError, TokenStore, TokenStoreSettings};

use crate::config::{Config, TokenMegabytes};
use crate::receipts::Receipts;

/// The buckets of this deployment. Clones share what is known of them.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    pub(crate) tokens: TokenStore,
    pub(crate) receipts: Receipts,
    settings: TokenStoreSettings,
    receipt_bytes: i64,
    /// Whether an operator wants these sizes; else those that are there keep theirs.
    sizes_are_wanted: bool,
    tokens_were_there: Arc<AtomicBool>,
    receipts_were_there: Arc<AtomicBool>,
}

/// Why the buckets are not there, or not as they must be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error(transparent)]
    Tokens(#[from] StoreError),
    #[error(transparent)]
    Receipts(#[from] BucketError),
}

impl NotMade {
    /// Whether somebody has to change a setting of ours, or of the bucket: no trying again mends that.
    pub(crate) const fn is_misconfigured(&self) -> bool {
        matches!(
            self.bucket(),
            Some(
                BucketError::BadName(_)
                    | BucketError::ConfiguredOtherwise { .. }
                    | BucketError::HoldsMore { .. }
            )
        )
    }

    /// Whether there is no room.
    pub(crate) fn is_full(&self) -> bool {
        self.bucket().and_then(BucketError::full).is_some()
    }

    /// In words, with what to do where that is known.
    pub(crate) fn advice(&self) -> String {
        let advice = match self.bucket().and_then(BucketError::full) {
            Some(Full::Server) => {
                "; JetStream has no room left: raise max_file_store of nats-server"
            }
            Some(Full::Stream) | None => "",
        };
        format!("{}{advice}", with_sources(self))
    }

    const fn bucket(&self) -> Option<&BucketError> {
        match self {
            Self::Tokens(StoreError::Bucket(error)) | Self::Receipts(error) => Some(error),
            Self::Tokens(StoreError::Conflict | StoreError::Unreadable(_)) => None,
        }
    }
}

impl Stores {
    /// Nothing is asked yet.
    pub(crate) fn new(connection: &Connection, config: &Config) -> Self {
        let quarter = config
            .token_megabytes
            .unwrap_or(TokenMegabytes::USUAL)
            .quarter();
        Self {
            tokens: TokenStore::of(connection),
            receipts: Receipts::new(connection),
            settings: TokenStoreSettings {
                replicas: config.nats_replicas,
                max_bytes: quarter.saturating_mul(3),
            },
            receipt_bytes: quarter,
            sizes_are_wanted: config.token_megabytes.is_some(),
            tokens_were_there: Arc::default(),
            receipts_were_there: Arc::default(),
        }
    }

    /// Makes what is not there.
    pub(crate) async fn make(&self) -> Result<(), NotMade> {
        let is_new = self.tokens.create_or_check(self.settings).await?;
        tell(TOKEN_BUCKET, is_new, &self.tokens_were_there);
        let (replicas, bytes) = (self.settings.replicas, self.receipt_bytes);
        let is_new = self.receipts.create_or_check(replicas, bytes).await?;
        tell(RECEIPT_BUCKET, is_new, &self.receipts_were_there);
        Ok(())
    }

    /// Gives them the sizes that an operator wants.
    pub(crate) async fn resize(&self) -> Result<(), NotMade> {
        if self.sizes_are_wanted {
            self.tokens.resize(self.settings.max_bytes).await?;
            self.receipts.bucket().resize(self.receipt_bytes).await?;
        }
        Ok(())
    }
}

/// An operator hears of one that was lost.
fn tell(store: &'static str, is_new: bool, was_there: &AtomicBool) {
    let is_lost = was_there.swap(true, Ordering::Relaxed) && is_new;
    if is_lost {
        tracing::error!(
            operator_alarm = "store_made_anew",
            store,
            "{store} was not there and was made anew: whoever is synced passes Microsoft once more"
        );
    }
}
