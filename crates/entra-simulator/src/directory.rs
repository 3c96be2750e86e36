//! The directory: tenants with their people, the applications, and who granted what to which. Pure.

mod application;
mod consent;
mod grant;
mod tenant;

use std::collections::BTreeMap;

pub(crate) use application::{
    Application, Certificate, CertificateError, RedirectUriError, check_redirect_uri,
};
pub(crate) use grant::{ConsentType, Grant};
pub(crate) use tenant::{Cloud, Installation, Mailbox, Revocations, Tenant, TenantConsent, User};

use crate::identifiers::{ClientId, ObjectId, TenantId};

/// More tenants or applications than this are refused: everything lives in memory.
pub(crate) const CAPACITY: usize = 1_000;

/// Everything that Entra would keep in its directories.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) tenants: BTreeMap<TenantId, Tenant>,
    pub(crate) applications: BTreeMap<ClientId, Application>,
}

impl Directory {
    /// A tenant by GUID or by one of its domains.
    pub(crate) fn tenant_named(&self, name: &str) -> Option<&Tenant> {
        let id = uuid::Uuid::parse_str(name).ok().map(TenantId);
        self.tenants.values().find(|tenant| {
            Some(tenant.id) == id
                || tenant
                    .domains
                    .iter()
                    .any(|domain| domain.eq_ignore_ascii_case(name))
        })
    }

    pub(crate) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications
            .get(&ClientId(uuid::Uuid::parse_str(client_id).ok()?))
    }

    /// The tenant a user is a member of, and the user.
    pub(crate) fn member(&self, user: ObjectId) -> Option<(&Tenant, &User)> {
        self.tenants
            .values()
            .find_map(|tenant| Some((tenant, tenant.users.get(&user)?)))
    }
}
