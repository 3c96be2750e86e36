//! The addresses of Microsoft's endpoints, made by adding to the path of a base.

use url::Url;
use uuid::Uuid;

use crate::tenant::TenantRef;

/// `{base}/{segments…}`, whatever the base's own path.
pub(crate) fn extend_path(base: &Url, segments: &[&str]) -> Url {
    let mut address = base.clone();
    // Only addresses that cannot be a base fail here, and http(s) addresses always can.
    if let Ok(mut path) = address.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    address
}

/// `{authority}/{tenant}/{segments…}`.
pub(crate) fn tenant_endpoint(authority: &Url, tenant: &TenantRef, segments: &[&str]) -> Url {
    extend_path(&extend_path(authority, &[&tenant.to_string()]), segments)
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

/// The tenant in the address of an issuer: its first path segment, which must be a GUID.
pub(crate) fn tenant_of_issuer(issuer: &Url) -> Option<Uuid> {
    let first = issuer.path_segments()?.next()?;
    Uuid::try_parse(first).ok()
}
