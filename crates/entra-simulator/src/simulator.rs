//! What every handler holds: the address we are known by, and the world behind its lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;

use crate::directory::Directory;
use crate::faults::{Endpoint, Fault};
use crate::keys::KeyRing;
use crate::seed::SeedDocument;
use crate::world::World;

#[derive(Debug)]
pub(crate) struct Simulator {
    /// Without a slash at the end.
    pub(crate) base_url: String,
    /// What a reset returns to.
    pub(crate) seed: SeedDocument,
    /// What `story` means here.
    pub(crate) redirect_uris: Vec<String>,
    world: Mutex<World>,
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
            world: Mutex::new(World::new(directory, keys)),
        }
    }

    /// The world, for as long as it takes to answer. A handler that panicked has not made it unusable for others.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and waits as it was told to. What is to go wrong with it is up to the caller.
    pub(crate) async fn next_fault(&self, endpoint: Endpoint) -> Option<Fault> {
        let fault = self.world().faults.next(endpoint)?;
        tokio::time::sleep(fault.delay()).await;
        Some(fault)
    }

    /// Counts a call; waits and fails as it was told to.
    pub(crate) async fn fault(&self, endpoint: Endpoint) -> Option<Response> {
        self.next_fault(endpoint).await?.response()
    }
}
