//! What every handler holds: the address we are known by, and the state behind its lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;

use crate::directory::Directory;
use crate::faults::{Endpoint, Fault};
use crate::keys::KeyRing;
use crate::seed::SeedDocument;
use crate::state::SimulatedState;

#[derive(Debug)]
pub(crate) struct Simulator {
    /// Without a slash at the end.
    pub(crate) base_url: String,
    /// What a reset returns to.
    pub(crate) seed: SeedDocument,
    /// What `story` means here.
    pub(crate) redirect_uris: Vec<String>,
    state: Mutex<SimulatedState>,
}

impl Simulator {
    pub(crate) fn new(
        base_url: String,
        seed: SeedDocument,
        redirect_uris: Vec<String>,
        directory: Directory,
        keys: KeyRing,
    ) -> Self {
        Self {
            base_url,
            seed,
            redirect_uris,
            state: Mutex::new(SimulatedState::new(directory, keys)),
        }
    }

    /// The state, for as long as it takes to answer. A handler that panicked has not made it unusable for others.
    pub(crate) fn state(&self) -> MutexGuard<'_, SimulatedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and waits as it was told to. What is to go wrong with it is up to the caller.
    pub(crate) async fn next_fault(&self, endpoint: Endpoint, tenant: &str) -> Option<Fault> {
        let fault = self.state().faults.next(endpoint, Some(tenant))?;
        tokio::time::sleep(fault.delay()).await;
        Some(fault)
    }

    /// Counts a call; waits and fails as it was told to.
    pub(crate) async fn fault(&self, endpoint: Endpoint) -> Option<Response> {
        let fault = self.state().faults.next(endpoint, None)?;
        tokio::time::sleep(fault.delay()).await;
        fault.response()
    }
}
