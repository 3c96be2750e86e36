//! The HTTP side: who may call what, and how it is answered. The rules are elsewhere.

mod bodies;
mod components;
mod errors;
mod hand_offs;
mod only_people;
mod to_its_end;

use std::sync::{Arc, LazyLock};

use assent_consent_core::failure::{Candidate, Failure};
use assent_consent_core::flow::FlowView;
use assent_consent_core::gateway::Gateway;
use assent_consent_core::names::Names;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_core::rights;
use assent_consent_core::use_cases::revoke_own_grant::Revoked;
use assent_consent_core::use_cases::start_admin_consent::Asker;
use assent_consent_core::use_cases::{
    change_mode, confirm_grant, queries, revoke_own_grant, start_admin_consent, start_own_consent,
};
use assent_consent_core::views::{AccountView, UserView};
use assent_consent_pages::{Site, page};
use assent_contract::command::FlowStarted;
use assent_contract::values::Id;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::{Kinds, Permission};
use assent_service_kit::bearer::BearerError;
use assent_service_kit::openapi::{self, ErrorResponses, with_error_responses};
use assent_service_kit::problem::ProblemType;
use assent_service_kit::{ApiJson, ApiPath, ApiQuery, BearerVerifier, Caller, Problem, Runtime};
use axum::extract::{FromRequestParts, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use bodies::{AtLeast, Confirmation, NewAdminConsent, NewGrant, NewMode};
use components::Extras;
use errors::{
    ApiError, ConfirmFlow, EndSessions, GetAccount, GetFlow, GetUser, RevokeOwnGrant,
    SetAuthorizationMethod, StartAdminConsent, StartOwnConsent,
};

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
    components(schemas(Problem, Candidate)),
    modifiers(&Extras)
)]
struct Api;

/// The description of all of this, and of the pages.
pub(crate) static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let mut document = routes().into_openapi();
    document.merge(assent_consent_pages::openapi());
    openapi::to_json(document)
});

const SEQUENCE: HeaderName = HeaderName::from_static("assent-sequence");

/// What every handler shares.
#[derive(Debug, Clone)]
struct Shared {
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
    let works = to_its_end::Works::new(Arc::clone(&site), runtime, most);
    let gateway = Arc::clone(&site.gateway);
    let pages = assent_consent_pages::router(site, Arc::clone(&verifier));
    let to_its_end = middleware::from_fn_with_state(works, to_its_end::bring);
    let (api, _) = routes().split_for_parts();
    api.with_state(Shared { gateway, verifier })
        .merge(pages)
        .layer(middleware::map_response(async |answer| {
            page::when_to_come_back(answer)
        }))
        .layer(to_its_end)
        .layer(middleware::from_fn(only_people::turn_away))
}

fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(with_error_responses(routes!(get_account), get_account))
        .routes(with_error_responses(routes!(put_method), put_method))
        .routes(with_error_responses(
            routes!(post_admin_consent),
            post_admin_consent,
        ))
        .routes(with_error_responses(routes!(get_user), get_user))
        .routes(with_error_responses(routes!(post_grant), post_grant))
        .routes(with_error_responses(routes!(delete_grant), delete_grant))
        .routes(with_error_responses(
            routes!(delete_sessions),
            delete_sessions,
        ))
        .routes(with_error_responses(routes!(get_flow), get_flow))
        .routes(with_error_responses(
            routes!(post_confirmation),
            post_confirmation,
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

impl FromRequestParts<Shared> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        shared.verifier.authenticate(&parts.headers).await.map(Self)
    }
}

/// An account
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}",
    operation_id = "getAccount",
    params(
        ("account" = Id, Path, description = "account_id"),
        AtLeast,
    ),
    responses(
        (status = OK, description = "The account. One without events is in its default state.", body = AccountView)
    ),
)]
async fn get_account(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiQuery(query): ApiQuery<AtLeast>,
) -> Result<Json<AccountView>, ApiError<GetAccount>> {
    let account = account_id(&account)?;
    rights::member(&caller, &account)?;
    let view = queries::account(&shared.gateway, &account, query.at_least).await?;
    Ok(Json(view))
}

/// Change the email sync, or go back to individual authorization
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/authorization-method",
    operation_id = "setAuthorizationMethod",
    params(
        ("account" = Id, Path, description = "account_id"),
    ),
    request_body = NewMode,
    responses(
        (status = OK, description = "The account", body = AccountView, headers(("Assent-Sequence" = u64, description = "give it back as at_least to a read that has to reflect this write")))
    ),
)]
async fn put_method(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewMode>,
) -> Result<WithSequence<AccountView>, ApiError<SetAuthorizationMethod>> {
    let account = account_id(&account)?;
    let manager = rights::manager(&caller, &account)?;
    let view = change_mode::change_mode(&shared.gateway, &account, manager, body.into()).await?;
    Ok(with_sequence(view.sequence, view))
}

/// Start an administrator's consent
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/admin-consents",
    operation_id = "startAdminConsent",
    params(
        ("account" = Id, Path, description = "account_id"),
    ),
    request_body = NewAdminConsent,
    responses(
        (status = CREATED, description = "Send the browser to authorize_url", body = FlowStarted)
    ),
)]
async fn post_admin_consent(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewAdminConsent>,
) -> Result<(StatusCode, Json<FlowStarted>), ApiError<StartAdminConsent>> {
    let account = account_id(&account)?;
    let manager = rights::manager(&caller, &account)?;
    let selection = body.check(&shared.gateway.return_origins)?;
    let asker = Asker {
        manager,
        names: Names::of(&caller),
        session: None,
    };
    let started =
        start_admin_consent::start_admin_consent(&shared.gateway, &account, asker, selection)
            .await?;
    Ok((StatusCode::CREATED, Json(started)))
}

