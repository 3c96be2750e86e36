//! Whether this login hook may take traffic.
//!
//! A hook that has just started takes none until NATS is connected and Microsoft's keys are
//! there, so that a rolling restart degrades no login. It waits a short while only, and once
//! it takes traffic it goes on, whatever goes away: it degrades, while a hook that calls
//! itself not ready would be taken out of service, its sisters with it, and hold every login
//! up. So `/readyz` says what it does without, and is ready all the same; the projection, which
//! may go away at any time, is no dependency here at all.

use std::time::Duration;

use assent_messaging::{Connection, ConnectionState};
use assent_microsoft_identity::{Entra, ExpectedNonce, IdTokenError, IdTokenExpectation};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::{Dependency, Health, Runtime};

/// How long a new hook holds back.
const HOLD_BACK: Duration = Duration::from_secs(5);

const DEGRADED: &str = "not reachable; logins go on, with nothing permitted";

/// Between two attempts to get Microsoft's keys.
const PAUSE: Duration = Duration::from_secs(2);

/// No ID token, but the beginning of one: `{"alg":"RS256","kid":"probe"}` and no claims.
/// That its key is unknown can only be said by who has the keys.
const PROBE: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InByb2JlIn0.";

/// Watches over both dependencies until the program stops.
pub(crate) fn watch(health: &Health, connection: &Connection, entra: &Entra, runtime: &Runtime) {
    let nats = health.dependency("nats");
    nats.not_ready("connecting to NATS");
    let keys = health.dependency("microsoft_keys");
    keys.not_ready("fetching Microsoft's signing keys");
    runtime.spawn(at_last_after(HOLD_BACK, nats.clone(), runtime.clone()));
    runtime.spawn(at_last_after(HOLD_BACK, keys.clone(), runtime.clone()));
    runtime.spawn(watch_nats(connection.clone(), nats, runtime.clone()));
    runtime.spawn(watch_keys(entra.clone(), keys, runtime.clone()));
}

/// Stops holding back.
async fn at_last_after(hold_back: Duration, dependency: Dependency, runtime: Runtime) {
    tokio::select! {
        () = tokio::time::sleep(hold_back) => {
            if !dependency.is_ready() {
                dependency.do_without(DEGRADED);
            }
        }
        () = runtime.shutdown_requested() => {}
    }
}

async fn watch_nats(connection: Connection, nats: Dependency, runtime: Runtime) {
    let mut states = connection.state_changes();
    loop {
        let state = *states.borrow_and_update();
        match state {
            ConnectionState::Connected => {
                nats.ready();
            }
            ConnectionState::Disconnected => {
                // Before the first connection, a new hook holds back.
                if nats.is_ready() {
                    nats.do_without(DEGRADED);
                }
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            changed = states.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Gets the keys before the first login needs them. From then on they are kept fresh by who
/// uses them.
async fn watch_keys(entra: Entra, keys: Dependency, runtime: Runtime) {
    let fetched = async {
        while let Err(error) = probe(&entra).await {
            tracing::warn!(error = %with_sources(&error), "sign-ins can't be verified yet");
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = fetched => keys.ready(),
        () = runtime.shutdown_requested() => {}
    }
}

/// Whether there are keys; they are fetched if there are none.
async fn probe(entra: &Entra) -> Result<(), IdTokenError> {
    let expectation = IdTokenExpectation {
        nonce: ExpectedNonce::CheckedElsewhere,
        tenant: None,
        personal_accounts: false,
    };
    match entra.verify_id_token(PROBE, &[], expectation).await {
        Err(error) if matches!(error, IdTokenError::KeysUnavailable(_)) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
