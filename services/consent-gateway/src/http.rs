//! The HTTP side: who may call what, and how it is answered. The rules are elsewhere.

mod bodies;
mod hand_offs;

mod administrator_page;
mod assets;
mod browser;
mod confirmation_page;
mod cookies;
mod hand_off_page;
mod layout;
mod only_people;
mod outcome_page;
mod pages;
mod session;
mod settings;
mod to_its_end;
mod words;

use std::sync::Arc;

use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::{Kinds, Permission};
use assent_service_kit::{ApiJson, ApiPath, ApiQuery, BearerVerifier, Caller, Problem, Runtime};
use axum::extract::{FromRequestParts, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::names::Names;
use crate::representation::UserView;
use crate::rights;
use crate::use_cases::revoke_own_grant::Revoked;
use crate::use_cases::start_admin_consent::Asker;
use crate::use_cases::take_callback::Astray;
use crate::use_cases::{
    change_mode, confirm_grant, look_up, revoke_own_grant, start_admin_consent, start_own_consent,
    take_callback,
};
use bodies::{AtLeast, Confirmation, NewAdminConsent, NewGrant, NewMode};
pub(crate) use pages::for_people;
use settings::{account, company};

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
    gateway: Arc<Gateway>,
    verifier: BearerVerifier,
    runtime: Runtime,
    most: usize,
) -> Router {
    let verifier = Arc::new(verifier);
    let works = to_its_end::Works::new(Arc::clone(&gateway), runtime, most);
    let shared = Shared { gateway, verifier };
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
            "/callbacks/microsoft/admin-consent",
            get(admin_consent_callback),
        )
        .route("/callbacks/microsoft/authorize", get(authorize_callback))
        .route(
            "/v1/accounts/{account}/hand-offs",
            get(hand_offs::list).post(hand_offs::create),
        )
        .route(
            "/v1/accounts/{account}/hand-offs/{hand_off}",
            get(hand_offs::show).delete(hand_offs::cancel),
        )
        .route(
            "/hand-off/{token}",
            get(hand_off_page::open).post(hand_off_page::begin),
        )
        .route("/hand-off-outcome", get(outcome_page::hand_off))
        .route(
            "/administrator-confirmation/{page}",
            get(administrator_page::open)
                .post(administrator_page::decide)
                .head(administrator_page::no_head),
        )
        .route("/assets/pages.css", get(assets::stylesheet))
        .route("/assets/pages.js", get(assets::script))
        .route("/assets/logo", get(assets::logo))
        .route("/favicon.ico", get(assets::favicon))
        .route("/session", post(session::open))
        .route("/session/end", post(session::end))
        .route("/settings/company", get(company::open))
        .route(
            "/settings/company/email-sync",
            post(company::save_email_sync),
        )
        .route("/settings/company/method", post(company::save_method))
        .route(
            "/settings/company/administrator-consent",
            post(company::begin_consent),
        )
        .route(
            "/settings/company/administrator-links",
            post(company::make_link),
        )
        .route(
            "/settings/company/administrator-links/{link}/cancellation",
            post(company::cancel_link),
        )
        .route("/settings/account", get(account::open))
        .route("/settings/account/permissions", post(account::save))
        .route(
            "/settings/account/another-microsoft-account",
            post(account::use_another),
        )
        .route(
            "/settings/account/confirmation",
            post(confirmation_page::confirm),
        )
        .route(
            "/settings/account/administrator-links",
            post(account::make_link),
        )
        .route(
            "/settings/account/administrator-links/{link}/cancellation",
            post(account::cancel_link),
        )
        .route("/openapi.json", get(openapi))
        .layer(middleware::map_response(pages::when_to_come_back))
        .layer(to_its_end)
        .layer(middleware::from_fn(only_people::turn_away))
        .with_state(shared)
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
) -> Result<Response, Failure> {
    let account = account_id(&account)?;
    rights::member(&caller, &account)?;
    let view = look_up::account(&shared.gateway, &account, query.at_least).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn put_method(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewMode>,
) -> Result<Response, Failure> {
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
) -> Result<Response, Failure> {
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
) -> Result<Response, Failure> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::may_see_user(&caller, &account, &user)?;
    let view = look_up::user(&shared.gateway, &account, &user, query.at_least).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn post_grant(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<NewGrant>,
) -> Result<Response, Failure> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::that_user(&caller, &account, &user)?;
    let wish = body.check(&shared.gateway.return_origins, rights::may_vouch(&caller))?;
    let started =
        start_own_consent::start_own_consent(&shared.gateway, &account, &user, wish).await?;
    Ok(json(StatusCode::CREATED, &started))
}

