//! The buckets, and the stream of what operators did: whether each is there, as it must be, and how full.

use assent_contract::store::Store;
use assent_messaging::{Connection, Room, StreamState, difference_from_a_bucket};
use assent_service_kit::error_chain::with_sources;

use super::DEADLINE;
use super::check::{Check, CheckKind, Quantity};
use crate::output::count;

pub(super) async fn check(connection: &Connection) -> Vec<Check> {
    let mut checks = Vec::new();
    for store in std::iter::once(Store::Operations).chain(Store::BUCKETS) {
        let name = store.name();
        let state = connection.stream_state(&store.stream(), DEADLINE).await;
        let check = match state {
            Ok(Some(state)) => check_state(store, &state),
            Ok(None) => Check::problem(
                CheckKind::Store,
                format!("{store} is not there"),
                "consent-gateway makes it again, empty, while it runs: see that it does, and look at its /readyz",
            ),
            Err(error) => Check::problem(
                CheckKind::Store,
                with_sources(&error).to_string(),
                "look at the log of nats-server, and give the user the permissions of deploy/nats",
            ),
        };
        checks.push(check.of(name));
    }
    checks
}

fn check_state(store: Store, state: &StreamState) -> Check {
    let name = store.name();
    let difference = store
        .is_bucket()
        .then(|| difference_from_a_bucket(state, name));
    if let Some(difference) = difference.flatten() {
        return Check::problem(
            CheckKind::Store,
            difference,
            "correct it with the nats command line, or delete it: consent-gateway makes it again, empty",
        );
    }
    // That there is too little room is told once, of all of them.
    let check = Check::ok(CheckKind::Store, describe(store, state))
        .measuring(Quantity::StoreBytes, state.bytes);
    match state.max_bytes {
        Some(most) => check.measuring(Quantity::StoreMaxBytes, most),
        None => check,
    }
}

fn describe(store: Store, state: &StreamState) -> String {
    let held = if store.is_bucket() {
        count(state.messages, "value")
    } else {
        count(state.messages, "record")
    };
    let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    match (
        state.max_bytes,
        Room::from_usage(state.bytes, state.max_bytes),
    ) {
        (Some(most), room) => {
            let full = match room {
                Room::Enough => String::new(),
                Room::Filling(percent) => format!(", {percent} % full"),
                Room::Full => ", full".to_owned(),
            };
            let bytes = megabytes(state.bytes);
            format!("{held}, {bytes} of {} MiB{full}", megabytes(most))
        }
        (None, _) => format!("{held}, {} MiB", megabytes(state.bytes)),
    }
}
