//! Microsoft's verified answer to an administrator's flow, while the administrator has not confirmed it here.

use assent_contract::values::Tenant;
use assent_domain::decide::administrator_consent::{FinishAdministratorConsent, ProofDemanded};
use assent_domain::event::Verification;
use assent_domain::ids::{AccountId, ConsentId, Epoch, ObjectId, RoleId, Scope, UserId};
use assent_domain::permissions::PermissionSet;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// All that is to be recorded. Nothing is missing of it: only an answer that could be recorded waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifiedConsent {
    /// The consent's name, given once: recording it a second time changes nothing.
    pub(crate) consent: Uuid,
    /// Where the administrator signed in.
    pub tenant: Tenant,
    /// The administrator.
    pub granted_by: Uuid,
    pub(crate) scopes: Vec<String>,
    roles: Vec<Uuid>,
    tenant_wide_grant: bool,
}

/// What was asked, of which this is the answer.
#[derive(Debug, Clone)]
pub(crate) struct RequestedConsent {
    pub(crate) account: AccountId,
    pub(crate) requested_by: UserId,
    pub(crate) begun_in: Epoch,
    pub(crate) permissions: PermissionSet,
}

impl VerifiedConsent {
    pub(crate) fn from_command(command: &FinishAdministratorConsent) -> Self {
        Self {
            consent: command.consent.0,
            tenant: command.tenant.into(),
            granted_by: command.granted_by.0,
            scopes: command.scopes.iter().map(|scope| scope.0.clone()).collect(),
            roles: command
                .verification
                .roles
                .iter()
                .map(|role| role.0)
                .collect(),
            tenant_wide_grant: command.verification.tenant_wide_grant,
        }
    }

    pub(crate) fn command(
        &self,
        asked: RequestedConsent,
        demanded: ProofDemanded,
    ) -> FinishAdministratorConsent {
        let tenant = self.tenant.into();
        FinishAdministratorConsent {
            account: asked.account,
            consent: ConsentId(self.consent),
            requested_by: asked.requested_by,
            begun_in: asked.begun_in,
            permissions: asked.permissions,
            expected_tenant: tenant,
            tenant,
            granted_by: ObjectId(self.granted_by),
            scopes: self.scopes.iter().cloned().map(Scope).collect(),
            missing_scopes: Vec::new(),
            verification: Verification {
                roles: self.roles.iter().copied().map(RoleId).collect(),
                tenant_wide_grant: self.tenant_wide_grant,
            },
            demanded,
        }
    }
}
