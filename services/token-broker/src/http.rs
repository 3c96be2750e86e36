//! The HTTP side: who may ask, and how it is answered. The use cases are elsewhere.

mod bodies;

use std::sync::{Arc, LazyLock};

use assent_contract::problem::ErrorCode;
use assent_contract::values::Id;
use assent_domain::ids::{AccountId, UserId};
use assent_service_kit::bearer::BearerError;
use assent_service_kit::openapi::{self, ErrorResponses, with_error_responses};
use assent_service_kit::problem::{HttpProblem, ProblemType};
use assent_service_kit::{ApiJson, ApiPath, BearerVerifier, Caller, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::custody::Custody;
use crate::failure::Failure;
use crate::hand_out::{Wanted, hand_out};
use crate::report::{Report, ReportRate, report};
use crate::user_key::UserKey;
use bodies::{ReportBody, ReportedBody, TokenBody, WantedBody};

/// What a token needs to ask for access tokens, and to report withdrawals.
const ISSUE: &str = "tokens:issue";
const REPORT: &str = "withdrawals:report";

/// What every handler shares.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) custody: Arc<Custody>,
    pub(crate) verifier: BearerVerifier,
    pub(crate) reports: ReportRate,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assent token broker",
        version = "1.0.0",
        description = "Asked by the host application's sync workers: an access token for Microsoft Graph, while the \
            permission is effective. What is not known to be permitted is refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    tags(
        (name = "Tokens", description = "Access tokens for Microsoft Graph"),
        (name = "Withdrawals", description = "What is gone at Microsoft"),
        (name = "Description", description = "This document")
    ),
    components(schemas(Problem, Id)),
    modifiers(&Bearer)
)]
struct Api;

/// The description of all of this, as it is served.
static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let codes = ErrorCode::all().map(ErrorCode::as_str);
    openapi::to_json(routes().into_openapi(), codes)
});

/// All routes.
pub(crate) fn router(shared: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router.with_state(Arc::new(shared))
}

fn routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(with_error_responses(routes!(issue_token), issue_token))
        .routes(with_error_responses(
            routes!(report_withdrawal),
            report_withdrawal,
        ))
        .routes(routes!(describe))
}

/// Hand out an access token
///
/// For what one permission allows, while it is effective. What was revoked is refused at once; a token that is out can't be
/// recalled, and ends when `expires_at` says.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/tokens",
    operation_id = "issueToken",
    tag = "Tokens",
    params(("account" = Id, Path, description = "account_id"), ("user" = Id, Path, description = "user_id")),
    request_body(content = WantedBody, example = json!({"permission": "calendar"})),
    responses((status = OK, description = "The token. Not to be stored by caches", body = TokenBody)),
    security(("bearer" = ["tokens:issue"]))
)]
async fn issue_token(
    State(shared): State<Arc<AppState>>,
    host: HostService,
    ApiPath(path): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<WantedBody>,
) -> Result<Response, Failure> {
    let whose = host.reaching(ISSUE, &path)?;
    let wanted = Wanted {
        whose,
        permission: body.permission,
        minimum_seconds: body.minimum_seconds,
        at_least: body.at_least,
    };
    let token = hand_out(&shared.custody, wanted).await?;
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((headers, Json(TokenBody::from(token))).into_response())
}

/// Report a withdrawal
///
/// A service met it at Microsoft with a token of its own. Where a refresh token is held that is tried, and Microsoft believed;
/// else the service, where it says that the user's consent is missing. 60 reports a minute are taken from an account.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/withdrawals",
    operation_id = "reportWithdrawal",
    tag = "Withdrawals",
    params(("account" = Id, Path, description = "account_id"), ("user" = Id, Path, description = "user_id")),
    request_body(content = ReportBody, example = json!({"error": "invalid_grant", "suberror": "consent_required"})),
    responses((status = ACCEPTED, description = "What became of it", body = ReportedBody)),
    security(("bearer" = ["withdrawals:report"]))
)]
async fn report_withdrawal(
    State(shared): State<Arc<AppState>>,
    host: HostService,
    ApiPath(path): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<ReportBody>,
) -> Result<(StatusCode, Json<ReportedBody>), Failure> {
    let whose = host.reaching(REPORT, &path)?;
    let taken = shared.reports.take(&whose.account);
    taken.map_err(Failure::TooManyReports)?;
    let said = Report {
        whose,
        error: body.error,
        suberror: body.suberror,
        code: body.code,
        reported_by: host.0.subject,
    };
    let reported = report(&shared.custody, said).await?;
    Ok((StatusCode::ACCEPTED, Json(reported.into())))
}

/// This description
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    tag = "Description",
    responses((status = OK, description = "An OpenAPI document", body = Object)),
    security()
)]
async fn describe() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI.as_str()).into_response()
}

/// One of the host application's services.
struct HostService(Caller);

impl HostService {
    /// The user in the path, where this service may do that for them. A token that names an account reaches that account
    /// only.
    fn reaching(
        &self,
        scope: &str,
        (account, user): &(String, String),
    ) -> Result<UserKey, Failure> {
        if !self.0.has_scope(scope) {
            return Err(Failure::NoScope(match scope {
                REPORT => "the token needs the scope withdrawals:report",
                _ => "the token needs the scope tokens:issue",
            }));
        }
        let whose = UserKey {
            account: AccountId::parse(account)
                .map_err(|error| Failure::Invalid(format!("`account`: {error}")))?,
            user: UserId::parse(user)
                .map_err(|error| Failure::Invalid(format!("`user`: {error}")))?,
        };
        match self.0.account.as_deref() {
            Some(own) if own != whose.account.as_str() => Err(Failure::AnotherAccount),
            Some(_) | None => Ok(whose),
        }
    }
}

impl FromRequestParts<Arc<AppState>> for HostService {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<AppState>,
    ) -> Result<Self, Problem> {
        shared.verifier.authenticate(&parts.headers).await.map(Self)
    }
}

impl ErrorResponses for HostService {
    fn problem_types() -> Vec<ProblemType> {
        let mut all = BearerError::problem_types();
        all.push(HttpProblem::Forbidden.into());
        all
    }
}

/// How callers prove who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A token that the host application signed for one of its own services, with the scope tokens:issue or \
                 withdrawals:report. aud and scope may each be a string (of scope: words separated by spaces) or a list of \
                 strings. A token with an account claim reaches that account only. At most 8192 bytes.",
            ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

#[cfg(test)]
mod tests;
