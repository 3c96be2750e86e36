//! What the use cases work with.

use assent_domain::ids::{Cloud, Tenant, TenantId};
use assent_microsoft_identity::{CloudInstance, DiscoveryError, Entra, TenantMetadata, TenantRef};
use assent_service_kit::config::Origin;
use url::Url;

use crate::failure::Failure;
use crate::flow::FlowStore;
use crate::ledger::Ledger;
use crate::scopes::ScopeMap;

/// Everything that a use case may need. Cheap to share, never changed.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) ledger: Ledger,
    pub(crate) flows: FlowStore,
    pub(crate) entra: Entra,
    pub(crate) graph_url: Url,
    pub(crate) scopes: ScopeMap,
    pub(crate) admin_proof: AdminProof,
    pub(crate) addresses: Addresses,
    pub(crate) return_origins: Vec<Origin>,
}

/// What is accepted as proof that an Office 365 administrator consented.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminProof {
    /// The ID token holds a role able to consent.
    Role,
    /// Microsoft Graph lists a tenant-wide grant.
    Grant,
    /// Any of the two.
    #[default]
    Either,
}

/// Our own addresses, as the world sees them.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) admin_consent_callback: Url,
    pub(crate) authorize_callback: Url,
    pub(crate) company_settings: Url,
    pub(crate) account_settings: Url,
}

impl Addresses {
    pub(crate) fn under(public_url: &Url) -> Self {
        let at = |path: &str| {
            let mut url = public_url.clone();
            let base = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{base}{path}"));
            url
        };
        Self {
            admin_consent_callback: at("/callbacks/microsoft/admin-consent"),
            authorize_callback: at("/callbacks/microsoft/authorize"),
            company_settings: at("/settings/company"),
            account_settings: at("/settings/account"),
        }
    }
}

impl Gateway {
    /// Which tenant a name stands for, and in which cloud.
    pub(crate) async fn tenant(&self, name: &TenantRef) -> Result<Tenant, Failure> {
        match self.entra.tenant(name).await {
            Ok(metadata) => Ok(tenant_of(&metadata)),
            Err(DiscoveryError::UnknownTenant | DiscoveryError::NotOneTenant) => Err(
                Failure::Invalid("Microsoft knows no tenant by this name".to_owned()),
            ),
            Err(DiscoveryError::Ambiguous { .. }) => Err(Failure::Invalid(
                "several tenants go by this name, in different clouds".to_owned(),
            )),
            Err(error @ (DiscoveryError::Unreachable(_) | DiscoveryError::TimedOut)) => {
                Err(Failure::MicrosoftUnreachable(error.into()))
            }
            Err(error @ DiscoveryError::Nonsense(_)) => {
                Err(Failure::MicrosoftNonsense(error.into()))
            }
        }
    }
}

fn tenant_of(metadata: &TenantMetadata) -> Tenant {
    let cloud = match metadata.cloud {
        CloudInstance::Worldwide | CloudInstance::Gcc => Cloud::Worldwide,
        CloudInstance::GccHigh => Cloud::GccHigh,
        CloudInstance::Dod => Cloud::Dod,
        CloudInstance::China => Cloud::China,
    };
    Tenant {
        cloud,
        id: TenantId(metadata.tenant_id),
    }
}

/// The tenant, as it is named to Microsoft.
pub(crate) fn reference(tenant: Option<Tenant>) -> TenantRef {
    match tenant {
        Some(tenant) => TenantRef::Id(tenant.id.0),
        None => TenantRef::Organizations,
    }
}
