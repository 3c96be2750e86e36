//! Links for an administrator: made, seen and cancelled by users of the host application.

use assent_consent_core::failure::Failure;
use assent_consent_core::flow::Aim;
use assent_consent_core::gateway::tenant_name;
use assent_consent_core::hand_off::{Closed, HandOff, HandOffState, Stage};
use assent_consent_core::names::Names;
use assent_consent_core::rights;
use assent_consent_core::use_cases::hand_off::{self, Request};
use assent_consent_pages::ApiError;
use assent_contract::values::PermissionSet;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::refusal::Refusal;
use assent_service_kit::{ApiJson, ApiPath, Caller};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::{Authenticated, Shared, account_id, json};

/// `POST …/hand-offs`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHandOff {
    purpose: Aim,
    permissions: PermissionSet,
    tenant: Option<String>,
    tenant_cloud: Option<assent_contract::values::Cloud>,
    #[serde(default)]
    mailboxes_in_exchange_online: bool,
}

/// A link, as its maker and the Super Admin see it.
#[derive(Debug, Serialize)]
struct HandOffView {
    hand_off_id: Uuid,
    account_id: String,
    requested_by: String,
    purpose: Aim,
    permissions: PermissionSet,
    tenant_id: Option<Uuid>,
    state: HandOffState,
    /// Why the last attempt came to nothing, or the link is over before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
    opened_at: Option<Timestamp>,
    /// Since when it stands as it does, once somebody went to Microsoft.
    changed_at: Option<Timestamp>,
    granted_by: Option<GrantedBy>,
    /// The link itself: told once, to whoever made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
}

#[derive(Debug, Serialize)]
struct GrantedBy {
    object_id: Uuid,
}

#[derive(Debug, Serialize)]
struct HandOffs {
    hand_offs: Vec<HandOffView>,
}

impl HandOffView {
    fn of(hand_off: &HandOff, url: Option<Url>) -> Self {
        let (code, changed_at, granted_by) = match &hand_off.stage {
            Stage::Idle => (None, None, None),
            Stage::Started { at, .. }
            | Stage::Completing { at, .. }
            | Stage::Cancelled { at, .. } => (None, Some(*at), None),
            Stage::Refused { at, code } => (Some(code.clone()), Some(*at), None),
            Stage::Completed { at, granted_by } => (None, Some(*at), Some(*granted_by)),
        };
        let now = Timestamp::now();
        let is_outdated = hand_off.require_open(now) == Err(Closed::Outdated);
        let code = if is_outdated {
            Some(Refusal::FlowExpired.code().to_owned())
        } else {
            code
        };
        Self {
            hand_off_id: hand_off.id,
            account_id: hand_off.account.to_string(),
            requested_by: hand_off.requested_by.to_string(),
            purpose: hand_off.aim,
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

pub(super) async fn create(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
    ApiJson(body): ApiJson<NewHandOff>,
) -> Result<Response, ApiError> {
    let account = account_id(&account)?;
    let by = match body.purpose {
        // Who decides for everyone has to be sent by somebody who may change the company's settings.
        Aim::AdministratorConsent => rights::manager(&caller, &account)?.user().clone(),
        // Whose word it is where the mailboxes are.
        Aim::Approval if body.mailboxes_in_exchange_online => {
            rights::manager(&caller, &account)?.user().clone()
        }
        Aim::Approval => rights::user_of(&caller, &account)?,
    };
    let request = Request {
        aim: body.purpose,
        permissions: body.permissions.into(),
        tenant: tenant_name(body.tenant.as_deref(), body.tenant_cloud)?,
        mailboxes_in_exchange_online: body.mailboxes_in_exchange_online,
        token: None,
    };
    let asker = hand_off::Asker {
        user: by,
        names: Names::of(&caller),
    };
    let (made, url) = hand_off::create(&shared.gateway, &account, asker, request).await?;
    Ok(json(
        StatusCode::CREATED,
        &HandOffView::of(&made, Some(url)),
    ))
}

pub(super) async fn list(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath(account): ApiPath<String>,
) -> Result<Response, ApiError> {
    let account = account_id(&account)?;
    let (_, only_of) = reach(&caller, &account)?;
    let found = hand_off::list(&shared.gateway, &account, only_of.as_ref()).await?;
    let views = found.iter().map(|found| HandOffView::of(found, None));
    Ok(json(
        StatusCode::OK,
        &HandOffs {
            hand_offs: views.collect(),
        },
    ))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, id)): ApiPath<(String, Uuid)>,
) -> Result<Response, ApiError> {
    let account = account_id(&account)?;
    let (_, only_of) = reach(&caller, &account)?;
    let found = hand_off::find(&shared.gateway, &account, id, only_of.as_ref()).await?;
    Ok(json(StatusCode::OK, &HandOffView::of(&found, None)))
}

pub(super) async fn cancel(
    State(shared): State<Shared>,
    Authenticated(caller): Authenticated,
    ApiPath((account, id)): ApiPath<(String, Uuid)>,
) -> Result<Response, ApiError> {
    let account = account_id(&account)?;
    let (by, only_of) = reach(&caller, &account)?;
    let cancelled = hand_off::cancel(&shared.gateway, &account, id, &by, only_of.as_ref()).await?;
    Ok(json(StatusCode::OK, &HandOffView::of(&cancelled, None)))
}

/// Who is calling, and whose links they reach: a Super Admin who may manage company settings all of the account, others
/// their own.
fn reach(caller: &Caller, account: &AccountId) -> Result<(UserId, Option<UserId>), Failure> {
    let user = rights::user_of(caller, account)?;
    let only_of = rights::manager(caller, account).is_err();
    let only_of = only_of.then(|| user.clone());
    Ok((user, only_of))
}
