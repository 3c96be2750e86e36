//! A tenant: a cloud, a consent policy, people, the service principals of the applications, and the grants.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::grant::Grant;
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::policy::ConsentPolicy;

/// Which of Microsoft's clouds a tenant lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cloud {
    /// The worldwide cloud.
    #[default]
    Commercial,
    /// US government customers on the worldwide endpoints.
    Gcc,
    /// US government, GCC High.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Does it answer at the worldwide sign-in host, which is the one that we play?
    pub(crate) fn is_worldwide(self) -> bool {
        match self {
            Self::Commercial | Self::Gcc => true,
            Self::GccHigh | Self::Dod | Self::China => false,
        }
    }
}

/// What a second consent for the whole organisation does to the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TenantConsent {
    /// Microsoft warns that it "may revoke permissions that have already been granted": here it always does.
    #[default]
    Replace,
    /// The second consent adds to what was granted.
    Merge,
}

/// Where a user's mailbox is, if anywhere. Graph finds the first kind, and has one answer for all the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mailbox {
    /// In Exchange Online.
    #[default]
    Ok,
    /// Not to be had, and nothing tells why.
    NotEnabled,
    /// On an Exchange server of the company's own.
    OnPremises,
    /// There is none, for want of a licence.
    Unlicensed,
    /// Soft-deleted or inactive.
    Gone,
}

/// A member of a tenant, or a guest.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    pub(crate) upn: String,
    pub(crate) roles: BTreeSet<Uuid>,
    pub(crate) mailbox: Mailbox,
    /// Who authenticates a guest, as ID tokens name it. `None` is the tenant itself: a member.
    pub(crate) idp: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) revoked: Revocations,
}

/// What of a person's is dead, by the moment before which it came about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Revocations {
    /// Being signed in in a browser.
    pub(crate) browser_sessions: u64,
    /// Refresh tokens of applications that have a credential of their own.
    pub(crate) refresh_tokens: u64,
    /// Access tokens whose holders told that they can be challenged.
    pub(crate) continuous_access: u64,
    /// Not dead, but not enough: whoever signed in before has to show a second factor.
    pub(crate) single_factor: u64,
}

/// An application's service principal in a tenant.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    /// The service principal's object id: what `oauth2PermissionGrants` calls `clientId`.
    pub(crate) id: ObjectId,
    pub(crate) enabled: bool,
    /// Application permissions that an administrator consented to.
    pub(crate) app_roles: BTreeSet<String>,
    /// "Assignment required": only those assigned may use it, and only administrators may consent to it.
    pub(crate) assignment_required: bool,
    pub(crate) assigned: BTreeSet<ObjectId>,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self {
            id: ObjectId::new_random(),
            enabled: true,
            app_roles: BTreeSet::new(),
            assignment_required: false,
            assigned: BTreeSet::new(),
        }
    }

    /// May this person use the application at all?
    pub(crate) fn admits(&self, user: ObjectId) -> bool {
        !self.assignment_required || self.assigned.contains(&user)
    }
}

/// A tenant and everything in it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) domains: Vec<String>,
    pub(crate) cloud: Cloud,
    pub(crate) policy: ConsentPolicy,
    /// What the tenant classified as low impact.
    pub(crate) low_permissions: BTreeSet<String>,
    /// Whether people who may not consent can ask an administrator on the spot.
    pub(crate) admin_consent_workflow: bool,
    pub(crate) second_consent: TenantConsent,
    /// Conditional Access, sign-in frequency: after so many seconds everybody has to sign in again.
    pub(crate) sign_in_frequency: Option<u32>,
    /// Never granted, although somebody accepted: how a partial grant comes about.
    pub(crate) withheld_scopes: BTreeSet<String>,
    pub(crate) users: BTreeMap<ObjectId, User>,
    pub(crate) installations: BTreeMap<ClientId, Installation>,
    pub(crate) grants: Vec<Grant>,
    /// The object id of Microsoft Graph's own service principal here.
    pub(crate) graph: ObjectId,
}
