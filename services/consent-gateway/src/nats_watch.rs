//! Keeps readiness in step with NATS: the connection, each stream and bucket, and whether the log is still the one that
//! was written. Nothing is created or mended here; what is back is ready again by itself.

use std::time::Duration;

use assent_contract::names;
use assent_event_log::EventLog;
use assent_messaging::{Connection, ConnectionState, StreamState};
use assent_service_kit::telemetry::chain;
use assent_service_kit::{Dependency, Health, Runtime};
use tokio::time::{Instant, sleep_until};

use crate::log_guard::LogGuard;

/// Between two looks at everything.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two looks while the connection is new and the log was not seen yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How often the mark of the log is kept, where it has moved.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How long JetStream may take to describe one stream.
const DEADLINE: Duration = Duration::from_secs(1);

/// What is watched.
#[derive(Debug)]
pub(crate) struct NatsWatch {
    connection: Connection,
    log: EventLog,
    guard: LogGuard,
    nats: Dependency,
    stores: Vec<Store>,
}

/// A stream or bucket.
#[derive(Debug)]
struct Store {
    /// How it is called by people: "bucket CONSENT_FLOWS".
    what: String,
    stream: String,
    /// As it was when the gateway started, and all its settings had just been checked.
    at_start: Option<StreamState>,
    /// Whether requests can be served without it.
    is_required: bool,
    dependency: Dependency,
}

impl NatsWatch {
    /// Sees how everything stands now.
    pub(crate) async fn begin(
        connection: &Connection,
        log: EventLog,
        guard: LogGuard,
        health: &Health,
        nats: Dependency,
    ) -> Self {
        let mut stores = Vec::new();
        for (name, is_bucket) in [
            (names::EVENT_STREAM, false),
            (names::OPERATION_STREAM, false),
            (names::CHANGE_STREAM, false),
            (names::FLOW_BUCKET, true),
            (names::SESSION_BUCKET, true),
            (names::HAND_OFF_BUCKET, true),
            (names::OBSERVATION_BUCKET, true),
        ] {
            let kind = if is_bucket { "bucket" } else { "stream" };
            let prefix = if is_bucket { "KV_" } else { "" };
            let stream = format!("{prefix}{name}");
            let found = connection.stream_state(&stream, DEADLINE).await;
            stores.push(Store {
                what: format!("{kind} {name}"),
                at_start: found.ok().flatten(),
                stream,
                // The projection writes the changes; what the gateway does needs none of them. Without what
                // operators did, nothing is void, and whoever has a message that is no event is blocked.
                is_required: !matches!(name, names::CHANGE_STREAM | names::OPERATION_STREAM),
                dependency: health.dependency(name),
            });
        }
        let watch = Self {
            connection: connection.clone(),
            log,
            guard,
            nats,
            stores,
        };
        watch.look_at_everything().await;
        watch
    }

    /// Watches until the program stops.
    pub(crate) async fn run(self, runtime: Runtime) {
        let mut states = self.connection.state_changes();
        let (mut look_at, mut keep_at) = (Instant::now() + LOOK_EVERY, Instant::now() + KEEP_EVERY);
        loop {
            tokio::select! {
                () = runtime.shutdown_requested() => break,
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
        self.guard.keep_mark().await;
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
        let looks = self.stores.iter().map(|store| store.look(&self.connection));
        let found = futures::future::join_all(looks).await;
        for (store, found) in self.stores.iter().zip(found) {
            let is_log = store.stream == names::EVENT_STREAM;
            match (found, &log) {
                (Err(reason), _) => store.is_amiss(reason),
                (Ok(_), Ok(Some(trouble))) if is_log => store.is_amiss(trouble.to_string()),
                (Ok(_), Err(error)) if is_log => store.is_amiss(chain(error).to_string()),
                (Ok(_), _) => store.dependency.ready(),
            }
        }
        log.is_ok()
    }
}

impl Store {
    /// How it stands; in words what is wrong with it.
    async fn look(&self, connection: &Connection) -> Result<StreamState, String> {
        let what = &self.what;
        match connection.stream_state(&self.stream, DEADLINE).await {
            Ok(Some(state)) => {
                let before = self.at_start.as_ref();
                match before.and_then(|before| state.difference_from(before)) {
                    Some(difference) => {
                        Err(format!("{what} is configured otherwise: {difference}"))
                    }
                    None => Ok(state),
                }
            }
            Ok(None) => Err(format!("{what} is not there")),
            Err(error) => Err(format!("{what} can't be used: {}", chain(&error))),
        }
    }

    fn is_amiss(&self, reason: String) {
        if self.is_required {
            self.dependency.not_ready(reason);
        } else {
            self.dependency.do_without(reason);
        }
    }
}
