//! What the use cases work with.

use std::sync::Arc;
use std::time::Duration;

use assent_contract::values;
use assent_domain::ids::{AccountId, Cloud, Tenant, TenantId};
use assent_messaging::Connection;
use assent_microsoft_identity::{DiscoveryError, Entra, ScopeMap, TenantMetadata, TenantRef};
use assent_service_kit::config::Origin;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use url::Url;

use crate::clock::Clock;
use crate::command_executor::CommandExecutor;
use crate::custody::Custody;
use crate::cutoff::Cutoffs;
use crate::failure::{Candidate, Failure};
use crate::flow::{FlowSecret, FlowStore, HandOffPurpose, Purpose, Route};
use crate::hand_off::{HandOffStore, HandOffToken};
use crate::limits::Limits;
use crate::observations::Observations;
use crate::reasons::InvalidRequest;
use crate::session::SessionStore;

/// How long anybody waits to hear that a tenant is gone.
const TENANT_PATIENCE: Duration = Duration::from_secs(1);

/// Everything that a use case may need. Cheap to share, never changed.
#[derive(Debug)]
pub struct Gateway {
    /// Loads accounts and users from the log, decides, and appends.
    pub executor: CommandExecutor,
    /// How often things may be done.
    pub limits: Limits,
    /// What time it is.
    pub clock: Clock,
    /// Flows through Microsoft.
    pub flows: FlowStore,
    /// Sessions of the settings pages.
    pub sessions: SessionStore,
    /// Users whose sessions, flows and hand-offs were ended.
    pub cutoffs: Cutoffs,
    /// How long a session lasts.
    pub session_lifetime: SignedDuration,
    /// Hand-offs to administrators.
    pub hand_offs: HandOffStore,
    /// How long a hand-off may be used.
    pub hand_off_lifetime: SignedDuration,
    /// What was learnt of Microsoft's tenants and users.
    pub observations: Observations,
    /// A permit for each mailbox that may be looked for in the background.
    pub probes: Arc<Semaphore>,
    /// To ask the projection what only it can tell: how many users have what.
    pub connection: Connection,
    /// Where refresh tokens go.
    pub custody: Custody,
    /// Microsoft's sign-in service.
    pub entra: Entra,
    /// Microsoft Graph.
    pub graph_url: Url,
    /// Which scopes at Microsoft each permission needs.
    pub scopes: ScopeMap,
    /// What proves an administrator.
    pub admin_proof: AdminProof,
    /// Our own addresses.
    pub addresses: Addresses,
    /// Where browsers may be sent back to.
    pub return_origins: Vec<Origin>,
}

/// What proves that an Office 365 administrator consented. A role able to consent, in the ID token, always has to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminProof {
    /// The role. Microsoft Graph is not asked.
    Role,
    /// The role, and Microsoft Graph has to list a tenant-wide grant.
    Grant,
    /// The role. A tenant-wide grant is noted where Microsoft Graph lists one.
    #[default]
    Either,
}

/// Our own addresses, as the world sees them.
#[derive(Debug, Clone)]
pub struct Addresses {
    pub(crate) admin_consent_callback: Url,
    pub(crate) authorize_callback: Url,
    /// Settings > Account.
    pub company_settings: Url,
    /// Settings > My account.
    pub account_settings: Url,
    hand_off: Url,
    pub(crate) hand_off_outcome: Url,
    administrator_confirmation: Url,
    /// The stylesheet of all pages.
    pub stylesheet: Url,
    /// The script of all pages.
    pub script: Url,
    /// The host application's logo.
    pub logo: Url,
}

impl Addresses {
    /// The addresses of a gateway that the world reaches at this URL.
    pub fn new(public_url: &Url) -> Self {
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
            hand_off: at("/hand-off"),
            hand_off_outcome: at("/hand-off-outcome"),
            administrator_confirmation: at("/administrator-confirmation"),
            stylesheet: at("/assets/pages.css"),
            script: at("/assets/pages.js"),
            logo: at("/assets/logo"),
        }
    }

    /// What stands before every path of ours; empty where we have the host to ourselves.
    pub fn base_path(&self) -> &str {
        let path = self.account_settings.path();
        path.strip_suffix("/settings/account").unwrap_or_default()
    }

    /// The link itself.
    pub(crate) fn hand_off(&self, token: &HandOffToken) -> Url {
        below(&self.hand_off, &token.expose())
    }

    /// The page on which an administrator confirms.
    pub(crate) fn administrator_confirmation(&self, page: &FlowSecret) -> Url {
        below(&self.administrator_confirmation, &page.expose())
    }

    /// Where a browser goes that nobody asked back.
    pub const fn default_return(&self, purpose: &Purpose) -> &Url {
        match purpose {
            Purpose::AdministratorConsent {
                route: Route::Direct,
                ..
            } => &self.company_settings,
            Purpose::AdministratorConsent {
                route:
                    Route::HandOff {
                        purpose: HandOffPurpose::AdministratorConsent | HandOffPurpose::Approval,
                        ..
                    },
                ..
            } => &self.hand_off_outcome,
            Purpose::OwnConsent { .. } | Purpose::Connection { .. } => &self.account_settings,
        }
    }
}

