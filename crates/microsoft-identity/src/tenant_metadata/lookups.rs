//! Lookups that are under way: one for each tenant, shared by all who wait for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use super::{DiscoveryError, TenantMetadata};
use crate::tenant::TenantRef;

type Answer = Result<TenantMetadata, DiscoveryError>;
type UnderWay = HashMap<TenantRef, Shared<BoxFuture<'static, Answer>>>;

/// The lookups of tenants that are under way. Each ends within the deadline of a request.
#[derive(Clone, Default)]
pub(crate) struct TenantLookups(Arc<Mutex<UnderWay>>);

impl TenantLookups {
    /// Waits for the lookup of a tenant that is under way, or else for one that begins now, in a task of its own: who
    /// gives up waiting must not end it for the others.
    pub(crate) async fn join_or<F>(&self, tenant: &TenantRef, begin: impl FnOnce() -> F) -> Answer
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let lookup = {
            let mut under_way = self.under_way();
            if let Some(lookup) = under_way.get(tenant) {
                lookup.clone()
            } else {
                let (lookups, name, asked) = (self.clone(), tenant.clone(), begin());
                let task = tokio::spawn(async move {
                    let answer = asked.await;
                    lookups.under_way().remove(&name);
                    answer
                });
                let lookup = task.map(|ended| ended.unwrap_or(Err(DiscoveryError::TimedOut)));
                let lookup = lookup.boxed().shared();
                under_way.insert(tenant.clone(), lookup.clone());
                lookup
            }
        };
        lookup.await
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TenantLookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantLookups(..)")
    }
}
