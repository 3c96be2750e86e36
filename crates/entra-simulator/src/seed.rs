//! What the simulator starts with, and what the control API may add: the same descriptions.

use std::collections::BTreeSet;

use serde::Deserialize;
use thiserror::Error;
use uuid::Uuid;

use crate::directory::{
    Application, CAPACITY, Certificate, CertificateError, Cloud, Directory, Installation, Mailbox,
    RedirectUriError, Revocations, Tenant, TenantConsent, User, check_redirect_uri,
};
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::policy::{self, ConsentPolicy};
use crate::random;
use crate::scopes;

/// Tenants and applications to start with, read from JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedDocument {
    #[serde(default)]
    pub(crate) tenants: Vec<TenantSpec>,
    #[serde(default)]
    pub(crate) applications: Vec<ApplicationSpec>,
}

/// Why a seed document could not be read.
#[derive(Debug, Error)]
#[error("the seed is not the JSON it should be")]
pub struct SeedDocumentError(#[source] serde_json::Error);

/// Why a tenant, user or application could not be added.
#[derive(Debug, Error)]
pub enum SeedError {
    /// Not a role template id, nor one of the four names.
    #[error("{0:?} is no directory role")]
    Role(String),
    /// Not a permission that Microsoft Graph has here.
    #[error("{0:?} is no delegated permission of Microsoft Graph")]
    Permission(String),
    /// Against Entra's rules for redirect URIs.
    #[error("redirect URI refused: {0}")]
    RedirectUri(String),
    /// The certificate cannot be used.
    #[error("certificate refused: {0}")]
    Certificate(String),
    /// No tenant of this name or GUID.
    #[error("there is no tenant {0:?}")]
    UnknownTenant(String),
    /// The GUID or the domain is taken.
    #[error("{0} is taken")]
    Taken(String),
    /// More than fits into memory.
    #[error("there are too many already")]
    Full,
}

impl From<RedirectUriError> for SeedError {
    fn from(error: RedirectUriError) -> Self {
        Self::RedirectUri(error.to_string())
    }
}

impl From<CertificateError> for SeedError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl SeedDocument {
    /// Reads a seed from JSON.
    pub fn parse(text: &str) -> Result<Self, SeedDocumentError> {
        serde_json::from_str(text).map_err(SeedDocumentError)
    }

    pub(crate) fn build(&self) -> Result<Directory, SeedError> {
        let mut directory = Directory::default();
        for tenant in &self.tenants {
            directory.add_tenant(tenant.build()?)?;
        }
        for application in &self.applications {
            directory.add_application(application)?;
        }
        Ok(directory)
    }
}

/// A user to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserSpec {
    pub(crate) id: Option<ObjectId>,
    pub(crate) name: String,
    pub(crate) upn: String,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(default)]
    pub(crate) mailbox: Mailbox,
    /// Who authenticates a guest.
    #[serde(default)]
    pub(crate) idp: Option<String>,
}

impl UserSpec {
    pub(crate) fn named(name: &str, upn: &str) -> Self {
        Self {
            id: None,
            name: name.to_owned(),
            upn: upn.to_owned(),
            roles: Vec::new(),
            mailbox: Mailbox::Ok,
            idp: None,
        }
    }

    pub(crate) fn build(&self) -> Result<User, SeedError> {
        Ok(User {
            id: self.id.unwrap_or_else(ObjectId::new_random),
            name: self.name.clone(),
            upn: self.upn.clone(),
            roles: parse_roles(&self.roles)?,
            mailbox: self.mailbox,
            idp: self.idp.clone(),
            enabled: true,
            revoked: Revocations::default(),
        })
    }
}

pub(crate) fn parse_roles(names: &[String]) -> Result<BTreeSet<Uuid>, SeedError> {
    names
        .iter()
        .map(|name| policy::role(name).ok_or_else(|| SeedError::Role(name.clone())))
        .collect()
}

pub(crate) fn parse_permissions(names: &[String]) -> Result<BTreeSet<String>, SeedError> {
    names
        .iter()
        .map(|name| {
            scopes::canonical(name)
                .map(str::to_owned)
                .ok_or_else(|| SeedError::Permission(name.clone()))
        })
        .collect()
}

/// A tenant to create, with its people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantSpec {
    pub(crate) id: Option<TenantId>,
    pub(crate) name: String,
    pub(crate) domain: String,
    #[serde(default)]
    pub(crate) cloud: Cloud,
    #[serde(default)]
    pub(crate) policy: ConsentPolicy,
    /// Where it says nothing: signing in.
    pub(crate) low_permissions: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) admin_consent_workflow: bool,
    #[serde(default)]
    pub(crate) tenant_consent: TenantConsent,
    #[serde(default)]
    pub(crate) withheld_scopes: Vec<String>,
    #[serde(default)]
    pub(crate) users: Vec<UserSpec>,
}

impl TenantSpec {
    pub(crate) fn named(name: &str, domain: &str, users: Vec<UserSpec>) -> Self {
        Self {
            id: None,
            name: name.to_owned(),
            domain: domain.to_owned(),
            cloud: Cloud::Commercial,
            policy: ConsentPolicy::Managed,
            low_permissions: None,
            admin_consent_workflow: false,
            tenant_consent: TenantConsent::Replace,
            withheld_scopes: Vec::new(),
            users,
        }
    }

