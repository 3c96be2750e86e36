//! Keeps readiness in step with NATS: the connection, each stream and bucket, and whether the log is still the one that
//! was written.
//!
//! What is back is ready again by itself. What is lost is made again, but for the log: while that is not there, nothing is
//! made, so that whoever looks finds everything as it was.

mod watched;

use std::time::Duration;

use assent_consent_core::log_guard::{AppendTrouble, LogGuard};
use assent_contract::store::Store;
use assent_event_log::EventLog;
use assent_messaging::{Bucket, Connection, ConnectionState, ServerChoice};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{Dependency, Health, Runtime};
use tokio::time::{Instant, sleep_until, timeout};

use crate::stores::Stores;
use watched::{StoreCheck, Watched};

/// Between two looks at everything.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two looks while the connection is new and the log was not seen yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How often the mark of the log is kept, where it has moved.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How long keeping it may take at the end.
const LAST_MARK_WITHIN: Duration = Duration::from_millis(500);

/// What is watched.
#[derive(Debug)]
pub(crate) struct NatsWatch {
    connection: Connection,
    server: ServerChoice,
    log: EventLog,
    guard: LogGuard,
    nats: Dependency,
    stores: Stores,
    watched_log: Watched,
    watched: Vec<Watched>,
}

impl NatsWatch {
    /// Sees how everything stands now.
    pub(crate) async fn begin(
        stores: Stores,
        buckets: &[Bucket],
        log: EventLog,
        guard: LogGuard,
        health: &Health,
        nats: Dependency,
    ) -> Self {
        let connection = stores.connection().clone();
        let begin = async |store: Store| {
            let bucket = buckets.iter().find(|bucket| bucket.name() == store.name());
            let dependency = health.dependency(store.name());
            Watched::begin(&connection, store, bucket.cloned(), dependency).await
        };
        let watched_log = begin(Store::Events).await;
        let mut watched = Vec::new();
        for store in Store::ALL
            .into_iter()
            .filter(|store| *store != Store::Events)
        {
            watched.push(begin(store).await);
        }
        let watch = Self {
            server: ServerChoice::new(&connection),
            connection,
            log,
            guard,
            nats,
            stores,
            watched_log,
            watched,
        };
        watch.look_at_everything().await;
        watch
    }

    /// Watches until the program stops. Whatever it is waiting for then is given up: NATS may be what is away.
    pub(crate) async fn run(self, runtime: Runtime) {
        tokio::select! {
            () = runtime.shutdown_requested() => {}
            () = self.watch() => {}
        }
        // One that is a little older proves nearly as much.
        drop(timeout(LAST_MARK_WITHIN, self.guard.keep_mark()).await);
    }

    /// Watches for as long as there can be a connection.
    async fn watch(&self) {
        let mut states = self.connection.state_changes();
        let (mut look_at, mut keep_at) = (Instant::now() + LOOK_EVERY, Instant::now() + KEEP_EVERY);
        loop {
            tokio::select! {
                changed = states.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let state = *states.borrow_and_update();
                    self.connection_changed(state);
                    look_at = Instant::now();
                }
                () = sleep_until(look_at) => {
                    let pause = if self.look_at_everything().await {
                        LOOK_EVERY
                    } else {
                        LOOK_AGAIN
                    };
                    look_at = Instant::now() + pause;
                }
                () = sleep_until(keep_at) => {
                    self.guard.keep_mark().await;
                    keep_at = Instant::now() + KEEP_EVERY;
                }
            }
        }
    }

    fn connection_changed(&self, state: ConnectionState) {
        self.guard.connection_changed();
        match state {
            ConnectionState::Connected => self.nats.ready(),
            ConnectionState::Disconnected => {
                self.nats.not_ready("NATS is not reachable; reconnecting");
            }
        }
    }

    /// Whether the log could be looked at, or there is no need to hurry.
    async fn look_at_everything(&self) -> bool {
        if self.connection.state() == ConnectionState::Disconnected {
            return true;
        }
        // First, as requests wait for it.
        let log = self.guard.look(&self.log).await;
        let log_found = self.watched_log.look(&self.connection).await;
        if self.watched_log.is_led() {
            self.server.answered();
        } else {
            self.server.in_vain();
        }
        if self.watched_log.is_led_anew() {
            self.guard.led_anew();
        }
        let may_make = matches!(log_found, StoreCheck::AsItWas);
        let is_urgent = self.guard.append_trouble() == Some(AppendTrouble::Full);
        let looks = self.watched.iter().map(async |watched| {
            let found = watched.look(&self.connection).await;
            let found = match found {
                StoreCheck::Missing if may_make => self.make(watched.store).await,
                StoreCheck::AsItWas | StoreCheck::Missing | StoreCheck::Amiss(_) => found,
            };
            let (found, has_room) = watched.probe(found, is_urgent).await;
            watched.tell(found);
            has_room
        });
        let rooms = futures::future::join_all(looks).await;
        let server_is_full = rooms.contains(&Some(false));
        if !server_is_full && rooms.contains(&Some(true)) {
            self.guard.there_is_room();
        }
        self.watched_log.tell(match (log_found, &log) {
            (StoreCheck::AsItWas, Ok(Some(trouble))) => StoreCheck::Amiss(trouble.to_string()),
            (StoreCheck::AsItWas, Err(error)) => StoreCheck::Amiss(with_sources(error).to_string()),
            (StoreCheck::AsItWas, Ok(None)) if server_is_full => StoreCheck::Amiss(format!(
                "{} takes no event: JetStream has no room left; raise max_file_store of nats-server",
                Store::Events
            )),
            (StoreCheck::AsItWas, Ok(None)) => match self.guard.append_trouble() {
                Some(trouble) => StoreCheck::Amiss(format!("{} {trouble}", Store::Events)),
                None => StoreCheck::AsItWas,
            },
            (found, _) => found,
        });
        log.is_ok()
    }

    async fn make(&self, store: Store) -> StoreCheck {
        match self.stores.make(store, true).await {
            Ok(()) => StoreCheck::AsItWas,
            Err(error) => StoreCheck::Amiss(format!(
                "{store} is not there, and can't be made: {}",
                with_sources(&error)
            )),
        }
    }
}
