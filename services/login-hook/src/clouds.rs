//! Which cloud a tenant lives in.
//!
//! The first login of a tenant asks Microsoft, and waits no longer than for the projection,
//! which is asked meanwhile. When Microsoft does not answer in time the tenant counts as
//! worldwide. That is safe: a user's own consent is checked again by the gateway, and an
//! automatic grant needs the very tenant that an administrator consented in.

use std::time::Duration;

use assent_domain::ids::Cloud;
use assent_microsoft_identity::{Entra, TenantRef};
use assent_service_kit::error_chain::with_sources;
use uuid::Uuid;

/// Tells the clouds of tenants that signed a token.
#[derive(Debug)]
pub(crate) struct Clouds {
    entra: Entra,
    deadline: Duration,
}

impl Clouds {
    pub(crate) fn new(entra: Entra, deadline: Duration) -> Self {
        Self { entra, deadline }
    }

    /// The cloud of a tenant. Where it is not known in time the question goes on, for later logins.
    pub(crate) async fn cloud_of(&self, tenant: Uuid) -> Cloud {
        let name = TenantRef::Id(tenant);
        match tokio::time::timeout(self.deadline, self.entra.tenant(&name)).await {
            Ok(Ok(metadata)) => metadata.cloud.into(),
            Ok(Err(error)) => {
                tracing::info!(
                    tenant.id = %tenant,
                    error = %with_sources(&error),
                    "the cloud of a tenant is not known; it is taken for worldwide"
                );
                Cloud::Worldwide
            }
            Err(_elapsed) => Cloud::Worldwide,
        }
    }
}
