//! Finding a tenant in all of Microsoft's clouds.
//!
//! One name, and even one id, may be a tenant in two clouds, and each cloud's login host also answers for tenants of
//! others. So all hosts are asked, each answer is judged by its fields, and what is found twice counts once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{KNOWN_FOR, UNKNOWN_FOR, ask};
use crate::client::Entra;
use crate::tenant::TenantRef;
use crate::tenant_metadata::{DiscoveryError, TenantMetadata};

/// For how long an answer is believed when not all hosts gave theirs.
const KNOWN_IN_PART_FOR: Duration = Duration::from_mins(5);

/// For how long a tenant counts as unknown when those hosts that answered know none of that name.
const UNKNOWN_IN_PART_FOR: Duration = Duration::from_mins(1);

/// What all hosts together know.
struct FoundTenants {
    candidates: Vec<TenantMetadata>,
    is_complete: bool,
}

impl Entra {
    /// Finds out which tenant a name stands for, in any cloud. The hosts of other clouds are asked at the same time as
    /// our own; where one of them gives no answer, the tenant counts as not there. A tenant of a cloud that we do not
    /// serve is found as well, so that it can be refused for the right reason.
    pub async fn find_tenant(&self, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        let mut candidates = self.candidates(tenant).await?;
        match (candidates.pop(), candidates.is_empty()) {
            (None, _) => Err(DiscoveryError::UnknownTenant),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                candidates.push(last);
                Err(DiscoveryError::Ambiguous { candidates })
            }
        }
    }

    /// Whether [`Entra::find_tenant`] has the answer without asking Microsoft.
    pub fn remembers_name(&self, tenant: &TenantRef) -> bool {
        let known = &self.shared.known_candidates;
        known.get(tenant, Instant::now()).is_some()
    }

    async fn candidates(&self, tenant: &TenantRef) -> Result<Vec<TenantMetadata>, DiscoveryError> {
        let known = &self.shared.known_candidates;
        if let Some(candidates) = known.get(tenant, Instant::now()) {
            return Ok(candidates);
        }
        let found = self.ask_everywhere(tenant).await?;
        let known_for = match (found.candidates.is_empty(), found.is_complete) {
            (false, true) => KNOWN_FOR,
            (false, false) => KNOWN_IN_PART_FOR,
            (true, true) => UNKNOWN_FOR,
            (true, false) => UNKNOWN_IN_PART_FOR,
        };
        let until = Instant::now() + known_for;
        known.put(tenant.clone(), found.candidates.clone(), until);
        Ok(found.candidates)
    }

    async fn ask_everywhere(&self, tenant: &TenantRef) -> Result<FoundTenants, DiscoveryError> {
        let transport = &self.shared.transport;
        let deadline = transport.lookups.deadline();
        let mut elsewhere = JoinSet::new();
        for (host, service) in &transport.national {
            let (host, service, tenant) = (host.clone(), service.clone(), tenant.clone());
            elsewhere.spawn(async move {
                let answer = ask(&service, &host, &tenant, deadline).await;
                (host, answer)
            });
        }
        let mut answers = Vec::new();
        match ask(&transport.lookups, &self.shared.authority, tenant, deadline).await {
            Ok(metadata) => answers.push((true, metadata)),
            Err(DiscoveryError::UnknownTenant) => {}
            // Without our own host's word nobody can say that a tenant is elsewhere only.
            Err(error) => return Err(error),
        }
        let mut is_complete = true;
        while let Some(answered) = elsewhere.join_next().await {
            match answered {
                Ok((_, Ok(metadata))) => answers.push((false, metadata)),
                Ok((_, Err(DiscoveryError::UnknownTenant))) => {}
                Ok((host, Err(error))) => {
                    is_complete = false;
                    let cause: &dyn std::error::Error = &error;
                    tracing::debug!(
                        host = host.host_str(),
                        error = cause,
                        "another cloud gave no answer"
                    );
                }
                Err(_aborted) => is_complete = false,
            }
        }
        Ok(FoundTenants {
            candidates: distinct(answers),
            is_complete,
        })
    }
}

/// Each tenant once, those in clouds that we serve first. Which host says it is told by whether it is our own: a
/// cloud's own host knows best.
fn distinct(answers: Vec<(bool, TenantMetadata)>) -> Vec<TenantMetadata> {
    let mut tenants: BTreeMap<_, (bool, TenantMetadata)> = BTreeMap::new();
    for (by_our_host, metadata) in answers {
        let is_served = metadata.cloud.is_on_worldwide_endpoints();
        let key = (!is_served, metadata.cloud.sovereign(), metadata.tenant_id);
        let by_own_host = by_our_host == is_served;
        match tenants.get(&key) {
            Some((true, _)) => {}
            Some((false, _)) if !by_own_host => {}
            Some((false, _)) | None => {
                tenants.insert(key, (by_own_host, metadata));
            }
        }
    }
    tenants
        .into_values()
        .map(|(_, metadata)| metadata)
        .collect()
}
