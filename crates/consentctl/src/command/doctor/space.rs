//! Whether there is room in the gateway's buckets: a full one refuses what is new.

use assent_contract::store::Store;
use assent_messaging::{Connection, Room, Storage, StreamState};
use assent_service_kit::error_chain::with_sources;

use super::DEADLINE;
use super::check::{Check, CheckKind};

const NAME: CheckKind = CheckKind::Space;

pub(super) async fn check(connection: &Connection) -> Check {
    let mut fullest = None;
    let mut complaints = Vec::new();
    let mut is_full = false;
    for store in Store::BUCKETS {
        let bucket = store.name();
        match connection.stream_state(&store.stream(), DEADLINE).await {
            Ok(Some(state)) => {
                let room = Room::from_usage(state.bytes, state.max_bytes);
                is_full |= matches!(room, Room::Full);
                complaints.extend(room.complaint(bucket));
                fullest = fullest.max(percent(&state).map(|percent| (percent, bucket)));
            }
            // The gateway creates it.
            Ok(None) => {}
            Err(error) => {
                let advice = "look at the log of nats-server, and give the user the permissions of deploy/nats";
                return Check::problem(NAME, with_sources(&error).to_string(), advice);
            }
        }
    }
    if !complaints.is_empty() {
        let advice = "nothing that needs a full bucket can begin: find out who fills it, and give it more room \
                      (ASSENT_STORE_MEGABYTES of the gateway)";
        let says = complaints.join(", ");
        return if is_full {
            Check::problem(NAME, says, advice)
        } else {
            Check::warning(NAME, says, advice)
        };
    }
    // The server tells no more of its limits than what the account's are.
    let storage = connection.storage(DEADLINE).await;
    let storage = storage.map_or_else(|_| String::new(), |storage| total(&storage));
    let says = fullest.map_or_else(
        || "no bucket is there yet".to_owned(),
        |(percent, bucket)| format!("enough; the fullest is {bucket} at {percent} %"),
    );
    Check::ok(NAME, format!("{says}{storage}"))
}

fn total(storage: &Storage) -> String {
    let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    let most = storage
        .most
        .map(|most| format!(" of {} MiB", megabytes(most)));
    format!(
        "; in all {} MiB used and {} MiB reserved{}",
        megabytes(storage.used),
        megabytes(storage.reserved),
        most.unwrap_or_default()
    )
}

fn percent(state: &StreamState) -> Option<u64> {
    state
        .bytes
        .saturating_mul(100)
        .checked_div(state.max_bytes?)
}