fn below(url: &Url, last_part: &str) -> Url {
    let mut url = url.clone();
    let path = format!("{}/{last_part}", url.path());
    url.set_path(&path);
    url
}

/// A tenant, as somebody typed it.
#[derive(Debug, Clone)]
pub struct TenantName {
    pub(crate) name: TenantRef,
    /// Which of Microsoft's clouds is meant, where the name stands for tenants in several.
    pub(crate) cloud: Option<Cloud>,
}

impl TenantName {
    /// The domain, where it is one.
    pub(crate) fn domain(&self) -> Option<String> {
        match &self.name {
            TenantRef::Domain(domain) => Some(domain.to_string()),
            TenantRef::Id(_) | TenantRef::Organizations => None,
        }
    }
}

impl Gateway {
    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Which tenant signed a token: one of the cloud that we sign people in to.
    pub(crate) async fn tenant(&self, id: &TenantRef) -> Result<Tenant, DiscoveryError> {
        let found = self.entra.tenant(id).await?;
        Ok(tenant_of(&found))
    }

    /// Whether Microsoft says that this tenant is there no more. It is good to know, and holds nobody up.
    pub(crate) async fn has_no_tenant(&self, tenant: Tenant) -> bool {
        let asked = self.entra.is_gone(tenant.id.0);
        let answer = tokio::time::timeout(TENANT_PATIENCE, asked).await;
        answer.unwrap_or(false)
    }

    /// Which tenant a browser claims to come from.
    pub(crate) async fn claimed_tenant(&self, id: &TenantRef) -> Result<Tenant, DiscoveryError> {
        let found = self.entra.claimed_tenant(id).await?;
        Ok(tenant_of(&found))
    }

    /// Which tenant somebody named by its id, in the cloud that we sign people in to. Microsoft is asked so often only.
    pub(crate) async fn named_tenant(
        &self,
        account: &AccountId,
        id: &TenantRef,
    ) -> Result<Tenant, Failure> {
        if !self.entra.remembers_named_tenant(id) {
            self.limits.look_up(account)?;
        }
        let found = self.entra.named_tenant(id).await?;
        Ok(tenant_of(&found))
    }

    /// Which tenant a name stands for, in whichever of Microsoft's clouds. A name that stands for several is asked
    /// about, never guessed. Microsoft is asked so often only.
    pub(crate) async fn find_tenant(
        &self,
        account: &AccountId,
        tenant: &TenantName,
    ) -> Result<Tenant, Failure> {
        if !self.entra.remembers_name(&tenant.name) {
            self.limits.look_up(account)?;
        }
        let candidates = match self.entra.find_tenant(&tenant.name).await {
            Ok(metadata) => Vec::from([tenant_of(&metadata)]),
            Err(DiscoveryError::Ambiguous { candidates }) => {
                candidates.iter().map(tenant_of).collect()
            }
            Err(error) => return Err(error.into()),
        };
        let mut meant = candidates
            .iter()
            .filter(|candidate| tenant.cloud.is_none_or(|cloud| candidate.cloud == cloud));
        match (meant.next(), meant.next()) {
            (Some(only), None) => Ok(*only),
            (None, _) => Err(Failure::Invalid(InvalidRequest::UnknownTenantInCloud)),
            (Some(_), Some(_)) => Err(Failure::AmbiguousTenant(
                candidates.into_iter().map(Candidate::from).collect(),
            )),
        }
    }
}

/// The tenant that somebody typed; `None` where nothing was. `Failure::Invalid` where it is none.
pub fn tenant_name(
    name: Option<&str>,
    cloud: Option<values::Cloud>,
) -> Result<Option<TenantName>, Failure> {
    let name = match name.map(TenantRef::parse_lenient) {
        None if cloud.is_none() => return Ok(None),
        Some(Ok(name)) => name,
        None | Some(Err(_)) => {
            return Err(Failure::Invalid(InvalidRequest::TenantName));
        }
    };
    Ok(Some(TenantName {
        name,
        cloud: cloud.map(Into::into),
    }))
}

fn tenant_of(metadata: &TenantMetadata) -> Tenant {
    Tenant {
        cloud: metadata.cloud.into(),
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
