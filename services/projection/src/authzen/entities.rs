//! Subjects, actions and resources as they are sent and answered, and the requests that they are in. Standards grow, so
//! fields that are unknown here are passed over.

use assent_contract::allowed::AllowedAction;
use assent_domain::ids::{AccountId, UserId};
use assent_service_kit::extract::{object, optional_object};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The one type of subjects.
pub(crate) const USER: &str = "user";
/// The one action.
pub(crate) const SYNC: &str = "sync";
/// The one type of resources.
pub(crate) const PERMISSION: &str = "permission";

/// What names the account that a user or a permission is of.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = AccountProperties)]
pub(crate) struct Properties {
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme")]
    pub(crate) account_id: Option<String>,
}

/// Who is asked about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Subject {
    /// `user`; whoever else is asked about may do nothing.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    pub(crate) kind: String,
    /// The user's id in the host application.
    #[schema(example = "ana")]
    pub(crate) id: String,
    /// What else is known of the user: the account may be named here.
    #[serde(
        default,
        deserialize_with = "optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) properties: Option<Properties>,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Action {
    /// `sync`; nothing else is allowed.
    #[schema(example = "sync")]
    pub(crate) name: String,
}

/// What it is to be done with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Resource {
    /// `permission`; nothing else may be synced.
    #[serde(rename = "type")]
    #[schema(example = "permission")]
    pub(crate) kind: String,
    /// `calendar`, `contacts`, `email.send` or `email.read`.
    #[schema(example = "calendar")]
    pub(crate) id: String,
    /// Whose it is: the account is named here, unless the subject or the token names it.
    #[serde(
        default,
        deserialize_with = "optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) properties: Option<Properties>,
}

impl Subject {
    pub(super) fn of(account: &AccountId, user: &UserId) -> Self {
        Self {
            kind: USER.to_owned(),
            id: user.to_string(),
            properties: Some(Properties::of(account)),
        }
    }
}

impl Action {
    pub(super) fn sync() -> Self {
        Self {
            name: SYNC.to_owned(),
        }
    }
}

impl Resource {
    pub(super) fn of(account: &AccountId, action: AllowedAction) -> Self {
        Self {
            kind: PERMISSION.to_owned(),
            id: action.as_str().to_owned(),
            properties: Some(Properties::of(account)),
        }
    }
}

impl Properties {
    fn of(account: &AccountId) -> Self {
        Self {
            account_id: Some(account.to_string()),
        }
    }
}

/// Under which circumstances it is asked.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = EvaluationContext)]
pub(crate) struct Context {
    /// The Assent-Sequence of a write that the answer has to reflect; 504 if it does not within 2 s.
    #[serde(default)]
    #[schema(maximum = 18_446_744_073_709_551_615_usize)]
    pub(crate) at_least: Option<u64>,
}

/// `POST /access/v1/evaluation`
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EvaluationRequest {
    #[serde(deserialize_with = "object")]
    pub(crate) subject: Subject,
    #[serde(deserialize_with = "object")]
    pub(crate) action: Action,
    #[serde(deserialize_with = "object")]
    pub(crate) resource: Resource,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) context: Option<Context>,
}

/// A subject or a resource of which some may be left to the defaults of the whole request.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub(crate) struct PartialEntity {
    #[serde(rename = "type", default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) properties: Option<Properties>,
}

/// An action that may be left to the default.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub(crate) struct PartialAction {
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// One of many evaluations; what is absent is as the whole request says.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub(crate) struct PartialEvaluation {
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) subject: Option<PartialEntity>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) action: Option<PartialAction>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) resource: Option<PartialEntity>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) context: Option<Context>,
}

/// `POST /access/v1/evaluations`
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EvaluationsRequest {
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) subject: Option<PartialEntity>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) action: Option<PartialAction>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) resource: Option<PartialEntity>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) context: Option<Context>,
    /// What is asked; empty or absent: the one thing that the rest says, which is answered as by `/access/v1/evaluation`.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub(crate) evaluations: Option<Vec<PartialEvaluation>>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) options: Option<Options>,
}

/// How many evaluations are carried out.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = EvaluationsOptions)]
pub(crate) struct Options {
    /// `execute_all` if absent.
    #[serde(default)]
    pub(crate) evaluations_semantic: Option<Semantic>,
}

/// Where the list of answers ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EvaluationsSemantic)]
pub(crate) enum Semantic {
    /// All are carried out.
    #[default]
    ExecuteAll,
    /// The first that is denied is the last one answered.
    DenyOnFirstDeny,
    /// The first that is permitted is the last one answered.
    PermitOnFirstPermit,
}

/// The type of what is searched for; an id is passed over.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct Searched {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The account may be named here.
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) properties: Option<Properties>,
}

/// Which part of the results is wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = PageRequest)]
pub(crate) struct Page {
    /// The `next_token` of the page before; absent for the first page. The rest of the request has to be the same.
    #[serde(default, alias = "next_token")]
    #[schema(max_length = 2048)]
    pub(crate) token: Option<String>,
    /// How many results at the most; more than 1000 is as 1000, and 100 if absent. A page may have fewer, and not be the last.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub(crate) limit: Option<u64>,
}

/// `POST /access/v1/search/subject`
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubjectSearchRequest {
    #[serde(deserialize_with = "object")]
    pub(crate) subject: Searched,
    #[serde(deserialize_with = "object")]
    pub(crate) action: Action,
    #[serde(deserialize_with = "object")]
    pub(crate) resource: Resource,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) context: Option<Context>,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) page: Option<Page>,
}

/// `POST /access/v1/search/resource`
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ResourceSearchRequest {
    #[serde(deserialize_with = "object")]
    pub(crate) subject: Subject,
    #[serde(deserialize_with = "object")]
    pub(crate) action: Action,
    #[serde(deserialize_with = "object")]
    pub(crate) resource: Searched,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) context: Option<Context>,
}

/// `POST /access/v1/search/action`
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ActionSearchRequest {
    #[serde(deserialize_with = "object")]
    pub(crate) subject: Subject,
    #[serde(deserialize_with = "object")]
    pub(crate) resource: Resource,
    #[serde(default, deserialize_with = "optional_object")]
    pub(crate) context: Option<Context>,
}
