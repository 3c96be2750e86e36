//! Tenants and their people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Body, Refused, tenant_id};
use crate::directory::{Cloud, Mailbox, Tenant, TenantConsent, User};
use crate::identifiers::ObjectId;
use crate::policy::ConsentPolicy;
use crate::seed::{TenantSpec, UserSpec, parse_permissions, parse_roles};
use crate::simulator::Simulator;

type ControlAnswer = Result<Json<Value>, Refused>;
type Created = Result<(StatusCode, Json<Value>), Refused>;

fn shown(tenant: &Tenant) -> Value {
    let users: Vec<Value> = tenant.users.values().map(shown_user).collect();
    json!({
        "id": tenant.id, "name": tenant.name, "domains": tenant.domains, "cloud": tenant.cloud,
        "policy": tenant.policy, "low_permissions": tenant.low_permissions,
        "admin_consent_workflow": tenant.admin_consent_workflow, "tenant_consent": tenant.second_consent,
        "withheld_scopes": tenant.withheld_scopes, "sign_in_frequency_seconds": tenant.sign_in_frequency, "users": users,
    })
}

fn shown_user(user: &User) -> Value {
    json!({
        "id": user.id, "name": user.name, "upn": user.upn, "roles": user.roles, "mailbox": user.mailbox,
        "idp": user.idp, "enabled": user.enabled,
    })
}

pub(super) async fn list(State(simulator): State<Arc<Simulator>>) -> Json<Value> {
    let tenants: Vec<Value> = simulator
        .state()
        .directory
        .tenants
        .values()
        .map(shown)
        .collect();
    Json(json!({ "tenants": tenants }))
}

pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    Body(spec): Body<TenantSpec>,
) -> Created {
    let tenant = spec.build()?;
    let answer = shown(&tenant);
    simulator.state().directory.add_tenant(tenant)?;
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantChange {
    cloud: Option<Cloud>,
    policy: Option<ConsentPolicy>,
    low_permissions: Option<Vec<String>>,
    admin_consent_workflow: Option<bool>,
    tenant_consent: Option<TenantConsent>,
    withheld_scopes: Option<Vec<String>>,
    /// 0: never.
    sign_in_frequency_seconds: Option<u32>,
}

pub(super) async fn change(
    State(simulator): State<Arc<Simulator>>,
    Path(name): Path<String>,
    Body(change): Body<TenantChange>,
) -> ControlAnswer {
    let permissions =
        |names: Option<Vec<String>>| names.map(|names| parse_permissions(&names)).transpose();
    let withheld = permissions(change.withheld_scopes)?;
    let low = permissions(change.low_permissions)?;
    let mut state = simulator.state();
    let id = tenant_id(&state, &name)?;
    let tenant = state
        .directory
        .tenants
        .get_mut(&id)
        .ok_or_else(|| Refused::missing("tenant", &name))?;
    tenant.cloud = change.cloud.unwrap_or(tenant.cloud);
    tenant.policy = change.policy.unwrap_or(tenant.policy);
    tenant.second_consent = change.tenant_consent.unwrap_or(tenant.second_consent);
    tenant.admin_consent_workflow = change
        .admin_consent_workflow
        .unwrap_or(tenant.admin_consent_workflow);
    if let Some(seconds) = change.sign_in_frequency_seconds {
        tenant.sign_in_frequency = Some(seconds).filter(|seconds| *seconds > 0);
    }
    if let Some(low) = low {
        tenant.low_permissions = low;
    }
    if let Some(withheld) = withheld {
        tenant.withheld_scopes = withheld;
    }
    Ok(Json(shown(tenant)))
}

/// The tenant is gone, with all who were in it.
pub(super) async fn remove(
    State(simulator): State<Arc<Simulator>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refused> {
    let mut state = simulator.state();
    let id = tenant_id(&state, &name)?;
    state.directory.tenants.remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list_users(
    State(simulator): State<Arc<Simulator>>,
    Path(name): Path<String>,
) -> ControlAnswer {
    let state = simulator.state();
    let tenant = state
        .directory
        .tenant_named(&name)
        .ok_or_else(|| Refused::missing("tenant", &name))?;
    let users: Vec<Value> = tenant.users.values().map(shown_user).collect();
    Ok(Json(json!({ "users": users })))
}

pub(super) async fn create_user(
    State(simulator): State<Arc<Simulator>>,
    Path(name): Path<String>,
    Body(spec): Body<UserSpec>,
) -> Created {
    let user = spec.build()?;
    let answer = shown_user(&user);
    let mut state = simulator.state();
    let tenant = tenant_id(&state, &name)?;
    state.directory.add_user(tenant, user)?;
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChange {
    roles: Option<Vec<String>>,
    mailbox: Option<Mailbox>,
    enabled: Option<bool>,
    #[serde(default)]
    revoke_sessions: bool,
    password: Option<Password>,
    #[serde(default)]
    require_second_factor: bool,
}

/// What happened to a password, and by whom: that makes a difference to applications with a credential of their own.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Password {
    /// By the person. Applications go on.
    Changed,
    /// By an administrator. Everything ends.
    Reset,
}

pub(super) async fn change_user(
    State(simulator): State<Arc<Simulator>>,
    Path((name, user)): Path<(String, Uuid)>,
    Body(change): Body<UserChange>,
) -> ControlAnswer {
    let roles = change.roles.map(|names| parse_roles(&names)).transpose()?;
    let mut state = simulator.state();
    let now = state.clock.moment().order;
    let tenant = tenant_id(&state, &name)?;
    let user = state
        .directory
        .tenants
        .get_mut(&tenant)
        .and_then(|tenant| tenant.users.get_mut(&ObjectId(user)))
        .ok_or_else(|| Refused::missing("user", user))?;
    if let Some(roles) = roles {
        user.roles = roles;
    }
    user.mailbox = change.mailbox.unwrap_or(user.mailbox);
    user.enabled = change.enabled.unwrap_or(user.enabled);
    let dead = &mut user.revoked;
    let everything = change.revoke_sessions
        || match change.password {
            Some(Password::Reset) => true,
            Some(Password::Changed) | None => false,
        };
    if everything {
        dead.refresh_tokens = now;
    }
    if everything || change.password.is_some() {
        dead.browser_sessions = now;
        dead.continuous_access = now;
    }
    if change.require_second_factor {
        dead.single_factor = now;
    }
    Ok(Json(shown_user(user)))
}

pub(super) async fn remove_user(
    State(simulator): State<Arc<Simulator>>,
    Path((name, user)): Path<(String, Uuid)>,
) -> Result<StatusCode, Refused> {
    let mut state = simulator.state();
    let tenant = tenant_id(&state, &name)?;
    let user = ObjectId(user);
    let tenant = state
        .directory
        .tenants
        .get_mut(&tenant)
        .ok_or_else(|| Refused::missing("tenant", &name))?;
    tenant
        .users
        .remove(&user)
        .ok_or_else(|| Refused::missing("user", user))?;
    tenant.grants.retain(|grant| grant.principal != Some(user));
    Ok(StatusCode::NO_CONTENT)
}