async fn delete_grant(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user, permission)): ApiPath<(String, String, String)>,
) -> Result<Response, Failure> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::that_user(&caller, &account, &user)?;
    let permission = match permission.as_str() {
        "calendar" => Permission::Calendar,
        "contacts" => Permission::Contacts,
        "email" => Permission::Email,
        _ => {
            return Err(Failure::Invalid(
                "a permission is one of calendar, contacts and email".to_owned(),
            ));
        }
    };
    let just = Kinds::from_iter([permission]);
    let revoked =
        revoke_own_grant::revoke_own_grant(&shared.gateway, &account, &user, just).await?;
    let view = match revoked {
        Revoked::Known => look_up::user(&shared.gateway, &account, &user, None).await?,
        Revoked::Partly(known) => UserView::partly(&account, &user, &known.0, &known.1),
    };
    Ok(with_sequence(view.sequence, json(StatusCode::OK, &view)))
}

async fn delete_sessions(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, user)): ApiPath<(String, String)>,
) -> Result<StatusCode, Failure> {
    let (account, user) = (account_id(&account)?, user_id(&user)?);
    rights::may_end_sessions(&caller, &account)?;
    shared.gateway.cutoffs.cut_off(&account, &user).await?;
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
) -> Result<Response, Failure> {
    let stored = look_up::own_flow(&shared.gateway, &caller, flow).await?;
    let view = look_up::view_of_flow(&shared.gateway, &stored.value).await;
    Ok(json(StatusCode::OK, &view))
}

async fn post_confirmation(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(flow): ApiPath<Uuid>,
    ApiJson(body): ApiJson<Confirmation>,
) -> Result<Response, Failure> {
    let stored = look_up::own_flow(&shared.gateway, &caller, flow).await?;
    let (view, sequence) =
        confirm_grant::confirm_grant(&shared.gateway, stored, &body.confirm).await?;
    Ok(with_sequence(sequence.0, json(StatusCode::OK, &view)))
}

async fn admin_consent_callback(
    State(shared): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let gateway = &shared.gateway;
    let (browser, returning) = browser::returning(gateway, &headers).await;
    let query = query.unwrap_or_default();
    let taken = take_callback::admin_consent(gateway, &query, &returning).await;
    let response = sent_on(gateway, &headers, taken);
    // The second callback has to come from the same browser.
    browser.remembered(gateway, response)
}

async fn authorize_callback(
    State(shared): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let gateway = &shared.gateway;
    let (_, returning) = browser::returning(gateway, &headers).await;
    let query = query.unwrap_or_default();
    let taken = take_callback::authorize(gateway, &query, &returning).await;
    sent_on(gateway, &headers, taken)
}

/// A browser is sent on. Where that can't be, a person is told why on a page that leads on, and a program by a problem.
fn sent_on(gateway: &Gateway, headers: &HeaderMap, to: Result<Url, Astray>) -> Response {
    match to {
        Ok(url) => see_other(&url),
        Err(astray) if pages::wants_a_page(headers) => pages::astray(gateway, astray),
        Err(astray) => astray.failure.into_response(),
    }
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

fn see_other(url: &Url) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, url.as_str())]).into_response()
}

#[cfg(test)]
mod tests;
