//! The same answers over HTTP, in our words and in those of `AuthZEN`, and what an operator wants to know.

mod authzen;
mod description;

use std::sync::Arc;

use assent_contract::problem::ErrorCode;
use assent_contract::query::{PermissionsAnswer, UserQuery};
use assent_contract::replica::{DigestQuery, LogCheckStatus};
use assent_contract::values::Id;
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};
use assent_permission_store::{Blocked, ReadError, View};
use assent_service_kit::bearer::BearerError;
use assent_service_kit::config::HttpUrl;
use assent_service_kit::openapi::{ErrorResponses, with_error_responses};
use assent_service_kit::problem::{HttpProblem, ProblemType};
use assent_service_kit::{ApiPath, ApiQuery, BearerVerifier, Caller, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answers;
use crate::query_failure::QueryFailure;
use crate::replica::Replica;
use crate::served_view::ServedView;

const READ_PERMISSIONS: &str = "permissions:read";
/// How many blocked aggregates the status names.
const BLOCKED_SHOWN: usize = 100;

/// What every handler shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) served: Arc<ServedView>,
    pub(crate) replica: Arc<Replica>,
    pub(crate) verifier: Arc<BearerVerifier>,
    /// Where others reach this projection, if that is known.
    pub(crate) own_url: Option<HttpUrl>,
}

/// All routes.
pub(crate) fn router(shared: Shared) -> Router {
    let (ours, _) = routes().split_for_parts();
    let (standard, _) = authzen::routes().split_for_parts();
    ours.merge(standard).with_state(shared)
}

fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(description::about())
        .routes(with_error_responses(routes!(permissions), permissions))
        .routes(with_error_responses(routes!(status), status))
        .routes(with_error_responses(routes!(digest), digest))
        .routes(routes!(description::describe))
}

/// One of the host application's services that may read.
struct Reader(Caller);

impl Reader {
    /// A token of one account reads only that.
    fn may_read(&self, account: &str) -> Result<(), QueryFailure> {
        match self.0.account.as_deref() {
            Some(own) if own != account => Err(QueryFailure::Forbidden),
            Some(_) | None => Ok(()),
        }
    }

    /// What is of no account is for services of all.
    fn may_read_all(&self) -> Result<(), QueryFailure> {
        match self.0.account {
            Some(_) => Err(QueryFailure::Forbidden),
            None => Ok(()),
        }
    }
}

impl FromRequestParts<Shared> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let caller = shared.verifier.authenticate(&parts.headers).await?;
        if caller.has_scope(READ_PERMISSIONS) {
            Ok(Self(caller))
        } else {
            Err(QueryFailure::Forbidden.into())
        }
    }
}

impl ErrorResponses for Reader {
    fn problem_types() -> Vec<ProblemType> {
        let mut all = BearerError::problem_types();
        all.push(HttpProblem::Forbidden.into());
        all
    }
}

impl ErrorResponses for QueryFailure {
    fn problem_types() -> Vec<ProblemType> {
        let codes = [
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::ViewNotReady,
            ErrorCode::NotYetApplied,
        ];
        codes.map(|code| code.definition().into()).to_vec()
    }
}

/// `?at_least=`
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AtLeast {
    /// The Assent-Sequence of a write that the answer has to reflect; 504 if it does not within 2 s.
    #[param(maximum = 18_446_744_073_709_551_615_usize)]
    at_least: Option<u64>,
}

/// What may be done for a user now
///
/// Whoever the log does not know may have nothing done for them: that is an answer, not an error.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/permissions",
    operation_id = "getPermissions",
    tag = "Permissions",
    params(("account" = Id, Path, description = "account_id"), ("user" = Id, Path, description = "user_id"), AtLeast),
    responses((status = OK, description = "What is effective, and with whose mailbox", body = PermissionsAnswer)),
    security(("host" = ["permissions:read"]))
)]
async fn permissions(
    State(shared): State<Shared>,
    reader: Reader,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<AtLeast>,
) -> Result<Json<PermissionsAnswer>, QueryFailure> {
    reader.may_read(&account)?;
    let query = UserQuery {
        account_id: AccountId::parse(&account).map_err(|error| invalid("account", error))?,
        user_id: UserId::parse(&user).map_err(|error| invalid("user", error))?,
        at_least: query.at_least,
    };
    Ok(Json(answers::permissions(&shared.served, &query).await?))
}

/// How this projection is
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectionStatus)]
struct Status {
    /// The last event that the view reflects.
    applied_sequence: u64,
    /// The last event of the log that was heard of.
    stream_last_sequence: u64,
    /// How many events the view is behind.
    lag: u64,
    /// How many users the view knows.
    users: u64,
    /// How many accounts it knows.
    accounts: u64,
    /// Some of those of whom an event can't be believed: nothing is effective for them.
    blocked: Vec<BlockedView>,
    /// How many of the users are held back, as the log lost what they took back.
    held_back: u64,
    /// When the log's stream was created; null while there is no view.
    stream_created: Option<String>,
    /// Whether a view is being built.
    rebuilding: bool,
    /// The root over all messages that the view reflects; null while there is no view.
    root: Option<String>,
    /// What the last comparison of the log with the view found.
    log_check: LogCheckStatus,
}

