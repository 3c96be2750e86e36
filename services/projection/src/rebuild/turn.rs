//! Who may change the view that is served: one at a time, in the order in which they asked.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Held by whoever applies events, for a batch at a time; and by a rebuild for the moment in which the view has to stand
/// still.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<()>>);

/// The turn, until it is dropped.
pub(crate) type Held = OwnedMutexGuard<()>;

impl Turn {
    /// Waits for the turn.
    pub(crate) async fn take(&self) -> Held {
        Arc::clone(&self.0).lock_owned().await
    }
}
