//! Delegated permission grants: for everybody in the tenant, or for one person.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::identifiers::{ClientId, ObjectId};

/// For whom a grant holds, spelled as Microsoft Graph spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConsentType {
    /// An administrator granted it for everybody.
    AllPrincipals,
    /// One user granted it for their own account.
    Principal,
}

/// An `oAuth2PermissionGrant`.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) client: ClientId,
    /// `None`: for all principals.
    pub(crate) principal: Option<ObjectId>,
    pub(crate) scopes: BTreeSet<String>,
}

impl Grant {
    pub(crate) fn consent_type(&self) -> ConsentType {
        match self.principal {
            None => ConsentType::AllPrincipals,
            Some(_) => ConsentType::Principal,
        }
    }
}
