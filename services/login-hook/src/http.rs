//! The HTTP side: who may ask, and how it is answered. The decision is elsewhere.

mod login_body;
mod login_error;

use std::sync::{Arc, LazyLock};

use assent_contract::problem::ErrorCode;
use assent_domain::ids::AccountId;
use assent_service_kit::bearer::BearerError;
use assent_service_kit::config::Origin;
use assent_service_kit::openapi::{self, ErrorResponses, with_error_responses};
use assent_service_kit::problem::{HttpProblem, ProblemType};
use assent_service_kit::{ApiJson, BearerVerifier, Caller, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::LoginAnswer;
use crate::decide_login::LoginHook;
use login_body::LoginBody;
use login_error::LoginError;

/// What a token needs to ask for decisions.
const SCOPE: &str = "login:decide";

/// What every handler shares.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) hook: LoginHook,
    pub(crate) verifier: BearerVerifier,
    pub(crate) return_origins: Vec<Origin>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assent login hook",
        version = "1.0.0",
        description = "Asked by the host application at every login: what to do about Microsoft 365 permissions. Logins \
            fail open: when something needed is away, the decision is to proceed, marked as degraded. Permissions fail \
            closed: what is unknown is answered as not effective.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    tags(
        (name = "Logins", description = "What to do when somebody signs in"),
        (name = "Description", description = "This document")
    ),
    components(schemas(Problem)),
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
        .routes(with_error_responses(routes!(decide_login), decide_login))
        .routes(routes!(describe))
}

/// Decide what to do at a login
///
/// An automatic grant is recorded, and a prompt begun, before the answer is given. Answers within the configured deadlines,
/// whatever is down.
#[utoipa::path(
    post,
    path = "/v1/login-decisions",
    operation_id = "decideLogin",
    tag = "Logins",
    request_body(content = LoginBody, example = json!({
        "account_id": "acme",
        "user_id": "ana",
        "sign_in": {"provider": "other"},
        "wants": {"calendar": true, "contacts": true, "email": "full"}
    })),
    responses((status = OK, description = "The decision", body = LoginAnswer, example = json!({
        "decision": "prompt",
        "reason": "consent_missing",
        "method": "user_individual",
        "effective": {"calendar": true, "contacts": false, "email": "none"},
        "allowed": ["calendar"],
        "missing": {"calendar": false, "contacts": true, "email": "full"},
        "authorize_url": "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?client_id=5f0f3d0c-6f0c-4e0e-9d52-3d6a1d6f2b11",
        "degraded": false,
        "sequence": 2
    }))),
    security(("bearer" = ["login:decide"]))
)]
async fn decide_login(
    State(shared): State<Arc<AppState>>,
    host: HostService,
    ApiJson(body): ApiJson<LoginBody>,
) -> Result<Json<LoginAnswer>, LoginError> {
    host.may_ask_about(&body.account_id)?;
    let login = body.check(&shared.return_origins)?;
    let answer = shared.hook.decide_login(login).await?;
    answer.count();
    Ok(Json(answer))
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

/// One of the host application's services that may ask for decisions.
struct HostService(Caller);

impl HostService {
    /// A token that names an account reaches that account only.
    fn may_ask_about(&self, account: &AccountId) -> Result<(), LoginError> {
        match self.0.account.as_deref() {
            Some(own) if own != account.as_str() => Err(LoginError::AnotherAccount),
            Some(_) | None => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<AppState>> for HostService {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<AppState>,
    ) -> Result<Self, Problem> {
        let caller = shared.verifier.authenticate(&parts.headers).await?;
        if caller.has_scope(SCOPE) {
            Ok(Self(caller))
        } else {
            Err(Problem::forbidden("the token needs the scope login:decide"))
        }
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
                "A token that the host application signed for one of its own services, with the scope login:decide. aud and \
                 scope may each be a string (of scope: words separated by spaces) or a list of strings. A token with an \
                 account claim reaches that account only. At most 8192 bytes.",
            ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

#[cfg(test)]
mod tests;
