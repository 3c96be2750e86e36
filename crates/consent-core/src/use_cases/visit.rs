//! Waiting for the end of another visit of the same callback.

use std::time::Duration;

use tokio::time::Instant;

/// How long a visit waits for the end of an earlier one. Microsoft has less.
const PATIENCE: Duration = Duration::from_secs(10);
/// After what time it looks, twice as long each time, up to this. What takes this long takes long.
pub(super) const LOOKS_FIRST: Duration = Duration::from_millis(100);
const LOOKS_LAST: Duration = Duration::from_secs(1);

/// A visit that may have to wait for another one.
pub(crate) struct Visit {
    until: Instant,
    looks_after: Duration,
}

impl Visit {
    pub(crate) fn begin() -> Self {
        Self {
            until: Instant::now() + PATIENCE,
            looks_after: LOOKS_FIRST,
        }
    }

    /// Waits a little; whether it still had the time.
    pub(crate) async fn waits(&mut self) -> bool {
        let has_time = Instant::now() < self.until;
        if has_time {
            tokio::time::sleep(self.looks_after).await;
            self.looks_after = (self.looks_after * 2).min(LOOKS_LAST);
        }
        has_time
    }
}
