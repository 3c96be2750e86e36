//! Which cloud a tenant lives in.
//!
//! The first login of a tenant asks Microsoft, and waits no longer than for the projection,
//! which is asked meanwhile. When Microsoft does not answer in time the tenant counts as
//! worldwide. That is safe: a user's own consent is checked again by the gateway, and an
//! automatic grant needs the very tenant that an administrator consented in.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use assent_domain::ids::Cloud;
use assent_microsoft_identity::{CloudInstance, Entra, TenantRef};
use assent_service_kit::telemetry::chain;
use tokio::sync::watch;
use uuid::Uuid;

/// After how long Microsoft is asked again where it gave no answer. Without this, every
/// login would wait the whole deadline while Microsoft is down.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How many tenants are remembered. Only tenants that signed a token get here.
const MOST_KNOWN: usize = 4096;

/// The clouds of the tenants met so far. Tenants practically never move between clouds, so
/// what is found stays.
#[derive(Debug)]
pub(crate) struct Clouds {
    entra: Entra,
    deadline: Duration,
    lookups: RwLock<HashMap<Uuid, Lookup>>,
}

#[derive(Debug)]
struct Lookup {
    begun: Instant,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    UnderWay,
    Found(Cloud),
    Failed,
}

impl Clouds {
    pub(crate) fn new(entra: Entra, deadline: Duration) -> Self {
        Self {
            entra,
            deadline,
            lookups: RwLock::default(),
        }
    }

    pub(crate) async fn of(&self, tenant: Uuid) -> Cloud {
        let mut lookup = match self.known(tenant) {
            Some(Known::Settled(cloud)) => return cloud,
            Some(Known::UnderWay(lookup)) => lookup,
            None => self.begin(tenant),
        };
        let settled = lookup.wait_for(|progress| *progress != Progress::UnderWay);
        match tokio::time::timeout(self.deadline, settled).await {
            Ok(Ok(progress)) => progress.cloud(),
            Ok(Err(_)) | Err(_) => Cloud::Worldwide,
        }
    }

    fn known(&self, tenant: Uuid) -> Option<Known> {
        let lookups = self.lookups.read().unwrap_or_else(PoisonError::into_inner);
        lookups.get(&tenant).and_then(Lookup::known)
    }

    /// Asks in a task of its own: the answer is for later logins too, so it must not be
    /// given up with this one.
    fn begin(&self, tenant: Uuid) -> watch::Receiver<Progress> {
        let mut lookups = self.lookups.write().unwrap_or_else(PoisonError::into_inner);
        // Another login may have begun meanwhile.
        if let Some(lookup) = lookups.get(&tenant)
            && lookup.known().is_some()
        {
            return lookup.progress.clone();
        }
        if lookups.len() >= MOST_KNOWN {
            // Rare enough that asking anew is cheaper than keeping count of who is used.
            lookups.clear();
        }
        let (report, progress) = watch::channel(Progress::UnderWay);
        lookups.insert(
            tenant,
            Lookup {
                begun: Instant::now(),
                progress: progress.clone(),
            },
        );
        let entra = self.entra.clone();
        tokio::spawn(async move {
            let progress = match entra.tenant(&TenantRef::Id(tenant)).await {
                Ok(metadata) => Progress::Found(cloud(metadata.cloud)),
                Err(error) => {
                    tracing::warn!(
                        tenant.id = %tenant,
                        error = %chain(&error),
                        "the cloud of a tenant is not known; it is taken for worldwide"
                    );
                    Progress::Failed
                }
            };
            report.send_replace(progress);
        });
        progress
    }
}

enum Known {
    Settled(Cloud),
    UnderWay(watch::Receiver<Progress>),
}

impl Lookup {
    /// What is known, unless it is time to ask again.
    fn known(&self) -> Option<Known> {
        match *self.progress.borrow() {
            Progress::Found(cloud) => Some(Known::Settled(cloud)),
            Progress::Failed | Progress::UnderWay if self.begun.elapsed() > ASK_AGAIN_AFTER => None,
            Progress::Failed => Some(Known::Settled(Cloud::Worldwide)),
            Progress::UnderWay => Some(Known::UnderWay(self.progress.clone())),
        }
    }
}

impl Progress {
    const fn cloud(self) -> Cloud {
        match self {
            Self::Found(cloud) => cloud,
            Self::UnderWay | Self::Failed => Cloud::Worldwide,
        }
    }
}

const fn cloud(instance: CloudInstance) -> Cloud {
    match instance {
        CloudInstance::Worldwide | CloudInstance::Gcc => Cloud::Worldwide,
        CloudInstance::GccHigh => Cloud::GccHigh,
        CloudInstance::Dod => Cloud::Dod,
        CloudInstance::China => Cloud::China,
    }
}
