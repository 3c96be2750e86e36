//! How we stand with Microsoft, in the readiness of the service.
//!
//! Nothing here takes the gateway out of service: people can still revoke, and look at their settings, when Microsoft is
//! away or our credential is refused. Readiness says what is wrong, for whoever is woken by the alarm.

use std::time::Duration;

use assent_consent_core::clock::Clock;
use assent_microsoft_identity::MicrosoftHealth;
use assent_service_kit::{Dependency, Runtime};
use tokio::sync::watch;

/// Certificates expire without anything happening.
const LOOK_AGAIN_AFTER: Duration = Duration::from_hours(1);

/// Keeps readiness in step until the program stops.
pub(crate) async fn watch(
    mut standing: watch::Receiver<MicrosoftHealth>,
    clock: Clock,
    microsoft: Dependency,
    runtime: Runtime,
) {
    loop {
        let complaints = standing.borrow_and_update().complaints(clock.system_time());
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
