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
    /// It adds to what was granted.
    Merge,
}

/// Whether Microsoft Graph finds a user's mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mailbox {
    /// In Exchange Online.
    #[default]
    Ok,
    /// On premises, inactive or not licensed: Graph cannot tell these apart.
    NotEnabled,
}

/// A member of a tenant.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    pub(crate) upn: String,
    pub(crate) roles: BTreeSet<Uuid>,
    pub(crate) mailbox: Mailbox,
    pub(crate) enabled: bool,
    /// Refresh tokens issued before this moment are dead.
    pub(crate) sessions_valid_from: i64,
}

/// An application's service principal in a tenant.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    /// The service principal's object id: what `oauth2PermissionGrants` calls `clientId`.
    pub(crate) id: ObjectId,
    pub(crate) enabled: bool,
    /// Application permissions that an administrator consented to.
    pub(crate) app_roles: BTreeSet<String>,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self {
            id: ObjectId::new_random(),
            enabled: true,
            app_roles: BTreeSet::new(),
        }
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
    pub(crate) second_consent: TenantConsent,
    /// Never granted, although somebody accepted: how a partial grant comes about.
    pub(crate) withheld_scopes: BTreeSet<String>,
    pub(crate) users: BTreeMap<ObjectId, User>,
    pub(crate) installations: BTreeMap<ClientId, Installation>,
    pub(crate) grants: Vec<Grant>,
    /// The object id of Microsoft Graph's own service principal here.
    pub(crate) graph: ObjectId,
}
