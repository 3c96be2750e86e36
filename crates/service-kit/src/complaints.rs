//! Readiness that follows what goes on elsewhere.

use std::time::Duration;

use tokio::sync::watch;

use crate::health::Dependency;
use crate::runtime::Runtime;

/// Certificates expire without anything happening.
const LOOK_AGAIN_AFTER: Duration = Duration::from_hours(1);

/// Keeps a dependency in step with something that has complaints, until the program stops. The service does without it: what is
/// complained of is told, for whoever is woken by the alarm, and takes nothing out of service.
pub async fn follow_complaints<T>(
    mut standing: watch::Receiver<T>,
    complaints_of: impl Fn(&T) -> Vec<String> + Send,
    dependency: Dependency,
    runtime: Runtime,
) where
    T: Send + Sync,
{
    loop {
        let complaints = complaints_of(&standing.borrow_and_update());
        if complaints.is_empty() {
            dependency.ready();
        } else {
            dependency.do_without(complaints.join("; "));
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
