//! What the projection tells on `consent.changes.v1.…` after it applied an event.

use assent_domain::ids::{AccountId, UserId};
use serde::{Deserialize, Serialize};

use crate::values::{Method, PermissionSet, optional_text, text};

/// The account or the user is different from now on. A change of method is one message
/// for the company, not one for each user: it turns everything off for everyone in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The account.
    #[serde(with = "text")]
    pub account_id: AccountId,
    /// The user; absent where the company itself changed.
    #[serde(
        default,
        with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub user_id: Option<UserId>,
    /// The company's authorization method.
    pub method: Method,
    /// What may be done for the user now; absent where the company itself changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<PermissionSet>,
    /// The event that made the change.
    pub sequence: u64,
}
