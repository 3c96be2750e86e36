//! The first segment of the path: one tenant, or any.

use crate::aadsts::{Aadsts, Code, Surface};
use crate::directory::{Directory, Tenant};
use crate::identifiers::TenantId;

/// Whom a request is addressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    /// One tenant, by GUID or domain.
    Tenant(TenantId),
    /// Any work or school tenant.
    Organizations,
    /// Any account at all.
    Common,
}

impl Authority {
    pub(crate) fn parse(
        directory: &Directory,
        segment: &str,
        surface: Surface,
    ) -> Result<Self, Aadsts> {
        match segment {
            "organizations" => Ok(Self::Organizations),
            "common" => Ok(Self::Common),
            name => directory
                .tenant_named(name)
                .map(|tenant| Self::Tenant(tenant.id))
                .ok_or_else(|| {
                    Code::InvalidTenantName
                        .error_on(surface)
                        .with_facts(&[("tenant", name)])
                }),
        }
    }

    /// As [`parse`](Self::parse), for signing in and for tokens: those only work in a tenant's own cloud.
    pub(crate) fn parse_in_this_cloud(
        directory: &Directory,
        segment: &str,
        surface: Surface,
    ) -> Result<Self, Aadsts> {
        let authority = Self::parse(directory, segment, surface)?;
        match authority.tenant(directory) {
            Some(tenant) if !tenant.cloud.is_worldwide() => {
                Err(Code::ConfidentialClientCrossCloud.error_on(surface))
            }
            Some(_) | None => Ok(authority),
        }
    }

    pub(crate) fn tenant(self, directory: &Directory) -> Option<&Tenant> {
        match self {
            Self::Tenant(id) => directory.tenants.get(&id),
            Self::Organizations | Self::Common => None,
        }
    }

    /// May members of this tenant sign in here?
    pub(crate) fn admits(self, tenant: TenantId) -> bool {
        match self {
            Self::Tenant(id) => id == tenant,
            Self::Organizations | Self::Common => true,
        }
    }
}
