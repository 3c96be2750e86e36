//! What is sent and answered over HTTP.

use assent_contract::allowed::Allowed;
use assent_contract::command::Sensitive;
use assent_contract::custody::TokenAnswer;
use assent_contract::values::{Permission, PermissionSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::report::Reported;

/// `POST .../tokens`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenRequest, description = "Which token is wanted.")]
pub(super) struct WantedBody {
    /// What is about to be synced.
    pub(super) permission: Permission,
    /// How long the token has to last at least, in seconds. One that Microsoft gave just now is handed out in any case.
    #[schema(minimum = 0, maximum = 3000, default = 300)]
    pub(super) minimum_seconds: Option<u32>,
    /// The Assent-Sequence of a write that the answer has to reflect.
    #[schema(maximum = 18_446_744_073_709_551_615_usize)]
    pub(super) at_least: Option<u64>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token, description = "An access token for Microsoft Graph.")]
// Nothing is read; the description says by it that there are no other fields.
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    /// The token.
    #[schema(value_type = String)]
    access_token: Sensitive,
    /// Bearer.
    token_type: String,
    /// When it ends.
    expires_at: Timestamp,
    /// What Microsoft says that it can do, in short names, separated by spaces. It may be more than the permission needs.
    scope: String,
    /// Whose tenant.
    tenant_id: Uuid,
    /// Whose mailbox.
    object_id: Uuid,
    /// What may be done for the user.
    effective: PermissionSet,
    /// What `effective` allows, as a list.
    allowed: Allowed,
    /// When Microsoft last said yes.
    verified_at: Timestamp,
    /// How much of the log the answer reflects.
    sequence: u64,
}

impl From<TokenAnswer> for TokenBody {
    fn from(token: TokenAnswer) -> Self {
        Self {
            access_token: token.access_token,
            token_type: token.token_type,
            expires_at: token.expires_at,
            scope: token.scope,
            tenant_id: token.tenant_id,
            object_id: token.object_id,
            effective: token.effective,
            allowed: token.allowed,
            verified_at: token.verified_at,
            sequence: token.sequence,
        }
    }
}

/// `POST .../withdrawals`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WithdrawalReport, description = "What Microsoft answered to a service with a token of its own.")]
pub(super) struct ReportBody {
    /// The OAuth error, such as invalid_grant.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_.-]+$")]
    pub(super) error: String,
    /// Microsoft's refinement of it, such as consent_required.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_.-]+$")]
    pub(super) suberror: Option<String>,
    /// The number of AADSTS.
    pub(super) code: Option<u32>,
}

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WithdrawalReported, description = "What became of a report.")]
#[serde(deny_unknown_fields)]
pub(super) struct ReportedBody {
    /// Whether Microsoft was asked: only where a refresh token is held.
    checked: bool,
    /// What was recorded as withdrawn.
    recorded: Vec<Permission>,
}

impl From<Reported> for ReportedBody {
    fn from(reported: Reported) -> Self {
        Self {
            checked: reported.checked,
            recorded: reported
                .recorded
                .into_iter()
                .map(Permission::from)
                .collect(),
        }
    }
}
