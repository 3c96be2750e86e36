//! `vault rotate`: a new key, and everything sealed with it.
//!
//! Each record is replaced on condition that it is as it was read, so whatever the token broker does to it meanwhile comes
//! first. Killed anywhere, each record is sealed with the one key or the other, and both are there.

use assent_messaging::ConnectionSettings;
use assent_token_vault::{
    Held, KeyDirectory, KeyRing, OpenError, PublicKey, SealError, SealedFacts, StoreError,
    TokenRecord, TokenStore, Vault as _,
};
use serde::Serialize;
use tokio::time::Instant;

use super::census::{Census, PAGE};
use super::init::tell;
use super::{failed, keys, store, unusable};
use crate::exit::{CommandError, Outcome};
use crate::output::{Output, TELL_EVERY, count};

/// How often a record is read again that somebody else has changed.
const ATTEMPTS: usize = 5;

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Rotated {
    /// The key that seals.
    key_id: String,
    /// The public key that the gateways need.
    public_key: String,
    /// Whether it was made now.
    key_is_new: bool,
    /// How many tokens were sealed with it.
    sealed_again: u64,
    /// How many were already.
    were_sealed: u64,
    /// How many could not be opened, or are no tokens: they are left as they are.
    left: u64,
}

/// Why a record was left as it is.
#[derive(Debug, thiserror::Error)]
enum LeftError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("it was changed again and again meanwhile")]
    Busy,
}

/// Only makes the key.
pub(super) fn key_only(
    directory: &KeyDirectory,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    keys(directory)?;
    let key = directory
        .add()
        .map_err(|error| unusable(directory, error))?;
    tell(&key, output)?;
    Ok(Outcome::Clean)
}

pub(super) async fn run(
    settings: ConnectionSettings,
    directory: KeyDirectory,
    may_make_a_key: bool,
    output: &mut Output,
) -> Result<Outcome, CommandError> {
    let there = keys(&directory)?;
    let store = store(settings).await?;
    let census = Census::take(store.as_ref()).await.map_err(failed)?;
    let mut rotated = Rotated::default();
    // The last one seals; whatever an older one seals was left by a rotation that did not get to its end.
    let older = there.split_last().map_or(0, |(_, older)| {
        let sealed = older
            .iter()
            .map(|key| census.sealed_by(key.key.public().id()));
        sealed.sum()
    });
    if older == 0 && may_make_a_key {
        directory
            .add()
            .map_err(|error| unusable(&directory, error))?;
        rotated.key_is_new = true;
    } else if may_make_a_key {
        output.remark(&format!(
            "No key is made: {} sealed with an older key than the newest, so this goes on where it was left.",
            count(older, "token")
        ))?;
    }
    let newest = keys(&directory)?.pop();
    if let Some(newest) = newest {
        rotated.key_id = newest.key.public().id().to_string();
        rotated.public_key = newest.public_path.display().to_string();
    }
    if let Some(store) = store {
        let ring = KeyRing::load(directory.clone()).await;
        let ring = ring.map_err(|error| unusable(&directory, error))?;
        seal_everything(&store, &ring, census.all(), &mut rotated, output).await?;
    }
    if output.is_json() {
        output.document(&rotated)?;
    } else {
        rotated.render(output)?;
    }
    Ok(if rotated.left == 0 {
        Outcome::Clean
    } else {
        Outcome::Finding
    })
}

async fn seal_everything(
    store: &TokenStore,
    ring: &KeyRing,
    about: u64,
    rotated: &mut Rotated,
    output: &mut Output,
) -> Result<(), CommandError> {
    let key = ring.public_key().await;
    let (mut from, mut told) = (Some(0), Instant::now());
    while let Some(next) = from {
        let page = store.page(next, PAGE).await.map_err(failed)?;
        rotated.left += u64::try_from(page.unreadable.len()).unwrap_or(u64::MAX);
        for held in page.held {
            // What was sealed anew stands at the end, and is met there once more.
            match seal_again(store, ring, &key, held).await.map_err(failed)? {
                Ok(true) => rotated.sealed_again += 1,
                Ok(false) => rotated.were_sealed += 1,
                Err(error) => {
                    rotated.left += 1;
                    output.remark(&format!("A token is left as it is: {error}."))?;
                }
            }
            if TELL_EVERY <= told.elapsed() {
                told = Instant::now();
                let done = rotated.sealed_again;
                output.remark(&format!("{done} of about {about} sealed"))?;
            }
        }
        from = page.next;
    }
    rotated.were_sealed = rotated.were_sealed.saturating_sub(rotated.sealed_again);
    Ok(())
}

/// Seals a token with this key; whether that was to be done. It is read again where it was changed meanwhile.
async fn seal_again(
    store: &TokenStore,
    ring: &KeyRing,
    key: &PublicKey,
    held: Held,
) -> Result<Result<bool, LeftError>, StoreError> {
    let mut held = held;
    for _ in 0..ATTEMPTS {
        if held.record.key_id() == key.id() {
            return Ok(Ok(false));
        }
        let record = match sealed_with(ring, key, &held).await {
            Ok(record) => record,
            Err(error) => return Ok(Err(error)),
        };
        match store.replace(&held, record).await {
            Ok(_) => return Ok(Ok(true)),
            Err(StoreError::Conflict) => {}
            Err(error @ (StoreError::Bucket(_) | StoreError::Unreadable(_))) => return Err(error),
        }
        match store.get(&held.account, &held.user).await? {
            Some(changed) => held = changed,
            // It was destroyed.
            None => return Ok(Ok(false)),
        }
    }
    Ok(Err(LeftError::Busy))
}

async fn sealed_with(
    ring: &KeyRing,
    key: &PublicKey,
    held: &Held,
) -> Result<TokenRecord, LeftError> {
    let token = ring.open(&held.record, &held.account, &held.user).await?;
    let binding = held.record.binding(&held.account, &held.user);
    let facts = SealedFacts {
        sequence: held.record.sequence,
        epoch: held.record.epoch,
        stored_at: held.record.stored_at,
    };
    let mut record = key.seal(&token, &binding, facts)?;
    record.verified_at = held.record.verified_at;
    record.confirmed = held.record.confirmed;
    record.reauthentication_required = held.record.reauthentication_required;
    Ok(record)
}

impl Rotated {
    fn render(&self, output: &mut Output) -> Result<(), CommandError> {
        let new = if self.key_is_new { "new" } else { "was there" };
        output.line(&format!("key     {} ({new})", self.key_id))?;
        output.line(&format!(
            "sealed  {}, {} were already",
            count(self.sealed_again, "token"),
            self.were_sealed
        ))?;
        if self.left != 0 {
            output.line(&format!(
                "left    {}: consentctl vault status says why",
                self.left
            ))?;
        }
        output.line(&format!(
            "next    give the gateways {}, run this with --no-new-key, then retire the older keys",
            self.public_key
        ))?;
        Ok(())
    }
}
