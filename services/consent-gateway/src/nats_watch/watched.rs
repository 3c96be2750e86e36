//! One stream or bucket, how it stands, and telling it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assent_contract::store::Store;
use assent_messaging::{Bucket, Connection, Full, Room, StreamState};
use assent_metrics::gateway::STORE_USABLE;
use assent_service_kit::Dependency;
use assent_service_kit::error_chain::with_sources;

/// How long JetStream may take to describe one stream.
const DEADLINE: Duration = Duration::from_secs(1);
/// An operator is alarmed at the second look in a row: right after a restart of the server one may fail.
const ALARM_AT: u32 = 2;

/// How one stands.
#[derive(Debug)]
pub(super) enum StoreCheck {
    AsItWas,
    Missing,
    /// What is wrong with it, in words.
    Amiss(String),
}

/// A stream or bucket.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) store: Store,
    bucket: Option<Bucket>,
    /// As it was when the gateway started, and all its settings had just been checked.
    at_start: Option<StreamState>,
    dependency: Dependency,
    /// How many looks in a row found something amiss.
    amiss: AtomicU32,
    /// Who led it at the last look.
    led: Mutex<Led>,
    led_anew: AtomicBool,
}

/// Who leads a store.
#[derive(Debug, Default, PartialEq, Eq)]
enum Led {
    /// Nobody, or nobody is known to.
    #[default]
    ByNobody,
    /// A server, and since when; one without a cluster has no name.
    By(Option<String>, Option<String>),
}

impl Watched {
    pub(super) async fn begin(
        connection: &Connection,
        store: Store,
        bucket: Option<Bucket>,
        dependency: Dependency,
    ) -> Self {
        let found = connection.stream_state(&store.stream(), DEADLINE).await;
        Self {
            store,
            bucket,
            at_start: found.ok().flatten(),
            dependency,
            amiss: AtomicU32::new(0),
            led: Mutex::default(),
            led_anew: AtomicBool::new(false),
        }
    }

    /// How it stands, by the server's description.
    pub(super) async fn look(&self, connection: &Connection) -> StoreCheck {
        let store = self.store;
        match connection.stream_state(&store.stream(), DEADLINE).await {
            Ok(Some(state)) => {
                self.found_led(if state.has_majority() {
                    Led::By(state.leader.clone(), state.leads_since.clone())
                } else {
                    Led::ByNobody
                });
                if !state.has_majority() {
                    let away = state.away.join(", ");
                    return StoreCheck::Amiss(format!(
                        "{store} takes nothing: most of the NATS servers that keep it are away ({away})"
                    ));
                }
                let before = self.at_start.as_ref();
                match before.and_then(|before| state.difference_from(before)) {
                    Some(difference) => {
                        StoreCheck::Amiss(format!("{store} is configured otherwise: {difference}"))
                    }
                    // What replaces something of the same size is taken all the same, so writing would not show it.
                    None if Room::from_usage(state.bytes, state.max_bytes) == Room::Full => {
                        StoreCheck::Amiss(format!("{store} is full"))
                    }
                    None => StoreCheck::AsItWas,
                }
            }
            Ok(None) => StoreCheck::Missing,
            Err(error) => {
                self.found_led(Led::ByNobody);
                StoreCheck::Amiss(format!("{store} can't be used: {}", with_sources(&error)))
            }
        }
    }

    /// Whether it has another leader since this was asked last, or one again: what the former one did not take says nothing
    /// of this one.
    pub(super) fn is_led_anew(&self) -> bool {
        self.led_anew.swap(false, Ordering::Relaxed)
    }

    /// Whether a server led it at the last look, and most of those that keep it were there.
    pub(super) fn is_led(&self) -> bool {
        *self.lock_led() != Led::ByNobody
    }

    fn lock_led(&self) -> MutexGuard<'_, Led> {
        self.led.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found_led(&self, led: Led) {
        let mut last = self.lock_led();
        if led != Led::ByNobody && *last != led {
            self.led_anew.store(true, Ordering::Relaxed);
        }
        *last = led;
    }

    /// A server describes a stream also where it can't write to it. So a bucket that took nothing is written to until it
    /// does. One that is well is left alone: who only looks changes nothing. Whether the server has room, if that was
    /// found out.
    pub(super) async fn probe(
        &self,
        found: StoreCheck,
        is_urgent: bool,
    ) -> (StoreCheck, Option<bool>) {
        let (StoreCheck::AsItWas, Some(bucket)) = (&found, &self.bucket) else {
            return (found, None);
        };
        if !bucket.took_nothing() && !is_urgent {
            return (found, None);
        }
        let store = self.store;
        match bucket.probe().await {
            Ok(()) => (StoreCheck::AsItWas, Some(true)),
            Err(error) => match error.full() {
                Some(Full::Stream) => (StoreCheck::Amiss(format!("{store} is full")), Some(true)),
                Some(Full::Server) => {
                    let reason = format!(
                        "{store} takes nothing: JetStream has no room left; raise max_file_store of nats-server"
                    );
                    (StoreCheck::Amiss(reason), Some(false))
                }
                None => {
                    let reason = format!(
                        "{store} takes nothing: {}; where its disk was full, make room and restart nats-server",
                        with_sources(&error)
                    );
                    (StoreCheck::Amiss(reason), None)
                }
            },
        }
    }

    /// Tells it, an operator once.
    pub(super) fn tell(&self, found: StoreCheck) {
        let reason = match found {
            StoreCheck::AsItWas => {
                self.amiss.store(0, Ordering::Relaxed);
                self.measure(1.0);
                self.dependency.ready();
                return;
            }
            StoreCheck::Missing => format!("{} is not there", self.store),
            StoreCheck::Amiss(reason) => reason,
        };
        self.measure(0.0);
        if self.amiss.fetch_add(1, Ordering::Relaxed) + 1 == ALARM_AT {
            tracing::error!(
                operator_alarm = "store_unusable",
                store = self.store.name(),
                "{reason}"
            );
        }
        match self.store {
            Store::Events => self.dependency.not_ready(reason),
            // All replicas share them, so nobody would be served better elsewhere, and what is on the log can be read
            // and taken back without any of them.
            Store::Operations
            | Store::Changes
            | Store::Flows
            | Store::Sessions
            | Store::HandOffs
            | Store::Observations => self.dependency.do_without(reason),
        }
    }

    fn measure(&self, usable: f64) {
        STORE_USABLE.with([self.store.name()]).set(usable);
    }
}
