//! The time, which the control API may move forward.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Seconds since 1970, by the machine's clock.
pub(crate) fn system_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// How Entra writes a moment in an error: `2026-01-01 12:00:00Z`.
pub(crate) fn timestamp_text(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .strftime("%Y-%m-%d %H:%M:%SZ")
        .to_string()
}

/// When something happened, and after what: seconds alone would not tell which of two came first within one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970.
    pub(crate) seconds: i64,
    /// Grows with every moment that was taken.
    pub(crate) order: u64,
}

/// The simulator's clock: the machine's, plus however much a test moved it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    ahead: i64,
    taken: u64,
}

impl Clock {
    pub(crate) fn now(self) -> i64 {
        system_now().saturating_add(self.ahead)
    }

    /// Now, after everything that happened so far.
    pub(crate) fn moment(&mut self) -> Moment {
        self.taken += 1;
        Moment {
            seconds: self.now(),
            order: self.taken,
        }
    }

    pub(crate) fn advance(&mut self, seconds: u32) {
        self.ahead = self.ahead.saturating_add(i64::from(seconds));
    }
}
