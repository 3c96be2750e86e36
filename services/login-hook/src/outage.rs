//! Says once that something went away, and once that it is back: a line per login would
//! drown the log just when it is needed.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use assent_service_kit::error_chain::with_sources;

/// Whether something that logins ask is away.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    away: AtomicBool,
}

impl Outage {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self {
            what,
            away: AtomicBool::new(false),
        }
    }

    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                what = self.what,
                error = %with_sources(error),
                "no answer; logins go on degraded"
            );
        }
    }

    pub(crate) fn answered(&self) {
        // Read first: writing would pass the cache line around between all cores.
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!(what = self.what, "answers again");
        }
    }
}