/// An account or a user that is blocked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BlockedAggregate)]
struct BlockedView {
    account_id: String,
    /// Absent for the account itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The first message that can't be believed.
    sequence: u64,
    /// The log lost events, and would permit this user more than was known before.
    held_back: bool,
}

impl BlockedView {
    fn new(blocked: Blocked, held_back: bool) -> Self {
        let (account, user) = match blocked.aggregate {
            Aggregate::Account(account) => (account, None),
            Aggregate::User(account, user) => (account, Some(user)),
        };
        Self {
            account_id: account.to_string(),
            user_id: user.map(|user| user.to_string()),
            sequence: blocked.at.0,
            held_back,
        }
    }
}

/// Some of those who are blocked, and how many users are held back.
fn blocked(view: &View) -> Result<(Vec<BlockedView>, u64), ReadError> {
    let blocked = view.blocked(BLOCKED_SHOWN)?;
    let reading = view.read();
    let shown = blocked.into_iter().map(|blocked| {
        let held_back = reading.is_held(&blocked.aggregate)?;
        Ok::<_, ReadError>(BlockedView::new(blocked, held_back))
    });
    Ok((shown.collect::<Result<_, _>>()?, reading.held()))
}

/// How far this projection is
#[utoipa::path(
    get,
    path = "/v1/status",
    operation_id = "getStatus",
    tag = "Operation",
    responses((status = OK, description = "The status, whether or not there is a view", body = Status)),
    security(("host" = ["permissions:read"]))
)]
async fn status(
    State(shared): State<Shared>,
    reader: Reader,
) -> Result<Json<Status>, QueryFailure> {
    reader.may_read_all()?;
    let stream_last = shared.served.stream_last();
    let rebuilding = shared.served.is_rebuilding();
    let log_check = shared.replica.log_check();
    // Without a view there is still something to tell: that it is being built.
    let Ok(view) = shared.served.view() else {
        return Ok(Json(Status {
            applied_sequence: 0,
            stream_last_sequence: stream_last,
            lag: stream_last,
            users: 0,
            accounts: 0,
            blocked: Vec::new(),
            held_back: 0,
            stream_created: None,
            rebuilding,
            root: None,
            log_check,
        }));
    };
    let (cursor, counts) = (view.cursor(), view.counts());
    let (blocked, held_back) = answers::read(&shared.served, blocked)?;
    let applied = cursor.sequence.0;
    let root = view.read().root().to_string();
    Ok(Json(Status {
        applied_sequence: applied,
        stream_last_sequence: stream_last.max(applied),
        lag: stream_last.saturating_sub(applied),
        users: counts.users,
        accounts: counts.accounts,
        blocked,
        held_back,
        stream_created: Some(cursor.source.created),
        rebuilding,
        root: Some(root),
        log_check,
    }))
}

/// What the view adds up to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ViewDigest)]
struct DigestView {
    /// As of which event.
    sequence: u64,
    /// Over all rows, and the sequence.
    digest: String,
    /// Over all messages of the log that the rows reflect.
    root: String,
}

/// Why there is no digest: besides what any query can fail with, because others are getting one.
struct NoDigest(QueryFailure);

impl From<QueryFailure> for NoDigest {
    fn from(failure: QueryFailure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for NoDigest {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl ErrorResponses for NoDigest {
    fn problem_types() -> Vec<ProblemType> {
        let mut all = QueryFailure::problem_types();
        all.push(ErrorCode::TooManyRequests.definition().into());
        all
    }
}

/// What all rows add up to
///
/// Two views of the same log at the same place have the same digest. Every row is read, so it takes a while.
#[utoipa::path(
    get,
    path = "/v1/digest",
    operation_id = "getDigest",
    tag = "Operation",
    responses((status = OK, description = "The digest", body = DigestView)),
    security(("host" = ["permissions:read"]))
)]
async fn digest(
    State(shared): State<Shared>,
    reader: Reader,
) -> Result<Json<DigestView>, NoDigest> {
    reader.may_read_all()?;
    // The view of a log that is gone is for operators alone.
    drop(shared.served.view()?);
    let digest = shared.replica.digest(DigestQuery::default()).await?;
    Ok(Json(DigestView {
        sequence: digest.sequence,
        digest: digest.digest,
        root: digest.root,
    }))
}

fn invalid(what: &str, error: assent_domain::ids::InvalidId) -> QueryFailure {
    QueryFailure::Invalid(format!("{what} must be {error}"))
}

#[cfg(test)]
mod tests;
