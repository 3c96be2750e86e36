//! How much room the buckets have, and what to say where there is none for them.

use assent_contract::store::Store;
use assent_messaging::{Bucket, BucketError, Full, JetStreamError};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{Misconfigured, NeedsOperator, StartError};

use super::{DEADLINE, MakeError, Stores};
use crate::config::StoreMegabytes;

/// The variable that an operator sets.
const VARIABLE: &str = "ASSENT_STORE_MEGABYTES";

/// What one bucket may hold. A day's flows and sessions are a kilobyte or two each, a link is one, and what is learnt is
/// some hundred bytes for each user, for good.
pub(super) const fn share(of: StoreMegabytes, store: Store) -> i64 {
    of.eighth() * eighths(store)
}

const fn eighths(store: Store) -> i64 {
    match store {
        Store::Flows | Store::Sessions => 2,
        Store::HandOffs => 1,
        Store::Observations => 3,
        // They reserve nothing.
        Store::Events | Store::Operations | Store::Changes => 0,
    }
}

/// Makes the buckets smaller that are larger than an operator wants, before others are made: they may need the room.
pub(crate) async fn fit(stores: &Stores) -> Result<(), StartError> {
    let Some(megabytes) = stores.megabytes else {
        return Ok(());
    };
    for store in Store::BUCKETS {
        let state = stores
            .connection
            .stream_state(&store.stream(), DEADLINE)
            .await?;
        let wanted = share(megabytes, store);
        let is_larger = state
            .and_then(|state| state.max_bytes)
            .is_some_and(|most| u64::try_from(wanted).is_ok_and(|wanted| wanted < most));
        if is_larger {
            resize(stores, store, wanted).await?;
        }
    }
    Ok(())
}

/// Makes them larger that are smaller.
pub(crate) async fn grow(stores: &Stores) -> Result<(), StartError> {
    let Some(megabytes) = stores.megabytes else {
        return Ok(());
    };
    for store in Store::BUCKETS {
        resize(stores, store, share(megabytes, store)).await?;
    }
    Ok(())
}

async fn resize(stores: &Stores, store: Store, wanted: i64) -> Result<(), StartError> {
    let bucket = stores.bucket(store, false).await?;
    match Bucket::resize(&bucket, wanted).await {
        Ok(false) => Ok(()),
        Ok(true) => {
            tracing::info!(store = store.name(), bytes = wanted, "a store was resized");
            Ok(())
        }
        Err(BucketError::HoldsMore { bytes, .. }) => {
            let needed = needed(bytes, store);
            Err(Misconfigured::new(format!(
                "{VARIABLE} leaves {store} {}, but it holds {}: set it to {needed} or more",
                mebibytes(wanted.unsigned_abs()),
                mebibytes(bytes)
            ))
            .into())
        }
        Err(error) if error.full().is_some() => Err(no_room(stores, store, error.into()).await),
        Err(BucketError::JetStream {
            source: source @ JetStreamError::NotPermitted { .. },
            ..
        }) => {
            tracing::warn!(
                store = store.name(),
                error = %with_sources(&source),
                "a store keeps its size: nats-server's permissions are those of an older release; see deploy/nats"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// How many megabytes all have to have for this one to have so many bytes.
fn needed(bytes: u64, store: Store) -> u64 {
    let all = bytes.saturating_mul(8) / eighths(store).max(1).unsigned_abs();
    all.div_ceil(1024 * 1024).saturating_add(1)
}

/// What an operator is told where a store could not be made: how much is needed, and which variable to set.
pub(crate) async fn no_room(stores: &Stores, store: Store, error: MakeError) -> StartError {
    if full(&error).is_none() {
        return error.into();
    }
    let megabytes = stores.megabytes.unwrap_or(StoreMegabytes::USUAL);
    let mut each = Vec::new();
    let mut together = 0;
    for bucket in Store::BUCKETS {
        let bytes = share(megabytes, bucket).unsigned_abs();
        together += bytes;
        each.push(format!("{} {}", bucket.name(), mebibytes(bytes)));
    }
    let standing = match stores.connection.storage(DEADLINE).await {
        Ok(storage) => {
            let most = storage.most.map_or_else(
                || "the server allows no more".to_owned(),
                |most| format!("the account may have {}", mebibytes(most)),
            );
            format!(
                "all streams of this account hold {} and have reserved {}, and {most}",
                mebibytes(storage.used),
                mebibytes(storage.reserved)
            )
        }
        Err(error) => format!("how much there is can't be seen ({})", with_sources(&error)),
    };
    let left = match share(megabytes, store).unsigned_abs() {
        0 => "nothing is left".to_owned(),
        bytes => format!("less than {} are left", mebibytes(bytes)),
    };
    NeedsOperator::new(format!(
        "JetStream has no room for {store}: the buckets reserve {} together ({}), and the event log needs room beside \
         them; {left}: {standing}. Raise max_file_store of nats-server, or set {VARIABLE} lower (8 at the least)",
        mebibytes(together),
        each.join(", "),
    ))
    .into()
}

fn full(error: &MakeError) -> Option<Full> {
    match error {
        MakeError::JetStream(error) => error.full(),
        MakeError::Bucket(error) => error.full(),
        MakeError::Changes(error) => error.full(),
        MakeError::Operations(error) => error.full(),
        MakeError::NeverMadeHere => None,
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_share_all_of_it() {
        for megabytes in [8, 9, 256, 1_048_576] {
            let all = StoreMegabytes::try_from(megabytes).unwrap();
            let together: i64 = Store::ALL.map(|store| share(all, store)).iter().sum();
            assert_eq!(
                together.unsigned_abs(),
                megabytes * 1024 * 1024,
                "{megabytes}"
            );
        }
    }

    #[test]
    fn what_is_said_to_be_needed_is_enough() {
        for store in Store::BUCKETS {
            for bytes in [1, 1_000_000, 700 * 1024 * 1024] {
                let all = StoreMegabytes::try_from(needed(bytes, store).max(8)).unwrap();
                assert!(bytes <= share(all, store).unsigned_abs(), "{store} {bytes}");
            }
        }
    }
}
