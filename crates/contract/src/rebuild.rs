//! What operators ask of one projection: to build its view anew from the log, beside the one that it serves.
//!
//! One subject for each replica, `consent.command.v1.rebuild-view.<instance>`. The answer comes at once and says how far it
//! is; whoever wants to know more asks again, by the rebuild's id. It goes on whether or not anybody asks.

use assent_domain::ids::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::query::AggregateId;
use crate::values::{Id, optional_text};
use crate::words::{RebuildRefusal, RebuildStage};

/// Asks a projection to build its view anew, or how a rebuild is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebuildView {
    /// Only tell how this one is: the other fields count for nothing, and none is begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild_id: Option<Uuid>,
    /// Fold anew only this account and its users, each from its own events; all that there is, if absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "optional_text"
    )]
    #[schema(value_type = Option<Id>)]
    pub account_id: Option<AccountId>,
    /// Compare, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// How a rebuild is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebuildReport {
    /// The projection that it is at.
    pub instance: String,
    /// Its name, by which to ask on. It stays the same when the projection is started again.
    pub rebuild_id: Uuid,
    /// The one account that is folded anew.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "optional_text"
    )]
    #[schema(value_type = Option<Id>)]
    pub account_id: Option<AccountId>,
    /// Whether it changes nothing.
    pub dry_run: bool,
    /// Whether it was under way before it was asked for.
    pub joined: bool,
    /// How often it was begun: again after each time the projection was stopped or killed.
    pub attempt: u32,
    /// What is done now.
    pub stage: RebuildStage,
    /// How many events were folded.
    pub events_folded: u64,
    /// How many there are to fold, as far as is known.
    pub events_total: u64,
    /// How many rows were compared.
    pub rows_compared: u64,
    /// What stands in its way, for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RebuildOutcome>,
}

/// How a rebuild ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum RebuildOutcome {
    /// The new view is served.
    Swapped {
        /// The sequence of both views when the one took the place of the other.
        sequence: u64,
        /// What was different.
        comparison: RebuildComparison,
    },
    /// Nothing was changed, as was asked for.
    Compared {
        /// What is different.
        comparison: RebuildComparison,
    },
    /// The rows of one account were folded anew.
    Corrected {
        /// What was different, and is not any more.
        comparison: RebuildComparison,
    },
    /// What is served is as it was.
    Refused {
        /// Why.
        reason: RebuildRefusal,
        /// What was found, in a sentence.
        detail: String,
        /// What is different, as far as it was found out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comparison: Option<RebuildComparison>,
    },
}

/// What is different between the view that is served and what was folded anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebuildComparison {
    /// The sequence at which both were compared.
    pub sequence: u64,
    /// How many rows.
    pub rows: u64,
    /// How many differ.
    pub different: u64,
    /// The first that differ: companies first, then users, each in the order of their ids.
    pub first: Vec<RowDifference>,
    /// How many users may be done more for than what is served says.
    pub users_gaining: u64,
    /// How many users may be done less for.
    pub users_losing: u64,
}

/// An account or user of which the views say different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowDifference {
    /// Who.
    #[serde(flatten)]
    pub whose: AggregateId,
    /// What is different.
    pub fields: Vec<FieldDifference>,
}

/// A value of which the views say different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldDifference {
    /// Its name: `row` where one view has none or can't read it, `blocked_at` where one is blocked.
    pub field: String,
    /// What is served; null where there is nothing.
    pub served: Option<String>,
    /// What was folded anew; null where there is nothing.
    pub rebuilt: Option<String>,
}
