//! What the login hook and operators ask of the gateway over NATS.
//!
//! A gateway that is older than who asks ignores the fields that it does not know. So a new field
//! may say more, but not restrict: what must not be done without it is another command.

use std::{fmt, mem};

use assent_domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroize as _;

use crate::operation::VoidRecord;
use crate::values::{Id, Permission, PermissionSet, PersonId, Tenant, known_kinds, text};

/// `consent.command.v1.record-automatic-grant`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordAutomaticGrant {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// The consent that the login hook decided on.
    pub consent_id: Uuid,
    /// What the host application wants for this user.
    pub permissions: PermissionSet,
    /// The tenant of the verified sign-in.
    pub tenant: Tenant,
    /// The person of the verified sign-in.
    pub object_id: Uuid,
    /// Whether that is a guest of the tenant.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_guest: bool,
    /// An access token for Microsoft Graph that came with the sign-in: used once, to look where the mailbox is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph_token: Option<Sensitive>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// A text that is sent and never shown, and zeroed when it goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Sensitive(pub String);

impl Sensitive {
    /// The text, for whoever keeps it in something that zeroes it, too.
    pub fn into_text(mut self) -> String {
        mem::take(&mut self.0)
    }
}

impl Drop for Sensitive {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(..)")
    }
}

/// The grant is on the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AutomaticGrantRecorded {
    /// What is effective for the user from now on.
    pub effective: PermissionSet,
    /// The user's last event.
    pub sequence: u64,
}

/// `consent.command.v1.begin-user-consent`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeginUserConsent {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// What to ask Microsoft for.
    #[serde(deserialize_with = "known_kinds")]
    pub permissions: Vec<Permission>,
    /// Whom the flow expects, from a verified sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microsoft_identity: Option<ExpectedIdentity>,
    /// By what name Microsoft's sign-in page knows that person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<Sensitive>,
    /// By the log the user has answered about these. The flow is begun only if that was as another Microsoft identity, and
    /// else refused as `already_answered`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unless_answered: bool,
    /// Where the browser goes afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<String>,
}

/// The answer to [`BeginUserConsent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserConsentBegun {
    /// The flow.
    pub flow_id: Uuid,
    /// Where to send the browser.
    pub authorize_url: String,
    /// When the flow ends unanswered.
    pub expires_at: Timestamp,
    /// What Microsoft will ask for.
    #[serde(deserialize_with = "known_kinds")]
    pub permissions: Vec<Permission>,
    /// What was left out, because this user or this tenant is known to need an administrator for it.
    #[serde(deserialize_with = "known_kinds")]
    pub needs_approval: Vec<Permission>,
}

/// `consent.command.v1.begin-connection`: a passage through Microsoft that shows no page (`prompt=none`). It never asks
/// for more than is effective, or than the consent allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeginConnection {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// What it is for.
    pub purpose: ConnectionPurpose,
    /// Whom it has to meet at Microsoft, from a verified sign-in.
    pub microsoft_identity: ExpectedIdentity,
    /// By what name Microsoft's sign-in page knows that person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<Sensitive>,
    /// Where the browser goes afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<String>,
}

/// What a passage without a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ConnectionPurpose {
    /// A refresh token for what is effective.
    Custody,
    /// Finding out whether an administrator's consent that was withdrawn lives again. Where it does, what it gives this
    /// user is recorded.
    Restoration {
        /// The consent in force.
        consent_id: Uuid,
        /// What the host application wants for this user.
        permissions: PermissionSet,
    },
}

/// `consent.command.v1.record-withdrawal`: never refused; nothing is recorded where nothing was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordWithdrawal {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// What is gone.
    #[serde(deserialize_with = "known_kinds")]
    pub permissions: Vec<Permission>,
    /// Whose mailbox it is gone for: nothing is recorded where the grants are of another by now.
    pub microsoft_identity: PersonId,
    /// How much of the log was known when Microsoft was asked, as a sequence: where the user has a later event, nothing is
    /// recorded, for it may be a yes that was given since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
    /// How it is known.
    pub evidence: Evidence,
}

/// How a withdrawal is known. It goes into the gateway's log line and, where an administrator's consent is dead, into
/// what is noted about that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Whether only this user is concerned, or the application is gone from the whole tenant.
    pub reach: Reach,
    /// The OAuth error, such as `invalid_grant`.
    pub error: String,
    /// Microsoft's refinement of it, such as `consent_required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suberror: Option<String>,
    /// The number of `AADSTS...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// For Microsoft's support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Uuid>,
    /// The host's service that met it with a token of its own, where Microsoft was not asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<String>,
}

/// Whom a withdrawal concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// One user.
    User,
    /// Everybody in the tenant.
    Tenant,
}

impl Reach {
    /// As the wire says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Tenant => "tenant",
        }
    }
}

/// The answer to [`RecordWithdrawal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WithdrawalRecorded {
    /// What was recorded by this command; empty where nothing was granted any more.
    #[serde(deserialize_with = "known_kinds")]
    pub recorded: Vec<Permission>,
    /// The user's last event.
    pub sequence: u64,
}

/// `consent.command.v1.void-message`: a message of the log that is no event is to be passed over.
/// Refused with a field that the gateway does not know: what an operator says is carried out as a
/// whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidMessage {
    /// The message's place in the log.
    pub sequence: u64,
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// Who says so; "operator" if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

/// The answer to [`VoidMessage`]: the message is void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageVoided {
    /// What is recorded about it.
    pub record: VoidRecord,
    /// Whether it was void before: then the record is that of the first who said so.
    pub already: bool,
}

/// The person whom a flow expects at Microsoft.
pub type ExpectedIdentity = PersonId;

/// A flow has begun: send the browser to `authorize_url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowStarted {
    /// The flow.
    pub flow_id: Uuid,
    /// Where to send the browser.
    #[schema(format = Uri)]
    pub authorize_url: String,
    /// When the flow ends unanswered.
    pub expires_at: Timestamp,
}