    pub(crate) fn build(&self) -> Result<Tenant, SeedError> {
        let users: Result<Vec<User>, SeedError> = self.users.iter().map(UserSpec::build).collect();
        Ok(Tenant {
            id: self.id.unwrap_or_else(TenantId::new_random),
            name: self.name.clone(),
            domains: vec![self.domain.clone()],
            cloud: self.cloud,
            policy: self.policy,
            low_permissions: match &self.low_permissions {
                Some(names) => parse_permissions(names)?,
                None => policy::basic_sign_in(),
            },
            admin_consent_workflow: self.admin_consent_workflow,
            second_consent: self.tenant_consent,
            sign_in_frequency: None,
            withheld_scopes: parse_permissions(&self.withheld_scopes)?,
            users: users?.into_iter().map(|user| (user.id, user)).collect(),
            installations: std::collections::BTreeMap::new(),
            grants: Vec::new(),
            graph: ObjectId::new_random(),
        })
    }
}

/// An application to register.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent switches of a registration"
)]
pub(crate) struct ApplicationSpec {
    pub(crate) client_id: Option<ClientId>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    /// Empty: one is made up.
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    /// Good once, and refused as expired now.
    #[serde(default)]
    pub(crate) expired_secrets: Vec<String>,
    #[serde(default)]
    pub(crate) certificates: Vec<String>,
    #[serde(default)]
    pub(crate) delegated_permissions: Vec<String>,
    #[serde(default)]
    pub(crate) application_permissions: Vec<String>,
    /// Tenants in which its service principal exists from the start.
    #[serde(default)]
    pub(crate) installed_in: Vec<String>,
    #[serde(default = "yes")]
    pub(crate) emit_wids: bool,
    #[serde(default = "yes")]
    pub(crate) require_pkce: bool,
    #[serde(default = "yes")]
    pub(crate) publisher_verified: bool,
    #[serde(default)]
    pub(crate) risky: bool,
}

fn yes() -> bool {
    true
}

impl std::fmt::Debug for ApplicationSpec {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ApplicationSpec")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Directory {
    pub(crate) fn add_tenant(&mut self, tenant: Tenant) -> Result<TenantId, SeedError> {
        let id = tenant.id;
        let taken = tenant
            .domains
            .iter()
            .find(|domain| self.tenant_named(domain).is_some());
        if let Some(domain) = taken {
            return Err(SeedError::Taken(domain.clone()));
        }
        if self.tenants.contains_key(&id) {
            return Err(SeedError::Taken(id.to_string()));
        }
        if self.tenants.len() >= CAPACITY {
            return Err(SeedError::Full);
        }
        self.tenants.insert(id, tenant);
        Ok(id)
    }

    pub(crate) fn add_user(&mut self, tenant: TenantId, user: User) -> Result<ObjectId, SeedError> {
        let id = user.id;
        if self.member(id).is_some() {
            return Err(SeedError::Taken(id.to_string()));
        }
        let tenant = self
            .tenants
            .get_mut(&tenant)
            .ok_or_else(|| SeedError::UnknownTenant(tenant.to_string()))?;
        if tenant.users.len() >= CAPACITY {
            return Err(SeedError::Full);
        }
        tenant.users.insert(id, user);
        Ok(id)
    }

    pub(crate) fn add_application(
        &mut self,
        spec: &ApplicationSpec,
    ) -> Result<ClientId, SeedError> {
        let client_id = spec.client_id.unwrap_or_else(ClientId::new_random);
        if self.applications.contains_key(&client_id) {
            return Err(SeedError::Taken(client_id.to_string()));
        }
        if self.applications.len() >= CAPACITY {
            return Err(SeedError::Full);
        }
        for uri in &spec.redirect_uris {
            check_redirect_uri(uri)?;
        }
        let certificates: Result<Vec<Certificate>, CertificateError> = spec
            .certificates
            .iter()
            .map(|text| Certificate::parse(text))
            .collect();
        let given = [&spec.secrets, &spec.expired_secrets, &spec.certificates];
        let secrets = if given.iter().all(|given| given.is_empty()) {
            vec![random::secret("simulator-only-")]
        } else {
            spec.secrets.clone()
        };
        let application = Application {
            client_id,
            name: spec.name.clone(),
            redirect_uris: spec.redirect_uris.iter().cloned().collect(),
            secrets,
            expired_secrets: spec.expired_secrets.clone(),
            certificates: certificates?,
            delegated_permissions: parse_permissions(&spec.delegated_permissions)?,
            app_roles: spec.application_permissions.iter().cloned().collect(),
            emit_wids: spec.emit_wids,
            require_pkce: spec.require_pkce,
            publisher_verified: spec.publisher_verified,
            risky: spec.risky,
        };
        let mut homes = Vec::new();
        for name in &spec.installed_in {
            let tenant = self
                .tenant_named(name)
                .ok_or_else(|| SeedError::UnknownTenant(name.clone()))?;
            homes.push(tenant.id);
        }
        for home in homes {
            if let Some(tenant) = self.tenants.get_mut(&home) {
                tenant.installations.insert(client_id, Installation::new());
            }
        }
        self.applications.insert(client_id, application);
        Ok(client_id)
    }
}
