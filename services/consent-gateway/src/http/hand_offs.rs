//! Links for an administrator: made, seen and cancelled by users of the host application.

use assent_consent_core::failure::Failure;
use assent_consent_core::flow::HandOffPurpose;
use assent_consent_core::gateway::tenant_name;
use assent_consent_core::hand_off::{HandOff, HandOffClosed, HandOffStage, HandOffState};
use assent_consent_core::names::Names;
use assent_consent_core::rights;
use assent_consent_core::use_cases::hand_off::{self, HandOffRequest};
use assent_contract::body::GrantedBy;
use assent_contract::values::{Id, PermissionSet};
use assent_domain::ids::{AccountId, UserId};
use assent_domain::refusal::Refusal;
use assent_service_kit::{ApiJson, ApiPath, Caller};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::errors::{ApiError, CancelHandOff, CreateHandOff, GetHandOff, ListHandOffs};
use super::{ApiState, Authenticated, account_id};

/// `POST …/hand-offs`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHandOff {
    /// administrator_consent: the administrator decides for everyone, and the authorization method changes; for a Super Admin.
    /// approval: the administrator lets users decide for themselves at Microsoft, and nobody's permissions change; for any
    /// user.
    purpose: HandOffPurpose,
    permissions: PermissionSet,
    /// As for admin-consents; if absent, the tenant of the consent in force, else of the user who asks as far as it is known,
    /// else that of whichever administrator follows the link: so name it.
    tenant: Option<String>,
    /// Which of Microsoft's clouds is meant, where the name stands for tenants in several (ambiguous_tenant).
    tenant_cloud: Option<assent_contract::values::Cloud>,
    /// A Super Admin's word against on_premises_exchange: it is recorded in the log of the service; forbidden to others.
    #[serde(default)]
    #[schema(default = false)]
    mailboxes_in_exchange_online: bool,
}

/// A link, as its maker and the Super Admin see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandOff)]
pub(super) struct HandOffView {
    hand_off_id: Uuid,
    #[schema(value_type = Id)]
    account_id: String,
    #[schema(value_type = Id)]
    requested_by: String,
    purpose: HandOffPurpose,
    permissions: PermissionSet,
    #[schema(required)]
    tenant_id: Option<Uuid>,
    /// started: somebody went to Microsoft; refused: and came back without a consent, so the link can be used again; expired:
    /// also where the epoch it was made in or its maker's right is over, with the code flow_expired.
    state: HandOffState,
    /// Why the last attempt came to nothing, or why the link is over, as a flow's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// When the page was first opened; programs that scan mail open links, too.
    #[schema(required)]
    opened_at: Option<Timestamp>,
    /// Since when it stands as it does, once somebody went to Microsoft.
    #[schema(required)]
    changed_at: Option<Timestamp>,
    #[schema(required)]
    granted_by: Option<GrantedBy>,
    /// The link to forward; told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<Url>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HandOffs {
    #[schema(max_items = 100)]
    hand_offs: Vec<HandOffView>,
}

impl HandOffView {
    fn new(hand_off: &HandOff, url: Option<Url>, now: Timestamp) -> Self {
        let (code, changed_at, granted_by) = match &hand_off.stage {
            HandOffStage::Idle => (None, None, None),
            HandOffStage::Started { at, .. }
            | HandOffStage::Completing { at, .. }
            | HandOffStage::Cancelled { at, .. } => (None, Some(*at), None),
            HandOffStage::Refused { at, code } => (Some(code.clone()), Some(*at), None),
            HandOffStage::Completed { at, granted_by } => (None, Some(*at), Some(*granted_by)),
        };
        let is_outdated = hand_off.require_open(now) == Err(HandOffClosed::Outdated);
        let code = if is_outdated {
            Some(Refusal::FlowExpired.code().to_owned())
        } else {
            code
        };
        Self {
            hand_off_id: hand_off.id,
            account_id: hand_off.account.to_string(),
            requested_by: hand_off.requested_by.to_string(),
            purpose: hand_off.purpose,
            permissions: hand_off.permissions,
            tenant_id: hand_off.tenant.map(|tenant| tenant.id),
            state: hand_off.state(now),
            code,
            created_at: hand_off.created_at,
            expires_at: hand_off.expires_at,
            opened_at: hand_off.opened_at,
            changed_at,
            granted_by: granted_by.map(|object_id| GrantedBy { object_id }),
            url,
        }
    }
}

