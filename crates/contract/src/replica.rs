//! What each projection tells an operator of itself. Any other query is shared among the replicas, and which
//! of them answers is all the same; here each answers for its own view.
//!
//! The status is asked of all at once. A digest or rows are asked of one, by its instance.

use assent_domain::account::{AccountState, Authorization};
use assent_domain::ids::Sequence;
use assent_domain::user::UserState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::query::{AccountFacts, AggregateId, ConsentFacts, LastEvents, UserFacts};
pub use crate::words::{LogCheckResult, ReplicaState};

/// One projection, as it is now: the answer of `consent.projection.v1.status`. Each replica gives one, also
/// while it has no view to answer queries from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplicaStatus {
    /// The process: another one after each start. It names the replica in the subjects of what is asked of one.
    pub instance: String,
    /// The machine that it runs on, if it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where its view is, on that machine.
    pub directory: String,
    /// The program's version.
    pub version: String,
    /// What it is doing.
    pub state: ReplicaState,
    /// The last event that its view reflects; 0 without a view.
    pub applied_sequence: u64,
    /// The last event of the log that it has heard of.
    pub stream_last_sequence: u64,
    /// How many events it has yet to apply.
    pub lag: u64,
    /// When the log that its view is of was created; absent without a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_created: Option<String>,
    /// Accounts in the view.
    pub accounts: u64,
    /// Users in the view.
    pub users: u64,
    /// Accounts and users that are blocked.
    pub blocked: u64,
    /// How many of the blocked are held back: the log lost events, and would permit them more than was known before.
    #[serde(default)]
    pub held: u64,
    /// Messages of the log that are no event and name neither an account nor a user.
    pub orphans: u64,
    /// What the view takes on the disk, in bytes.
    pub bytes_on_disk: u64,
    /// How the view's rows are laid out; absent without a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// Which rules folded the events; absent without a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold_version: Option<u32>,
    /// The root over all messages of the log that the view reflects (RFC 9162), in base64; absent without a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Whether the log still holds what the view was built from.
    #[serde(default)]
    pub log_check: LogCheckStatus,
    /// How far it is with building a view; absent where it builds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuilding: Option<RebuildProgress>,
}

/// What came of reading the log again and comparing it with what the view was built from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogCheckStatus {
    /// What the last comparison found.
    pub result: LogCheckResult,
    /// The first message that is missing or another one, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// The last message that was to be compared.
    pub through: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Which server gave the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// How many there were since the program started.
    pub checks: u64,
    /// How far the comparison is that is under way; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_at: Option<u64>,
}

/// How far building a view is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebuildProgress {
    /// The last event that was folded.
    pub through: u64,
    /// The last event of the log that was heard of.
    pub of: u64,
}

/// Asks for what needs no more to be said: an empty object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NothingAsked {}

/// Asks one projection for the digest of its rows: `consent.projection.v1.digest.<instance>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DigestQuery {
    /// The sequence that the digest is to be of. It has to be one that the view has not passed yet: the
    /// answer comes once the view is there. As the view is now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

/// What all rows of one projection add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplicaDigest {
    /// Which projection.
    pub instance: String,
    /// The sequence that the rows reflect.
    pub sequence: u64,
    /// The SHA-256 of the rows, in hexadecimal. Two views of the same events have the same at the same sequence.
    pub digest: String,
    /// The root over all messages of the log up to that sequence (RFC 9162), in base64.
    pub root: String,
    /// When the log that the view is of was created.
    pub stream_created: String,
}

/// Asks one projection for its rows, by page: `consent.projection.v1.rows.<instance>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowsQuery {
    /// The last one of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AggregateId>,
    /// How many at the most: 1 to 200, 200 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
}

/// A page of a view: companies first, then users, each in the order of their ids by bytes. Each page is of
/// the moment in which it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowsPage {
    /// Which projection.
    pub instance: String,
    /// The sequence that the page reflects.
    pub sequence: u64,
    /// The page.
    pub rows: Vec<Row>,
    /// Give this back as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AggregateId>,
}

/// What a view holds of one account or user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// Who.
    #[serde(flatten)]
    pub whose: AggregateId,
    /// What.
    #[serde(flatten)]
    pub state: RowState,
}

/// All that a view knows of an account or a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// An account.
    Account(AccountRow),
    /// A user.
    User(UserRow),
    /// Nothing is believed of the account or user.
    Blocked {
        /// The first message that can't be believed.
        since: u64,
    },
}

/// All that a view knows of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountRow {
    /// What decisions at login need.
    #[serde(flatten)]
    pub facts: AccountFacts,
    /// A consent that the next event rests on.
    pub awaiting_switch: Option<ConsentFacts>,
}

/// All that a view knows of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserRow {
    /// What decisions at login need.
    #[serde(flatten)]
    pub facts: UserFacts,
    /// The events by which the user last said no to each permission.
    pub last_no: LastEvents,
}

impl RowState {
    /// Somebody of whom nothing is believed from a message on.
    pub const fn blocked(since: Sequence) -> Self {
        Self::Blocked { since: since.0 }
    }
}

impl From<&AccountState> for RowState {
    fn from(account: &AccountState) -> Self {
        Self::Account(AccountRow {
            facts: account.into(),
            awaiting_switch: match &account.authorization {
                Authorization::UserIndividual { awaiting_switch } => {
                    awaiting_switch.as_ref().map(ConsentFacts::from)
                }
                Authorization::AdminConfigured { .. } => None,
            },
        })
    }
}

impl From<&UserState> for RowState {
    fn from(user: &UserState) -> Self {
        Self::User(UserRow {
            facts: user.into(),
            last_no: user.last_no.into(),
        })
    }
}