/// A user: what is effective, and why
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}",
    operation_id = "getUser",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("user" = Id, Path, description = "user_id"),
        AtLeast,
    ),
    responses(
        (status = OK, description = "The user", body = UserView)
    ),
)]
async fn get_user(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<AtLeast>,
) -> Result<Json<UserView>, ApiError<GetUser>> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::may_see_user(&caller, &account, &user)?;
    let view = queries::user(&shared.gateway, &account, &user, query.at_least).await?;
    Ok(Json(view))
}

/// Start the user's own consent
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/grants",
    operation_id = "startOwnConsent",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("user" = Id, Path, description = "user_id"),
    ),
    request_body = NewGrant,
    responses(
        (status = CREATED, description = "Send the browser to authorize_url", body = FlowStarted)
    ),
)]
async fn post_grant(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<NewGrant>,
) -> Result<(StatusCode, Json<FlowStarted>), ApiError<StartOwnConsent>> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::that_user(&caller, &account, &user)?;
    let request = body.check(&shared.gateway.return_origins, rights::may_vouch(&caller))?;
    let started =
        start_own_consent::start_own_consent(&shared.gateway, &account, &user, request).await?;
    Ok((StatusCode::CREATED, Json(started)))
}

/// Take a permission back
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/grants/{permission}",
    operation_id = "revokeOwnGrant",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("user" = Id, Path, description = "user_id"),
        ("permission" = assent_contract::values::Permission, Path),
    ),
    responses(
        (status = OK, description = "The user", body = UserView, headers(("Assent-Sequence" = u64, description = "give it back as at_least to a read that has to reflect this write")))
    ),
)]
async fn delete_grant(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user, permission)): ApiPath<(String, String, String)>,
) -> Result<WithSequence<UserView>, ApiError<RevokeOwnGrant>> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::that_user(&caller, &account, &user)?;
    let permission = match permission.as_str() {
        "calendar" => Permission::Calendar,
        "contacts" => Permission::Contacts,
        "email" => Permission::Email,
        _ => {
            return Err(ApiError::from(Failure::Invalid(InvalidRequest::Permission)));
        }
    };
    let just = Kinds::from_iter([permission]);
    let revoked =
        revoke_own_grant::revoke_own_grant(&shared.gateway, &account, &user, just).await?;
    let view = match revoked {
        Revoked::UserOverview => queries::user(&shared.gateway, &account, &user, None).await?,
        Revoked::Partly(known) => UserView::partly(&account, &user, &known.0, &known.1),
    };
    Ok(with_sequence(view.sequence, view))
}

/// End everything that a user has begun
///
/// All sessions of the settings pages, all flows under way (flow_expired from then on) and all links of the user. For
/// the host application, where somebody leaves or loses rights: what a session may do is what the token that opened
/// it allowed. By a service with the scope sessions:end, or a Super Admin who may manage the company's settings. A
/// token that is still good can begin anew, and opens a session only if it was issued after this.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/sessions",
    operation_id = "endSessions",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("user" = Id, Path, description = "user_id"),
    ),
    responses(
        (status = NO_CONTENT, description = "ended")
    ),
)]
async fn delete_sessions(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
) -> Result<StatusCode, ApiError<EndSessions>> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::may_end_sessions(&caller, &account)?;
    let ended = shared.gateway.cutoffs.cut_off(&account, &user).await;
    ended.map_err(Failure::from)?;
    tracing::info!(
        account.id = %account,
        user.id = %user,
        "all sessions, flows and links of a user were ended"
    );
    Ok(StatusCode::NO_CONTENT)
}

/// A flow that the caller started
#[utoipa::path(
    get,
    path = "/v1/flows/{flow}",
    operation_id = "getFlow",
    params(
        ("flow" = Uuid, Path),
    ),
    responses(
        (status = OK, description = "The flow", body = FlowView)
    ),
)]
async fn get_flow(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
) -> Result<Json<FlowView>, ApiError<GetFlow>> {
    let stored = queries::own_flow(&shared.gateway, &caller, flow).await?;
    let view = queries::view_of_flow(&shared.gateway, &stored.value).await;
    Ok(Json(view))
}

/// Confirm a grant that came back and whose mailbox nobody could expect
#[utoipa::path(
    post,
    path = "/v1/flows/{flow}/confirmation",
    operation_id = "confirmFlow",
    params(
        ("flow" = Uuid, Path),
    ),
    request_body = Confirmation,
    responses(
        (status = OK, description = "The flow", body = FlowView, headers(("Assent-Sequence" = u64, description = "give it back as at_least to a read that has to reflect this write")))
    ),
)]
async fn post_confirmation(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
    ApiJson(body): ApiJson<Confirmation>,
) -> Result<WithSequence<FlowView>, ApiError<ConfirmFlow>> {
    let stored = queries::own_flow(&shared.gateway, &caller, flow).await?;
    let (view, sequence) =
        confirm_grant::confirm_grant(&shared.gateway, stored, &body.confirm).await?;
    Ok(with_sequence(sequence.0, view))
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

fn user_id(text: &str) -> Result<UserId, Failure> {
    UserId::parse(text).map_err(|error| Failure::Invalid(InvalidRequest::UserId(error)))
}

/// An answer that names the write it tells of.
type WithSequence<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn with_sequence<T>(sequence: u64, view: T) -> WithSequence<T> {
    ([(SEQUENCE, HeaderValue::from(sequence))], Json(view))
}

#[cfg(test)]
mod tests;
