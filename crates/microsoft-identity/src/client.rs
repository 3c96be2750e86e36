//! The client itself: what is shared between all operations.

use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::credential::OurCredentials;
use crate::discovery::{Known, TenantMetadata};
use crate::settings::{Settings, SettingsError};
use crate::signing_keys::{SigningKeys, signing_keys};
use crate::standing::Board;
use crate::tenant::TenantRef;
use crate::transport::Transport;

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
    pub(crate) board: Board,
    pub(crate) known_tenants: Known<TenantMetadata>,
    /// What strangers asked about. `None`: there is no such tenant.
    pub(crate) unproven_tenants: Known<Option<TenantMetadata>>,
    pub(crate) gone_tenants: Known<bool>,
    /// What names stand for in all clouds. Nothing: there is no such tenant in any.
    pub(crate) known_candidates: Known<Vec<TenantMetadata>>,
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
        let board = Board::default();
        let transport = Transport::new(timeout, national_authorities, &board)
            .map_err(|source| SettingsError::HttpClient(source.into()))?;
        let credentials = OurCredentials::prepare(credentials, board.clone())?;
        let signing_keys = signing_keys(transport.sign_in.clone(), authority.clone());
        Ok(Self {
            shared: Arc::new(Shared {
                authority,
                graph_url,
                autodiscover_url,
                client_id,
                credentials,
                transport,
                board,
                known_tenants: Known::default(),
                unproven_tenants: Known::default(),
                gone_tenants: Known::default(),
                known_candidates: Known::default(),
                signing_keys,
            }),
        })
    }

    /// Where people sign in.
    pub fn authority(&self) -> &Url {
        &self.shared.authority
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

/// An address below a base: `{base}/{segments…}`, whatever the base's own path.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut address = base.clone();
    // Only addresses that cannot be a base fail here, and http(s) addresses always can.
    if let Ok(mut path) = address.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    address
}

/// `{authority}/{tenant}/{segments…}`.
pub(crate) fn tenant_endpoint(authority: &Url, tenant: &TenantRef, segments: &[&str]) -> Url {
    below(&below(authority, &[&tenant.to_string()]), segments)
}

/// `{authority}/{tenant}/v2.0/.well-known/openid-configuration`.
pub(crate) fn metadata_endpoint(authority: &Url, tenant: &TenantRef) -> Url {
    tenant_endpoint(
        authority,
        tenant,
        &["v2.0", ".well-known", "openid-configuration"],
    )
}

/// `{authority}/{tenant}/oauth2/v2.0/token`.
pub(crate) fn token_endpoint(authority: &Url, tenant: &TenantRef) -> Url {
    tenant_endpoint(authority, tenant, &["oauth2", "v2.0", "token"])
}
