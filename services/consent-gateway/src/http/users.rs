//! What a user permits, and what they have begun.

use assent_consent_core::failure::Failure;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_core::rights;
use assent_consent_core::use_cases::revoke_own_grant::Revoked;
use assent_consent_core::use_cases::{queries, revoke_own_grant, start_own_consent};
use assent_consent_core::views::UserView;
use assent_contract::command::FlowStarted;
use assent_contract::values::Id;
use assent_domain::ids::UserId;
use assent_domain::permissions::{Kinds, Permission};
use assent_service_kit::{ApiJson, ApiPath, ApiQuery};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::bodies::{AtLeast, NewGrant};
use super::errors::{ApiError, EndSessions, GetUser, RevokeOwnGrant, StartOwnConsent};
use super::{ApiState, Authenticated, WithSequence, account_id, with_sequence};

/// A user: what is effective, and why
///
/// For the user and for a Super Admin of the account.
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
pub(super) async fn get_user(
    State(shared): State<ApiState>,
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
///
/// By that user. What Microsoft's answer covers is recorded when the browser is back, or once the flow is confirmed.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/grants",
    operation_id = "startOwnConsent",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("user" = Id, Path, description = "user_id"),
    ),
    request_body(content = NewGrant, example = json!({
        "permissions": ["calendar", "email"],
        "return_to": "https://app.example/settings"
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
pub(super) async fn post_grant(
    State(shared): State<ApiState>,
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
///
/// By that user, at once, and whatever Microsoft says. Where nothing was granted, nothing is recorded.
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
pub(super) async fn delete_grant(
    State(shared): State<ApiState>,
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
pub(super) async fn delete_sessions(
    State(shared): State<ApiState>,
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

fn user_id(text: &str) -> Result<UserId, Failure> {
    UserId::parse(text).map_err(|error| Failure::Invalid(InvalidRequest::UserId(error)))
}