/// Make a link to forward to an administrator, who needs no account here
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/hand-offs",
    operation_id = "createHandOff",
    params(
        ("account" = Id, Path, description = "account_id"),
    ),
    request_body(content = NewHandOff, example = json!({
        "purpose": "approval",
        "permissions": {"calendar": true, "contacts": false, "email": "full"}
    })),
    responses(
        (status = CREATED, description = "The link. It lives 7 days, unless ASSENT_HAND_OFF_DAYS says otherwise.", body = HandOffView, links(
            ("link" = (operation_id = "getHandOff", parameters(
                ("account" = "$response.body#/account_id"), ("hand_off" = "$response.body#/hand_off_id")
            ))),
            ("cancellation" = (operation_id = "cancelHandOff", parameters(
                ("account" = "$response.body#/account_id"), ("hand_off" = "$response.body#/hand_off_id")
            )))
        ))
    ),
)]
pub(super) async fn create(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewHandOff>,
) -> Result<(StatusCode, Json<HandOffView>), ApiError<CreateHandOff>> {
    let account = account_id(&account)?;
    let by = match body.purpose {
        // Who decides for everyone has to be sent by somebody who may change the company's settings.
        HandOffPurpose::AdministratorConsent => rights::manager(&caller, &account)?.user().clone(),
        // Whose word it is where the mailboxes are.
        HandOffPurpose::Approval if body.mailboxes_in_exchange_online => {
            rights::manager(&caller, &account)?.user().clone()
        }
        HandOffPurpose::Approval => rights::user_of(&caller, &account)?,
    };
    let request = HandOffRequest {
        purpose: body.purpose,
        permissions: body.permissions.into(),
        tenant: tenant_name(body.tenant.as_deref(), body.tenant_cloud)?,
        mailboxes_in_exchange_online: body.mailboxes_in_exchange_online,
        token: None,
    };
    let asker = hand_off::HandOffRequester {
        user: by,
        names: Names::from_caller(&caller),
    };
    let (made, url) = hand_off::create(&shared.gateway, &account, asker, request).await?;
    Ok((
        StatusCode::CREATED,
        Json(HandOffView::new(&made, Some(url), shared.gateway.now())),
    ))
}

/// The links for an administrator: a Super Admin sees all of the account, others their own; newest first
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/hand-offs",
    operation_id = "listHandOffs",
    params(
        ("account" = Id, Path, description = "account_id"),
    ),
    responses(
        (status = OK, description = "The links of the last 90 days, at most 100", body = HandOffs)
    ),
)]
pub(super) async fn list(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
) -> Result<Json<HandOffs>, ApiError<ListHandOffs>> {
    let account = account_id(&account)?;
    let (_, only_of) = reach(&caller, &account)?;
    let found = hand_off::list(&shared.gateway, &account, only_of.as_ref()).await?;
    let views = found
        .iter()
        .map(|found| HandOffView::new(found, None, shared.gateway.now()));
    Ok(Json(HandOffs {
        hand_offs: views.collect(),
    }))
}

/// How a link stands
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/hand-offs/{hand_off}",
    operation_id = "getHandOff",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("hand_off" = Uuid, Path, description = "hand_off_id"),
    ),
    responses(
        (status = OK, description = "The link", body = HandOffView)
    ),
)]
pub(super) async fn show(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath((account, id)): ApiPath<(String, Uuid)>,
) -> Result<Json<HandOffView>, ApiError<GetHandOff>> {
    let account = account_id(&account)?;
    let (_, only_of) = reach(&caller, &account)?;
    let found = hand_off::find(&shared.gateway, &account, id, only_of.as_ref()).await?;
    Ok(Json(HandOffView::new(&found, None, shared.gateway.now())))
}

/// Take a link back: nothing can be begun or finished by it any more
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/hand-offs/{hand_off}",
    operation_id = "cancelHandOff",
    params(
        ("account" = Id, Path, description = "account_id"),
        ("hand_off" = Uuid, Path, description = "hand_off_id"),
    ),
    responses(
        (status = OK, description = "The link", body = HandOffView)
    ),
)]
pub(super) async fn cancel(
    State(shared): State<ApiState>,
    Authenticated(caller): Authenticated,
    ApiPath((account, id)): ApiPath<(String, Uuid)>,
) -> Result<Json<HandOffView>, ApiError<CancelHandOff>> {
    let account = account_id(&account)?;
    let (by, only_of) = reach(&caller, &account)?;
    let cancelled = hand_off::cancel(&shared.gateway, &account, id, &by, only_of.as_ref()).await?;
    Ok(Json(HandOffView::new(
        &cancelled,
        None,
        shared.gateway.now(),
    )))
}

/// Who is calling, and whose links they reach: a Super Admin who may manage company settings all of the account, others
/// their own.
fn reach(caller: &Caller, account: &AccountId) -> Result<(UserId, Option<UserId>), Failure> {
    let user = rights::user_of(caller, account)?;
    let only_of = rights::manager(caller, account).is_err();
    let only_of = only_of.then(|| user.clone());
    Ok((user, only_of))
}
