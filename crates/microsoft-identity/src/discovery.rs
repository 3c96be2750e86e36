//! What Microsoft publishes about a tenant: its id and its cloud.
//!
//! It is unauthenticated public data about a name that somebody typed: it says where to send the browser, it proves
//! nothing about who that somebody is.

mod find;
mod known;

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

pub(crate) use self::known::Known;

use crate::client::{Entra, metadata_endpoint};
use crate::cloud::{CloudFields, CloudInstance};
use crate::tenant::TenantRef;
use crate::transport::{CallError, Service, parse, retry_after};

/// Tenants practically never move between clouds.
const KNOWN_FOR: Duration = Duration::from_hours(6);

/// Somebody may be about to create a tenant, or to register a domain.
const UNKNOWN_FOR: Duration = Duration::from_mins(5);

/// A tenant as its OpenID metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantMetadata {
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// The cloud it lives in.
    pub cloud: CloudInstance,
    /// Its region as published (`EU`, `NA`, `WW`…), for showing.
    pub region: Option<String>,
}

/// Why a tenant's metadata could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// Microsoft knows no tenant of that name in this cloud.
    #[error("no such tenant")]
    UnknownTenant,
    /// The name, or even the id, stands for several tenants, each in a cloud of its own.
    #[error("it stands for {} tenants in different clouds", .candidates.len())]
    Ambiguous {
        /// The tenants, those in clouds that we serve first.
        candidates: Vec<TenantMetadata>,
    },
    /// `organizations` is not one tenant.
    #[error("`organizations` is not one tenant")]
    NotOneTenant,
    /// Microsoft could not be reached or is unwell.
    #[error("Microsoft could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Microsoft did not answer in time.
    #[error("Microsoft did not answer in time")]
    TimedOut,
    /// The answer is not a tenant's metadata, or tells no cloud that is known.
    #[error("the answer made no sense: {0}")]
    Nonsense(&'static str),
}

impl From<CallError> for DiscoveryError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TimedOut => Self::TimedOut,
            CallError::TooLarge => Self::Nonsense("larger than anything expected"),
            CallError::Redirected => Self::Nonsense("a redirect"),
            CallError::NotConnected(_)
            | CallError::Broken(_)
            | CallError::Unavailable(_)
            | CallError::Throttled { .. }
            | CallError::CircuitOpen { .. }
            | CallError::Request(_) => Self::Unreachable(error.into()),
        }
    }
}

impl DiscoveryError {
    /// After how long it makes sense to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}

impl Entra {
    /// Asks our own sign-in service where a tenant lives; remembered for hours. For the ids of tenants that signed a
    /// token, which are tenants of this cloud. What somebody typed is for [`Entra::find_tenant`] and
    /// [`Entra::named_tenant`], what a browser claims for [`Entra::claimed_tenant`].
    pub async fn tenant(&self, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        if let Some(known) = self.shared.known_tenants.get(tenant, Instant::now()) {
            return Ok(known);
        }
        let sign_in = &self.shared.transport.sign_in;
        let authority = &self.shared.authority;
        let metadata = ask(sign_in, authority, tenant, sign_in.deadline()).await?;
        let until = Instant::now() + KNOWN_FOR;
        self.shared
            .known_tenants
            .put(tenant.clone(), metadata.clone(), until);
        Ok(metadata)
    }

    /// The same for what somebody typed: it has a circuit breaker of its own, and unknown names are remembered too.
    pub async fn named_tenant(&self, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        self.unproven(tenant, &self.shared.transport.lookups).await
    }

    /// The same for a tenant that a browser claims to come from, with yet another circuit breaker.
    pub async fn claimed_tenant(
        &self,
        tenant: &TenantRef,
    ) -> Result<TenantMetadata, DiscoveryError> {
        self.unproven(tenant, &self.shared.transport.claims).await
    }

    /// Whether Microsoft says, now or within the last minutes, that there is no such tenant any more. Tenants practically
    /// never go, and whoever is sent to one that did meets a page that leads nowhere. Without an answer it is not gone.
    pub async fn is_gone(&self, tenant: Uuid) -> bool {
        let (name, now) = (TenantRef::Id(tenant), Instant::now());
        if let Some(gone) = self.shared.gone_tenants.get(&name, now) {
            return gone;
        }
        let lookups = &self.shared.transport.lookups;
        let answer = ask(lookups, &self.shared.authority, &name, lookups.deadline()).await;
        let gone = match answer {
            Ok(_) => false,
            Err(DiscoveryError::UnknownTenant) => true,
            Err(
                DiscoveryError::Ambiguous { .. }
                | DiscoveryError::NotOneTenant
                | DiscoveryError::Unreachable(_)
                | DiscoveryError::TimedOut
                | DiscoveryError::Nonsense(_),
            ) => return false,
        };
        self.shared.gone_tenants.put(name, gone, now + UNKNOWN_FOR);
        gone
    }

    /// Whether [`Entra::named_tenant`] has the answer without asking Microsoft.
    pub fn remembers_named_tenant(&self, tenant: &TenantRef) -> bool {
        self.remembered(tenant).is_some()
    }

