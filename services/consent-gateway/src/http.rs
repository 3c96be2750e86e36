//! The HTTP side: who may call what, and how it is answered. The rules are elsewhere.

mod accounts;
mod bodies;
mod components;
mod errors;
mod flows;
mod hand_offs;
mod prefetch_guard;
mod run_to_completion;
mod users;

use std::sync::{Arc, LazyLock};

use assent_consent_core::failure::{Candidate, Failure};
use assent_consent_core::gateway::Gateway;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_pages::{Site, page};
use assent_contract::problem::ErrorCode;
use assent_contract::words::{FlowFailure, Remark};
use assent_domain::ids::AccountId;
use assent_service_kit::bearer::BearerError;
use assent_service_kit::openapi::{self, ErrorResponses, with_error_responses};
use assent_service_kit::problem::ProblemType;
use assent_service_kit::{BearerVerifier, Caller, Problem, Runtime};
use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use components::Extras;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assent consent gateway",
        version = "1.0.0",
        description = "Microsoft 365 consent for multi-tenant SaaS: the authorization method of a company, an \
            administrator's consent, a user's own consent. Errors are RFC 9457 problem details; their code is stable. \
            Browsers, which ask for text/html rather than JSON, get a page that says the same and leads back to the \
            application. Below /v1 whoever brings a token gets the problem, whatever it accepts.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    security(("host" = [])),
    tags(
        (name = "Accounts", description = "A company: who decides, and how much e-mail is synced"),
        (name = "Users", description = "A user: what is permitted, and why"),
        (name = "Flows", description = "What was begun at Microsoft"),
        (name = "Links", description = "Links for administrators who have no account here"),
        (name = "Sessions", description = "Browser sessions of the settings pages"),
        (name = "Settings", description = "The settings pages, for browsers"),
        (name = "Administrators", description = "The pages that an administrator sees, and Microsoft's callbacks"),
        (name = "Assets", description = "What the pages are made of, and this document")
    ),
    components(schemas(Problem, Candidate)),
    modifiers(&Extras)
)]
struct Api;

/// The description of all of this, and of the pages.
pub(crate) static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let mut document = routes().into_openapi();
    document.merge(assent_consent_pages::openapi());
    openapi::tag_by_path(&mut document, components::TAGS);
    let codes = || ErrorCode::all().map(ErrorCode::as_str);
    for schema in ["Flow", "HandOff"] {
        let failures = FlowFailure::ALL.iter().copied().map(FlowFailure::as_str);
        let remarks = Remark::ALL.iter().copied().map(Remark::as_str);
        let words = codes().chain(failures).chain(remarks);
        openapi::list_words(&mut document, (schema, "code"), words);
    }
    openapi::to_json(document, codes())
});

const SEQUENCE: HeaderName = HeaderName::from_static("assent-sequence");

/// What every handler shares.
#[derive(Debug, Clone)]
struct ApiState {
    gateway: Arc<Gateway>,
    verifier: Arc<BearerVerifier>,
}

/// All routes. `most`: how many requests that may change something are worked on at once.
pub(crate) fn router(
    site: Arc<Site>,
    verifier: BearerVerifier,
    runtime: Runtime,
    most: usize,
) -> Router {
    let verifier = Arc::new(verifier);
    let works = run_to_completion::Works::new(Arc::clone(&site), runtime, most);
    let gateway = Arc::clone(&site.gateway);
    let pages = assent_consent_pages::router(site, Arc::clone(&verifier));
    let run_to_completion =
        middleware::from_fn_with_state(works, run_to_completion::run_to_completion);
    let (api, _) = routes().split_for_parts();
    api.with_state(ApiState { gateway, verifier })
        .merge(pages)
        .layer(middleware::map_response(async |answer| {
            page::when_to_come_back(answer)
        }))
        .layer(run_to_completion)
        .layer(middleware::from_fn(prefetch_guard::turn_away))
}

fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(with_error_responses(
            routes!(accounts::get_account),
            accounts::get_account,
        ))
        .routes(with_error_responses(
            routes!(accounts::put_method),
            accounts::put_method,
        ))
        .routes(with_error_responses(
            routes!(accounts::post_admin_consent),
            accounts::post_admin_consent,
        ))
        .routes(with_error_responses(
            routes!(users::get_user),
            users::get_user,
        ))
        .routes(with_error_responses(
            routes!(users::post_grant),
            users::post_grant,
        ))
        .routes(with_error_responses(
            routes!(users::delete_grant),
            users::delete_grant,
        ))
        .routes(with_error_responses(
            routes!(users::delete_sessions),
            users::delete_sessions,
        ))
        .routes(with_error_responses(
            routes!(flows::get_flow),
            flows::get_flow,
        ))
        .routes(with_error_responses(
            routes!(flows::post_confirmation),
            flows::post_confirmation,
        ))
        .routes(with_error_responses(
            routes!(hand_offs::list),
            hand_offs::list,
        ))
        .routes(with_error_responses(
            routes!(hand_offs::create),
            hand_offs::create,
        ))
        .routes(with_error_responses(
            routes!(hand_offs::show),
            hand_offs::show,
        ))
        .routes(with_error_responses(
            routes!(hand_offs::cancel),
            hand_offs::cancel,
        ))
        .routes(routes!(describe))
}

/// Whoever sent the request, by a token that holds.
struct Authenticated(Caller);

impl ErrorResponses for Authenticated {
    fn problem_types() -> Vec<ProblemType> {
        BearerError::problem_types()
    }
}

impl FromRequestParts<ApiState> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &ApiState) -> Result<Self, Problem> {
        shared.verifier.authenticate(&parts.headers).await.map(Self)
    }
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    responses(
        (status = OK, description = "OpenAPI 3.1", body = Object)
    ),
    security()
)]
async fn describe() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI.as_str()).into_response()
}

fn account_id(text: &str) -> Result<AccountId, Failure> {
    AccountId::parse(text).map_err(|error| Failure::Invalid(InvalidRequest::AccountId(error)))
}

/// An answer that names the write it tells of.
type WithSequence<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn with_sequence<T>(sequence: u64, view: T) -> WithSequence<T> {
    ([(SEQUENCE, HeaderValue::from(sequence))], Json(view))
}

#[cfg(test)]
mod tests;
