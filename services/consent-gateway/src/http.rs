//! The HTTP side: who may call what, and how it is answered. The rules are elsewhere.

mod bodies;
mod hand_offs;
mod only_people;
mod to_its_end;

use std::sync::Arc;

use assent_consent_core::failure::Failure;
use assent_consent_core::gateway::Gateway;
use assent_consent_core::names::Names;
use assent_consent_core::rights;
use assent_consent_core::use_cases::revoke_own_grant::Revoked;
use assent_consent_core::use_cases::start_admin_consent::Asker;
use assent_consent_core::use_cases::{
    change_mode, confirm_grant, queries, revoke_own_grant, start_admin_consent, start_own_consent,
};
use assent_consent_core::views::UserView;
use assent_consent_pages::{ApiError, Site, page};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::{Kinds, Permission};
use assent_service_kit::{ApiJson, ApiPath, ApiQuery, BearerVerifier, Caller, Problem, Runtime};
use axum::extract::{FromRequestParts, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};
use serde::Serialize;
use uuid::Uuid;

use bodies::{AtLeast, Confirmation, NewAdminConsent, NewGrant, NewMode};

/// The description of all of this.
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

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
    Router::new()
        .route("/v1/accounts/{account}", get(get_account))
        .route(
            "/v1/accounts/{account}/authorization-method",
            put(put_method),
        )
        .route(
            "/v1/accounts/{account}/admin-consents",
            post(post_admin_consent),
        )
        .route("/v1/accounts/{account}/users/{user}", get(get_user))
        .route(
            "/v1/accounts/{account}/users/{user}/grants",
            post(post_grant),
        )
        .route(
            "/v1/accounts/{account}/users/{user}/grants/{permission}",
            delete(delete_grant),
        )
        .route(
            "/v1/accounts/{account}/users/{user}/sessions",
            delete(delete_sessions),
        )
        .route("/v1/flows/{flow}", get(get_flow))
        .route("/v1/flows/{flow}/confirmation", post(post_confirmation))
        .route(
            "/v1/accounts/{account}/hand-offs",
            get(hand_offs::list).post(hand_offs::create),
        )
        .route(
            "/v1/accounts/{account}/hand-offs/{hand_off}",
            get(hand_offs::show).delete(hand_offs::cancel),
        )
        .route("/openapi.json", get(openapi))
        .with_state(Shared { gateway, verifier })
        .merge(pages)
        .layer(middleware::map_response(async |answer| {
            page::when_to_come_back(answer)
        }))
        .layer(to_its_end)
        .layer(middleware::from_fn(only_people::turn_away))
}

/// Whoever sent the request, by a token that holds.
struct Authenticated(Caller);

impl FromRequestParts<Shared> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        shared.verifier.authenticate(&parts.headers).await.map(Self)
    }
}

async fn get_account(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiQuery(query): ApiQuery<AtLeast>,
) -> Result<Response, ApiError> {
    let account = account_id(&account)?;
    rights::member(&caller, &account)?;
    let view = queries::account(&shared.gateway, &account, query.at_least).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn put_method(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewMode>,
) -> Result<Response, ApiError> {
    let account = account_id(&account)?;
    let manager = rights::manager(&caller, &account)?;
    let view = change_mode::change_mode(&shared.gateway, &account, manager, body.into()).await?;
    Ok(with_sequence(view.sequence, json(StatusCode::OK, &view)))
}

async fn post_admin_consent(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewAdminConsent>,
) -> Result<Response, ApiError> {
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
    Ok(json(StatusCode::CREATED, &started))
}

async fn get_user(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<AtLeast>,
) -> Result<Response, ApiError> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::may_see_user(&caller, &account, &user)?;
    let view = queries::user(&shared.gateway, &account, &user, query.at_least).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn post_grant(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<NewGrant>,
) -> Result<Response, ApiError> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::that_user(&caller, &account, &user)?;
    let request = body.check(&shared.gateway.return_origins, rights::may_vouch(&caller))?;
    let started =
        start_own_consent::start_own_consent(&shared.gateway, &account, &user, request).await?;
    Ok(json(StatusCode::CREATED, &started))
}

async fn delete_grant(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user, permission)): ApiPath<(String, String, String)>,
) -> Result<Response, ApiError> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::that_user(&caller, &account, &user)?;
    let permission = match permission.as_str() {
        "calendar" => Permission::Calendar,
        "contacts" => Permission::Contacts,
        "email" => Permission::Email,
        _ => {
            return Err(ApiError::from(Failure::Invalid(
                "a permission is one of calendar, contacts and email".to_owned(),
            )));
        }
    };
    let just = Kinds::from_iter([permission]);
    let revoked =
        revoke_own_grant::revoke_own_grant(&shared.gateway, &account, &user, just).await?;
    let view = match revoked {
        Revoked::UserOverview => queries::user(&shared.gateway, &account, &user, None).await?,
        Revoked::Partly(known) => UserView::partly(&account, &user, &known.0, &known.1),
    };
    Ok(with_sequence(view.sequence, json(StatusCode::OK, &view)))
}

async fn delete_sessions(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
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

async fn get_flow(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
) -> Result<Response, ApiError> {
    let stored = queries::own_flow(&shared.gateway, &caller, flow).await?;
    let view = queries::view_of_flow(&shared.gateway, &stored.value).await;
    Ok(json(StatusCode::OK, &view))
}

async fn post_confirmation(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
    ApiJson(body): ApiJson<Confirmation>,
) -> Result<Response, ApiError> {
    let stored = queries::own_flow(&shared.gateway, &caller, flow).await?;
    let (view, sequence) =
        confirm_grant::confirm_grant(&shared.gateway, stored, &body.confirm).await?;
    Ok(with_sequence(sequence.0, json(StatusCode::OK, &view)))
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

fn account_id(text: &str) -> Result<AccountId, Failure> {
    AccountId::parse(text).map_err(|error| Failure::Invalid(format!("account must be {error}")))
}

fn user_id(text: &str) -> Result<UserId, Failure> {
    UserId::parse(text).map_err(|error| Failure::Invalid(format!("user must be {error}")))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, axum::Json(value)).into_response()
}

fn with_sequence(sequence: u64, mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(SEQUENCE, HeaderValue::from(sequence));
    response
}

#[cfg(test)]
mod tests;
