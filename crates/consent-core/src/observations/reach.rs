//! What a user can have of Microsoft without an administrator, by all that was observed.

use assent_domain::ids::{Epoch, Tenant};
use assent_domain::permissions::{Kinds, Permission, PermissionSet};
use assent_microsoft_identity::ScopeMap;

use super::{Approval, AttemptedConsent, Attempts, ConsentPolicies, approval};

/// A question to the users of one tenant, in one epoch of their company.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) scopes: &'a ScopeMap,
    pub(crate) policies: &'a ConsentPolicies,
    pub(crate) epoch: Epoch,
    /// Where it is known.
    pub(crate) tenant: Option<Tenant>,
    pub(crate) asked: PermissionSet,
}

impl Reach<'_> {
    /// Whether a user needs an administrator for a permission, by the tenant's own answers and Microsoft's default.
    pub(crate) fn approval(self, permission: Permission) -> Approval {
        approval(
            self.policies.policy(self.tenant),
            &self.scopes_of(permission),
        )
    }

    /// What users usually may not consent to.
    pub(crate) fn doubtful(self) -> Kinds {
        let asked = self.asked.kinds();
        asked
            .iter()
            .filter(|permission| self.approval(*permission) != Approval::NotNeeded)
            .collect()
    }

    /// What a login leaves out: what the tenant refuses its users, and what led this user nowhere.
    pub(crate) fn out_of_reach(self, attempts: &Attempts) -> Kinds {
        let asked = self.asked.kinds();
        asked
            .iter()
            .filter(|permission| {
                self.approval(*permission) == Approval::Required
                    || self.led_nowhere(attempts, *permission)
            })
            .collect()
    }

    /// Whether the user met a dead end with a permission, and nobody of the tenant was seen to get it since.
    pub(crate) fn led_nowhere(self, attempts: &Attempts, permission: Permission) -> bool {
        let scopes = self.scopes_of(permission);
        let policy = self.policies.policy(self.tenant);
        attempts.lead_nowhere(self.asked(), permission.into(), |moment| {
            policy.is_some_and(|policy| policy.is_open_since(&scopes, moment))
        })
    }

    /// It, as it is noted.
    pub(crate) fn asked(self) -> AttemptedConsent {
        AttemptedConsent {
            epoch: self.epoch,
            tenant: self.tenant.map(Into::into),
            permissions: self.asked,
        }
    }

    fn scopes_of(self, permission: Permission) -> Vec<String> {
        self.scopes
            .scopes_for(self.asked.only(Kinds::from_iter([permission])))
    }
}

#[cfg(test)]
mod tests;
