//! The client itself: what is shared between all operations.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use url::Url;

use crate::credential::OurCredentials;
use crate::health::{HealthReporter, MicrosoftHealth};
use crate::settings::{Settings, SettingsError};
use crate::signing_keys::{SigningKeys, signing_keys};
use crate::tenant_metadata::{TenantCache, TenantLookups, TenantMetadata};
use crate::transport::Transport;

/// How many tenants are remembered that signed a token: more than sign in within some hours, or logins would ask.
const TENANTS_REMEMBERED: usize = 16 * 1024;

/// How many of the tenants are remembered that strangers ask about.
const NAMES_REMEMBERED: usize = 1024;

/// Microsoft Entra ID, as seen by one registered application. Cheap to clone; clones share their caches.
#[derive(Clone)]
pub struct Entra {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) authority: Url,
    pub(crate) graph_url: Url,
    pub(crate) autodiscover_url: Url,
    pub(crate) client_id: String,
    pub(crate) credentials: OurCredentials,
    pub(crate) transport: Transport,
    pub(crate) health: HealthReporter,
    pub(crate) known_tenants: TenantCache<TenantMetadata>,
    pub(crate) tenant_lookups: TenantLookups,
    /// What strangers asked about. `None`: there is no such tenant.
    pub(crate) unproven_tenants: TenantCache<Option<TenantMetadata>>,
    pub(crate) gone_tenants: TenantCache<bool>,
    /// What names stand for in all clouds. Nothing: there is no such tenant in any.
    pub(crate) known_candidates: TenantCache<Vec<TenantMetadata>>,
    pub(crate) signing_keys: SigningKeys,
}

impl Entra {
    /// Builds the client. Nothing is asked of Microsoft yet.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let Settings {
            authority,
            national_authorities,
            graph_url,
            autodiscover_url,
            client_id,
            credentials,
            timeout,
        } = settings;
        let health = HealthReporter::default();
        let transport = Transport::new(timeout, national_authorities, &health)
            .map_err(|source| SettingsError::HttpClient(source.into()))?;
        let credentials = OurCredentials::prepare(credentials, health.clone())?;
        let signing_keys = signing_keys(transport.sign_in.clone(), authority.clone());
        Ok(Self {
            shared: Arc::new(Shared {
                authority,
                graph_url,
                autodiscover_url,
                client_id,
                credentials,
                transport,
                health,
                known_tenants: TenantCache::new(TENANTS_REMEMBERED),
                tenant_lookups: TenantLookups::default(),
                unproven_tenants: TenantCache::new(NAMES_REMEMBERED),
                gone_tenants: TenantCache::new(NAMES_REMEMBERED),
                known_candidates: TenantCache::new(NAMES_REMEMBERED),
                signing_keys,
            }),
        })
    }

    /// Where people sign in.
    pub fn authority(&self) -> &Url {
        &self.shared.authority
    }

    /// The health of Microsoft's services and of our credentials, and every change of it.
    pub fn health(&self) -> watch::Receiver<MicrosoftHealth> {
        self.shared.health.subscribe()
    }

    /// The application id that our own ID tokens are issued for.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }
}

impl fmt::Debug for Entra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entra")
            .field("authority", &self.shared.authority.as_str())
            .field("client_id", &self.shared.client_id)
            .finish_non_exhaustive()
    }
}
