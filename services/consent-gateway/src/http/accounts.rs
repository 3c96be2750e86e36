//! A company's settings, and an administrator's consent to them.

use assent_consent_core::names::Names;
use assent_consent_core::rights;
use assent_consent_core::use_cases::start_admin_consent::RequestingManager;
use assent_consent_core::use_cases::{change_mode, queries, start_admin_consent};
use assent_consent_core::views::AccountView;
use assent_contract::command::FlowStarted;
use assent_contract::values::Id;
use assent_service_kit::{ApiJson, ApiPath, ApiQuery};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::bodies::{AtLeast, NewAdminConsent, NewMode};
use super::errors::{ApiError, GetAccount, SetAuthorizationMethod, StartAdminConsent};
use super::{ApiState, Authenticated, WithSequence, account_id, with_sequence};

/// An account
///
/// How it stands: who decides, how much e-mail is synced, and the consent in force.
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
pub(super) async fn get_account(
    State(shared): State<ApiState>,
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
///
/// The administrator's method is entered by an administrator's consent alone.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/authorization-method",
    operation_id = "setAuthorizationMethod",
    params(
        ("account" = Id, Path, description = "account_id"),
    ),
    request_body(content = NewMode, example = json!({"method": "user_individual", "email_sync": "full"})),
    responses(
        (status = OK, description = "The account", body = AccountView, headers(("Assent-Sequence" = u64, description = "give it back as at_least to a read that has to reflect this write")))
    ),
)]
pub(super) async fn put_method(
    State(shared): State<ApiState>,
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
///
/// By a Super Admin. Nothing is recorded before an administrator of the tenant is proved and has said yes on our page.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/admin-consents",
    operation_id = "startAdminConsent",
    params(
        ("account" = Id, Path, description = "account_id"),
    ),
    request_body(content = NewAdminConsent, example = json!({
        "administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
        "tenant": "contoso.example"
    })),
    responses(
        (status = CREATED, description = "Send the browser to authorize_url", body = FlowStarted, links(
            ("flow" = (operation_id = "getFlow", parameters(("flow" = "$response.body#/flow_id")))),
            ("confirmation" = (operation_id = "confirmFlow", parameters(("flow" = "$response.body#/flow_id"))))
        ), example = json!({
            "flow_id": "01a20b42-4bd2-775a-b59c-b5804680bb4e",
            "authorize_url": "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?client_id=5f0f3d0c-6f0c-4e0e-9d52-3d6a1d6f2b11",
            "expires_at": "2026-11-24T02:08:44Z"
        }))
    ),
)]
pub(super) async fn post_admin_consent(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewAdminConsent>,
) -> Result<(StatusCode, Json<FlowStarted>), ApiError<StartAdminConsent>> {
    let account = account_id(&account)?;
    let manager = rights::manager(&caller, &account)?;
    let selection = body.check(&shared.gateway.return_origins)?;
    let asker = RequestingManager {
        manager,
        names: Names::from_caller(&caller),
        session: None,
    };
    let started =
        start_admin_consent::start_admin_consent(&shared.gateway, &account, asker, selection)
            .await?;
    Ok((StatusCode::CREATED, Json(started)))
}
