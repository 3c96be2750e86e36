//! Histories that were read, to read only on from their ends.
//!
//! What is kept is the truth about what was once on the log, proved when it was read. Whether it still is all of it, the
//! stream's leader is asked each time.

use std::fmt;
use std::sync::Arc;

use assent_domain::event::Aggregate;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::history::History;

/// How many events are kept in all, of all aggregates: some 60 MB at most. What was not read for the longest time is
/// given up first. One with more events than that is read whole each time.
const MOST_EVENTS: u64 = 65_536;

/// Histories by aggregate. Clones share them.
#[derive(Clone)]
pub(crate) struct KnownHistories(Arc<Cache<Aggregate, Known, Events>>);

#[derive(Clone)]
struct Known {
    history: Arc<History>,
    /// How often the connection was made by then. Whoever mends, cuts or replaces a log stops its server for that, so what
    /// was known before is read anew.
    connects: u64,
}

#[derive(Clone)]
struct Events;

impl Weighter<Aggregate, Known> for Events {
    fn weight(&self, _: &Aggregate, known: &Known) -> u64 {
        // The aggregate's name and state take about as much as an event.
        known.history.found().saturating_add(1)
    }
}

impl Default for KnownHistories {
    fn default() -> Self {
        // With so few expected it is one part, all of which a single aggregate may fill.
        Self(Arc::new(Cache::with_weighter(32, MOST_EVENTS, Events)))
    }
}

impl KnownHistories {
    /// The history that was read last, over the connection as it was made last.
    pub(super) fn get(&self, aggregate: &Aggregate, connects: u64) -> Option<Arc<History>> {
        let known = self.0.get(aggregate)?;
        (known.connects == connects).then_some(known.history)
    }

    /// Keeps a history that was proved over the connection as it was made by then.
    pub(super) fn keep(&self, aggregate: &Aggregate, connects: u64, history: &Arc<History>) {
        let history = Arc::clone(history);
        if history.found() != 0 {
            self.0
                .insert(aggregate.clone(), Known { history, connects });
        }
    }
}

impl fmt::Debug for KnownHistories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KnownHistories")
            .field(&self.0.len())
            .finish()
    }
}
