//! The same answers over HTTP, and what an operator wants to know.

use std::sync::Arc;

use assent_contract::query::UserQuery;
use assent_contract::replica::{DigestQuery, LogCheckStatus};
use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, UserId};
use assent_permission_store::{Blocked, ReadError, View};
use assent_service_kit::{ApiPath, ApiQuery, BearerVerifier, Problem};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::answers;
use crate::query_failure::QueryFailure;
use crate::replica::Replica;
use crate::served_view::ServedView;

const READ_PERMISSIONS: &str = "permissions:read";
/// How many blocked aggregates the status names.
const BLOCKED_SHOWN: usize = 100;

#[derive(Debug, Clone)]
struct Shared {
    served: Arc<ServedView>,
    replica: Arc<Replica>,
    verifier: Arc<BearerVerifier>,
}

/// All routes.
pub(crate) fn router(
    served: Arc<ServedView>,
    replica: Arc<Replica>,
    verifier: BearerVerifier,
) -> Router {
    let shared = Shared {
        served,
        replica,
        verifier: Arc::new(verifier),
    };
    Router::new()
        .route(
            "/v1/accounts/{account}/users/{user}/permissions",
            get(permissions),
        )
        .route("/v1/status", get(status))
        .route("/v1/digest", get(digest))
        .with_state(shared)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AtLeast {
    at_least: Option<u64>,
}

async fn permissions(
    State(shared): State<Shared>,
    headers: HeaderMap,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<AtLeast>,
) -> Result<Json<assent_contract::query::PermissionsAnswer>, Problem> {
    shared.authorize(&headers, Some(&account)).await?;
    let query = UserQuery {
        account_id: AccountId::parse(&account).map_err(|error| invalid("account", error))?,
        user_id: UserId::parse(&user).map_err(|error| invalid("user", error))?,
        at_least: query.at_least,
    };
    Ok(Json(answers::permissions(&shared.served, &query).await?))
}

#[derive(Debug, Serialize)]
struct Status {
    applied_sequence: u64,
    stream_last_sequence: u64,
    lag: u64,
    users: u64,
    accounts: u64,
    blocked: Vec<BlockedView>,
    /// How many of the users are held back, as the log lost what they took back.
    held_back: u64,
    stream_created: Option<String>,
    rebuilding: bool,
    root: Option<String>,
    log_check: LogCheckStatus,
}

#[derive(Debug, Serialize)]
struct BlockedView {
    account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    sequence: u64,
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

async fn status(State(shared): State<Shared>, headers: HeaderMap) -> Result<Json<Status>, Problem> {
    shared.authorize(&headers, None).await?;
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

#[derive(Debug, Serialize)]
struct DigestView {
    sequence: u64,
    digest: String,
    root: String,
}

/// What all rows add up to, the sequence included: two views of the same log at the same place
/// have the same digest. It reads every row, so it takes a while.
async fn digest(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Json<DigestView>, Problem> {
    shared.authorize(&headers, None).await?;
    // The view of a log that is gone is for operators alone.
    drop(shared.served.view()?);
    let digest = shared.replica.digest(DigestQuery::default()).await?;
    Ok(Json(DigestView {
        sequence: digest.sequence,
        digest: digest.digest,
        root: digest.root,
    }))
}

impl Shared {
    /// The host application's own services may read; a token of one account reads only that.
    async fn authorize(&self, headers: &HeaderMap, account: Option<&str>) -> Result<(), Problem> {
        let caller = self.verifier.authenticate(headers).await?;
        let reaches = match (caller.account.as_deref(), account) {
            (None, _) => true,
            (Some(own), Some(asked)) => own == asked,
            (Some(_), None) => false,
        };
        if reaches && caller.has_scope(READ_PERMISSIONS) {
            Ok(())
        } else {
            Err(QueryFailure::Forbidden.into())
        }
    }
}

fn invalid(what: &str, error: assent_domain::ids::InvalidId) -> Problem {
    QueryFailure::Invalid(format!("{what} must be {error}")).into()
}