    async fn unproven(
        &self,
        tenant: &TenantRef,
        service: &Service,
    ) -> Result<TenantMetadata, DiscoveryError> {
        if let Some(remembered) = self.remembered(tenant) {
            return remembered;
        }
        let answer = ask(service, &self.shared.authority, tenant, service.deadline()).await;
        let (remember, known_for) = match &answer {
            Ok(metadata) => (Some(metadata.clone()), KNOWN_FOR),
            Err(DiscoveryError::UnknownTenant) => (None, UNKNOWN_FOR),
            Err(
                DiscoveryError::Ambiguous { .. }
                | DiscoveryError::NotOneTenant
                | DiscoveryError::Unreachable(_)
                | DiscoveryError::TimedOut
                | DiscoveryError::Nonsense(_),
            ) => return answer,
        };
        let until = Instant::now() + known_for;
        self.shared
            .unproven_tenants
            .put(tenant.clone(), remember, until);
        answer
    }

    /// What is remembered of a tenant, and be it that there is none. Nothing that strangers ask about drives out what is
    /// remembered of tenants that sign tokens.
    fn remembered(&self, tenant: &TenantRef) -> Option<Result<TenantMetadata, DiscoveryError>> {
        let now = Instant::now();
        if let Some(known) = self.shared.known_tenants.get(tenant, now) {
            return Some(Ok(known));
        }
        let unproven = self.shared.unproven_tenants.get(tenant, now)?;
        Some(unproven.ok_or(DiscoveryError::UnknownTenant))
    }
}

/// Asks one login host for a tenant's metadata.
async fn ask(
    service: &Service,
    host: &Url,
    tenant: &TenantRef,
    deadline: Instant,
) -> Result<TenantMetadata, DiscoveryError> {
    if *tenant == TenantRef::Organizations {
        return Err(DiscoveryError::NotOneTenant);
    }
    let answer = service
        .get(&metadata_endpoint(host, tenant), deadline)
        .await?;
    read(answer.status, &answer.body, tenant)
}

#[derive(Deserialize)]
struct Document {
    issuer: Url,
    #[serde(flatten)]
    cloud: CloudFields,
}

fn read(status: u16, body: &[u8], asked: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
    match status {
        200 => {}
        // Microsoft says 400 `invalid_tenant` (AADSTS90002) for a tenant that it does not know.
        400 | 404 => return Err(DiscoveryError::UnknownTenant),
        _ => return Err(DiscoveryError::Nonsense("unexpected status")),
    }
    let document: Document = parse(body).ok_or(DiscoveryError::Nonsense("not OpenID metadata"))?;
    let tenant_id = first_segment(&document.issuer)
        .ok_or(DiscoveryError::Nonsense("the issuer names no tenant"))?;
    if let TenantRef::Id(id) = asked
        && *id != tenant_id
    {
        return Err(DiscoveryError::Nonsense("the metadata is another tenant's"));
    }
    let cloud = document
        .cloud
        .classify()
        .ok_or(DiscoveryError::Nonsense("the cloud is not a known one"))?;
    Ok(TenantMetadata {
        tenant_id,
        cloud,
        region: document.cloud.tenant_region_scope,
    })
}

/// The tenant in an issuer: its first path segment, which must be a GUID.
pub(crate) fn first_segment(issuer: &Url) -> Option<Uuid> {
    issuer
        .path_segments()?
        .next()
        .and_then(|segment| Uuid::try_parse(segment).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    fn document(issuer_tenant: &str) -> String {
        format!(
            r#"{{"issuer":"https://login.microsoftonline.com/{issuer_tenant}/v2.0","tenant_region_scope":"EU",
                "cloud_instance_name":"microsoftonline.com","msgraph_host":"graph.microsoft.com"}}"#
        )
    }

    #[test]
    fn the_issuer_tells_the_tenant() {
        let asked = TenantRef::parse("contoso.com").unwrap();
        let metadata = read(200, document(TENANT).as_bytes(), &asked).unwrap();
        assert_eq!(metadata.tenant_id.to_string(), TENANT);
        assert_eq!(metadata.cloud, CloudInstance::Worldwide);
    }

    #[test]
    fn a_success_alone_says_nothing() {
        let asked = TenantRef::Id(Uuid::nil());
        assert!(matches!(
            read(200, document(TENANT).as_bytes(), &asked),
            Err(DiscoveryError::Nonsense(_))
        ));
        assert!(matches!(
            read(200, document("{tenantid}").as_bytes(), &asked),
            Err(DiscoveryError::Nonsense(_))
        ));
        assert!(matches!(
            read(200, b"<html>", &asked),
            Err(DiscoveryError::Nonsense(_))
        ));
        assert!(matches!(
            read(302, b"", &asked),
            Err(DiscoveryError::Nonsense(_))
        ));
        assert!(matches!(
            read(400, b"", &asked),
            Err(DiscoveryError::UnknownTenant)
        ));
    }
}
