//! Whether this broker may take traffic, and what is wrong if it may not.

use std::time::Duration;

use assent_messaging::{Connection, ConnectionState, Room};
use assent_microsoft_identity::MicrosoftHealth;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{Dependency, Runtime};
use tokio::sync::watch;

use crate::stores::Stores;

/// Between two looks at the stores.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Certificates expire without anything happening.
const LOOK_AGAIN_AFTER: Duration = Duration::from_hours(1);

/// Keeps readiness in step with NATS and the buckets, and makes those that are not there.
pub(crate) async fn watch_stores(
    connection: Connection,
    stores: Stores,
    (nats, tokens): (Dependency, Dependency),
    runtime: Runtime,
) {
    let mut states = connection.state_changes();
    loop {
        match connection.state() {
            ConnectionState::Connected => {
                nats.ready();
                look_at(&stores, &tokens).await;
            }
            ConnectionState::Disconnected => {
                nats.not_ready("NATS is not reachable; reconnecting");
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            changed = states.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

async fn look_at(stores: &Stores, tokens: &Dependency) {
    if let Err(error) = stores.make().await {
        return tokens.not_ready(error.advice());
    }
    let room = match stores.tokens.space().await {
        Ok(space) => {
            Room::from_usage(space.bytes, space.max_bytes).complaint("the bucket of tokens")
        }
        Err(error) => return tokens.not_ready(with_sources(&error).to_string()),
    };
    let receipts_room = match stores.receipts.bucket().space().await {
        Ok(space) => {
            Room::from_usage(space.bytes, space.max_bytes).complaint("the bucket of receipts")
        }
        Err(error) => return tokens.not_ready(with_sources(&error).to_string()),
    };
    match room.or(receipts_room) {
        Some(complaint) => tokens.do_without(complaint),
        None => tokens.ready(),
    }
}

/// Keeps readiness in step with Microsoft. Nothing of it takes the broker out of service: what was handed out is told all the
/// same, and what is revoked refused.
pub(crate) async fn watch_microsoft(
    mut standing: watch::Receiver<MicrosoftHealth>,
    microsoft: Dependency,
    runtime: Runtime,
) {
    loop {
        let complaints = standing
            .borrow_and_update()
            .complaints(std::time::SystemTime::now());
        if complaints.is_empty() {
            microsoft.ready();
        } else {
            microsoft.do_without(complaints.join("; "));
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            () = tokio::time::sleep(LOOK_AGAIN_AFTER) => {}
            changed = standing.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
