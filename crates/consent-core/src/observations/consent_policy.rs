//! What the users of a tenant may consent to themselves.
//!
//! Microsoft never tells a tenant's policy to an application like ours. It shows in its answers: what a user got
//! without an administrator is open, what was refused for want of one is closed. Where a tenant has not answered yet,
//! Microsoft's own default is the best guess. The newest answer counts, for policies change.

use std::collections::BTreeMap;

use assent_contract::words::Approval;
use assent_domain::ids::Tenant;
use assent_microsoft_identity::is_open_to_users_by_default;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A company has one tenant; some have two or three.
const MOST_TENANTS: usize = 8;

/// The policies of a company's tenants, by cloud and id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsentPolicies {
    tenants: BTreeMap<String, ConsentPolicy>,
}

/// What one tenant's answers say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsentPolicy {
    /// By scope, spelled as it is configured.
    scopes: BTreeMap<String, ScopeAnswer>,
    /// What an administrator was last seen to have granted for everybody. A new consent for everybody can drop it, so
    /// it is asked for again with the next one.
    #[serde(default)]
    tenant_wide: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct ScopeAnswer {
    verdict: ScopePolicy,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopePolicy {
    /// A user got it.
    Open,
    /// A user was refused it.
    Closed,
}

impl ConsentPolicies {
    /// The policy for a user of this tenant; where the tenant is not known, that of the only tenant there is.
    pub(crate) fn policy(&self, tenant: Option<Tenant>) -> Option<&ConsentPolicy> {
        match tenant {
            Some(tenant) => self.tenants.get(&key(tenant)),
            None if self.tenants.len() == 1 => self.tenants.values().next(),
            None => None,
        }
    }

    /// A policy, to learn more of it.
    pub(crate) fn policy_mut(&mut self, tenant: Tenant) -> &mut ConsentPolicy {
        let key = key(tenant);
        if !self.tenants.contains_key(&key) && self.tenants.len() >= MOST_TENANTS {
            self.tenants.pop_first();
        }
        self.tenants.entry(key).or_default()
    }
}

impl ConsentPolicy {
    /// Somebody has these now, so they lead into no dead end.
    pub(crate) fn note_granted(&mut self, scopes: &[String], at: Timestamp) {
        self.learn(scopes.iter(), ScopePolicy::Open, at);
    }

    /// A user who asked for these needs an administrator. Microsoft does not say for which of them: those that its
    /// default closes, or all where it closes none, for then the tenant lets its users consent to nothing.
    pub(crate) fn refused(&mut self, asked: &[String], at: Timestamp) {
        let closed: Vec<&String> = asked
            .iter()
            .filter(|scope| !is_open_to_users_by_default(scope))
            .collect();
        if closed.is_empty() {
            self.learn(asked.iter(), ScopePolicy::Closed, at);
        } else {
            self.learn(closed.into_iter(), ScopePolicy::Closed, at);
        }
    }

    /// An administrator granted these for everybody.
    pub(crate) fn granted_for_everybody(&mut self, scopes: Vec<String>) {
        self.tenant_wide = scopes;
    }

    /// What an administrator had granted for everybody.
    pub(crate) fn tenant_wide(&self) -> &[String] {
        &self.tenant_wide
    }

    fn learn<'a>(
        &mut self,
        scopes: impl Iterator<Item = &'a String>,
        verdict: ScopePolicy,
        at: Timestamp,
    ) {
        for scope in scopes {
            self.scopes
                .insert(scope.clone(), ScopeAnswer { verdict, at });
        }
    }

    /// Whether every one of these was had by somebody after a moment.
    pub(crate) fn is_open_since(&self, scopes: &[String], moment: Timestamp) -> bool {
        let is_open_since =
            |answer: &ScopeAnswer| answer.verdict == ScopePolicy::Open && moment <= answer.at;
        scopes
            .iter()
            .all(|scope| self.scopes.get(scope).is_some_and(is_open_since))
    }
}

/// Whether a user needs an administrator for a permission that stands for these scopes.
pub(crate) fn approval(policy: Option<&ConsentPolicy>, scopes: &[String]) -> Approval {
    let verdict = |scope: &String| policy?.scopes.get(scope).map(|answer| answer.verdict);
    let needs = scopes.iter().map(|scope| match verdict(scope) {
        Some(ScopePolicy::Closed) => Approval::Required,
        Some(ScopePolicy::Open) => Approval::NotNeeded,
        None if is_open_to_users_by_default(scope) => Approval::NotNeeded,
        None => Approval::Likely,
    });
    needs.fold(Approval::NotNeeded, |all, one| match (all, one) {
        (Approval::Required, _) | (_, Approval::Required) => Approval::Required,
        (Approval::Likely, _) | (_, Approval::Likely) => Approval::Likely,
        (Approval::NotNeeded, Approval::NotNeeded) => Approval::NotNeeded,
    })
}

fn key(tenant: Tenant) -> String {
    let cloud = assent_contract::values::Cloud::from(tenant.cloud);
    format!("{}:{}", cloud.as_str(), tenant.id)
}

#[cfg(test)]
mod tests;
