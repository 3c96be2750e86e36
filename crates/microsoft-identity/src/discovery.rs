//! What Microsoft publishes about a tenant: its id and its cloud.
//!
//! It is unauthenticated public data about a name that somebody typed: it says where to send the browser, it proves
//! nothing about who that somebody is.

mod find;

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::client::Entra;
use crate::cloud::CloudFields;
use crate::endpoints::{metadata_endpoint, tenant_of_issuer};
use crate::tenant::TenantRef;
use crate::tenant_metadata::{DiscoveryError, TenantMetadata};
use crate::transport::{Service, parse};

/// Tenants practically never move between clouds.
const KNOWN_FOR: Duration = Duration::from_hours(6);

/// Somebody may be about to create a tenant, or to register a domain.
const UNKNOWN_FOR: Duration = Duration::from_mins(5);

impl Entra {
    /// Asks our own sign-in service where a tenant lives; remembered for hours. For the ids of tenants that signed a
    /// token, which are tenants of this cloud. What somebody typed is for [`Entra::find_tenant`] and
    /// [`Entra::named_tenant`], what a browser claims for [`Entra::claimed_tenant`].
    ///
    /// Who asks for a tenant that is being asked for shares the answer, and the question goes on though nobody waits for
    /// it any more: the answer is for later logins too.
    pub async fn tenant(&self, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        if let Some(known) = self.shared.known_tenants.get(tenant, Instant::now()) {
            return Ok(known);
        }
        let lookup = self.shared.tenant_lookups.join_or(tenant, || {
            let (entra, tenant) = (self.clone(), tenant.clone());
            async move { entra.look_up_tenant(&tenant).await }
        });
        lookup.await
    }

    async fn look_up_tenant(&self, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        let known_tenants = &self.shared.known_tenants;
        // A lookup that somebody else began may have ended a moment ago.
        if let Some(known) = known_tenants.get(tenant, Instant::now()) {
            return Ok(known);
        }
        let sign_in = &self.shared.transport.sign_in;
        let metadata = ask(sign_in, &self.shared.authority, tenant, sign_in.deadline()).await?;
        let until = Instant::now() + KNOWN_FOR;
        known_tenants.put(tenant.clone(), metadata, until);
        Ok(metadata)
    }

    /// Asks where a tenant lives that somebody typed, through a circuit breaker of its own. That there is no such tenant is
    /// remembered, too.
    pub async fn named_tenant(&self, tenant: &TenantRef) -> Result<TenantMetadata, DiscoveryError> {
        self.unproven(tenant, &self.shared.transport.lookups).await
    }

    /// Asks where a tenant lives that a browser claims to come from, through yet another circuit breaker.
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
        let Ok(found) = found_or_unknown(answer) else {
            return false;
        };
        let gone = found.is_none();
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
        let found = found_or_unknown(answer)?;
        let known_for = found.map_or(UNKNOWN_FOR, |_| KNOWN_FOR);
        let until = Instant::now() + known_for;
        self.shared
            .unproven_tenants
            .put(tenant.clone(), found, until);
        found.ok_or(DiscoveryError::UnknownTenant)
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

/// The answers that may be remembered: a tenant, or that there is none.
fn found_or_unknown(
    answer: Result<TenantMetadata, DiscoveryError>,
) -> Result<Option<TenantMetadata>, DiscoveryError> {
    match answer {
        Ok(metadata) => Ok(Some(metadata)),
        Err(DiscoveryError::UnknownTenant) => Ok(None),
        Err(error) => Err(error),
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
    let tenant_id = tenant_of_issuer(&document.issuer)
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
    Ok(TenantMetadata { tenant_id, cloud })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::CloudInstance;

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
