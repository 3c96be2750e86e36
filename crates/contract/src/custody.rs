//! Access tokens for sync workers, and what the token broker holds.
//!
//! Tokens travel as [`Sensitive`]: sent, never shown.

use assent_domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::allowed::Allowed;
use crate::command::Sensitive;
use crate::values::{Id, Permission, PermissionSet, PersonId, text};

/// `consent.token.v1.get`: asks for an access token that can do what a permission allows. Over HTTP the ids stand in the
/// path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// What the worker is about to sync.
    pub permission: Permission,
    /// How long the token has to last at least, in seconds: 0 to 3000, 300 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 3000)]
    pub minimum_seconds: Option<u32>,
    /// The write that the answer has to reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// An access token, while the permission is effective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// For Microsoft Graph.
    #[schema(value_type = String)]
    pub access_token: Sensitive,
    /// `Bearer`.
    pub token_type: String,
    /// When the token ends. It can't be recalled before.
    pub expires_at: Timestamp,
    /// What Microsoft says that the token can do, in short names, separated by spaces. It may be more than was asked for.
    pub scope: String,
    /// Whose tenant.
    pub tenant_id: Uuid,
    /// Whose mailbox.
    pub object_id: Uuid,
    /// What may be done for the user.
    pub effective: PermissionSet,
    /// What `effective` allows, as a list.
    pub allowed: Allowed,
    /// When Microsoft last said yes.
    pub verified_at: Timestamp,
    /// How much of the log the answer reflects.
    pub sequence: u64,
}

/// `consent.custody.v1.status`: asks what is held of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustodyQuery {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
}

/// What the broker holds of a user, and what it has handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustodyStatus {
    /// The refresh token; null where none is held.
    pub held: Option<HeldToken>,
    /// The access tokens last handed out, by permission; those that ended long ago are left out.
    pub handed_out: Vec<HandedOut>,
}

/// A refresh token in custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldToken {
    /// Of whose mailbox it is.
    pub microsoft_identity: PersonId,
    /// When it came.
    pub since: Timestamp,
    /// When Microsoft last said yes to it.
    pub verified_at: Timestamp,
    /// Microsoft wants the user to sign in again before it can be used.
    #[serde(default)]
    pub reauthentication_required: bool,
}

/// Until when the access tokens last that cover a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandedOut {
    /// The permission.
    pub permission: Permission,
    /// When such a token was last handed out.
    pub last_at: Timestamp,
    /// When the last of them ends.
    pub expires_at: Timestamp,
}

/// `consent.custody.v1.deposit`: a refresh token that came with a verified sign-in. The broker tries it at Microsoft
/// before it believes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deposit {
    /// The user's company.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub account_id: AccountId,
    /// The user.
    #[serde(with = "text")]
    #[schema(value_type = Id)]
    pub user_id: UserId,
    /// Who signed in.
    pub microsoft_identity: PersonId,
    /// The token.
    pub refresh_token: Sensitive,
    /// The write from which on something is effective for that mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// The answer to [`Deposit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deposited {
    /// Whether it is held: nothing is kept where nothing is effective for that mailbox.
    pub kept: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotKept>,
}

/// Why a refresh token was not taken into custody. The login goes on in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotKept {
    /// Nothing is effective for the user.
    NothingEffective,
    /// What is effective is of another mailbox than the token, or than who signed in.
    AnotherMailbox,
    /// Microsoft does not take this token: it is of another application, or has ended.
    Refused,
    /// Microsoft gave no answer: the next login brings another token.
    MicrosoftUnavailable,
    /// Microsoft refuses our own credential, registration or request.
    Misconfigured,
    /// Something that this release does not know.
    #[serde(other)]
    Other,
}

/// The answer to `consent.custody.v1.overview`, which asks nothing: how the broker that answers is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustodyOverview {
    /// The ids of the keys that it opens sealed tokens with, the oldest first. The last one seals.
    pub keys: Vec<String>,
    /// Within how many seconds each token is tried at Microsoft.
    pub verify_every_seconds: u64,
    /// What is held; null until it was counted for the first time.
    pub counted: Option<CustodyCount>,
}

/// All that is held, when it was last counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustodyCount {
    /// When that was.
    pub at: Timestamp,
    /// How many refresh tokens are held.
    pub held: u64,
    /// How many of them Microsoft takes only after the user has signed in again.
    pub awaiting_sign_in: u64,
    /// Of the others: when the one was last good at Microsoft for which that is longest ago. Null where there is none.
    pub oldest_verified_at: Option<Timestamp>,
}
