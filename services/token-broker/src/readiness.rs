//! Whether this broker may take traffic, and what is wrong if it may not.

use std::time::Duration;

use assent_messaging::{BucketSpace, Connection, ConnectionState, Room, ServerChoice};
use assent_service_kit::{Dependency, Runtime};

use crate::stores::{NotMade, Stores};

/// Between two looks at the stores.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keeps readiness in step with NATS and the buckets, and makes those that are not there.
pub(crate) async fn watch_stores(
    connection: Connection,
    stores: Stores,
    (nats, tokens): (Dependency, Dependency),
    runtime: Runtime,
) {
    let mut states = connection.state_changes();
    let server = ServerChoice::new(&connection);
    loop {
        match connection.state() {
            ConnectionState::Connected => {
                nats.ready();
                match look_at(&stores).await {
                    Ok(room) => {
                        server.answered();
                        match room {
                            Some(complaint) => tokens.do_without(complaint),
                            None => tokens.ready(),
                        }
                    }
                    Err(error) => {
                        tokens.not_ready(error.advice());
                        // A server that says why is of use.
                        if !error.is_full() && !error.is_misconfigured() {
                            server.in_vain();
                        }
                    }
                }
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

/// Makes what is not there, and what there is to say of the room that is left.
async fn look_at(stores: &Stores) -> Result<Option<String>, NotMade> {
    stores.make().await?;
    let room =
        |space: BucketSpace, what| Room::from_usage(space.bytes, space.max_bytes).complaint(what);
    let tokens = room(stores.tokens.space().await?, "the bucket of tokens");
    let bucket = stores.receipts.bucket();
    Ok(tokens.or(room(bucket.space().await?, "the bucket of receipts")))
}
