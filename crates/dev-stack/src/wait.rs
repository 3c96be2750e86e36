//! Waiting for something to come about.

use std::time::Duration;

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(20);

/// Tries until there is a value, and returns it; `None` where there is none within `patience`.
pub async fn wait_for<T>(
    patience: Duration,
    mut attempt: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let tries = async {
        loop {
            if let Some(value) = attempt().await {
                return value;
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::time::timeout(patience, tries).await.ok()
}
