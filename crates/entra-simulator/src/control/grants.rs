//! Grants given and taken behind the application's back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, Refused, tenant_id};
use crate::directory::{ConsentType, Directory, Grant, Tenant};
use crate::identifiers::{ClientId, ObjectId};
use crate::seed::parse_permissions;
use crate::simulator::Simulator;

/// Which grants are meant; what is not given does not matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    tenant: Option<String>,
    client_id: Option<ClientId>,
    user: Option<ObjectId>,
    consent_type: Option<ConsentType>,
}

impl Which {
    fn admits(&self, directory: &Directory, tenant: &Tenant, grant: &Grant) -> bool {
        let home = self
            .tenant
            .as_ref()
            .map(|name| directory.tenant_named(name).map(|tenant| tenant.id));
        home.is_none_or(|home| home == Some(tenant.id))
            && self.client_id.is_none_or(|client| client == grant.client)
            && self.user.is_none_or(|user| Some(user) == grant.principal)
            && self
                .consent_type
                .is_none_or(|kind| kind == grant.consent_type())
    }
}

fn shown(tenant: &Tenant, grant: &Grant) -> Value {
    json!({
        "id": grant.id, "tenant": tenant.id, "client_id": grant.client, "consent_type": grant.consent_type(),
        "user": grant.principal, "scopes": grant.scopes,
    })
}

pub(super) async fn list(
    State(simulator): State<Arc<Simulator>>,
    Query(which): Query<Which>,
) -> Json<Value> {
    let state = simulator.state();
    let directory = &state.directory;
    let grants: Vec<Value> = directory
        .tenants
        .values()
        .flat_map(|tenant| tenant.grants.iter().map(move |grant| (tenant, grant)))
        .filter(|(tenant, grant)| which.admits(directory, tenant, grant))
        .map(|(tenant, grant)| shown(tenant, grant))
        .collect();
    Json(json!({ "grants": grants }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGrant {
    tenant: String,
    client_id: ClientId,
    scopes: Vec<String>,
    user: Option<ObjectId>,
}

pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    Body(new): Body<NewGrant>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let scopes = parse_permissions(&new.scopes)?;
    let mut state = simulator.state();
    let id = tenant_id(&state, &new.tenant)?;
    if !state.directory.applications.contains_key(&new.client_id) {
        return Err(Refused::missing("application", new.client_id));
    }
    let tenant = state
        .directory
        .tenants
        .get_mut(&id)
        .ok_or_else(|| Refused::missing("tenant", &new.tenant))?;
    match new.user {
        None => tenant.grant_for_everyone(new.client_id, &scopes),
        Some(user) if tenant.users.contains_key(&user) => {
            tenant.grant_for_user(new.client_id, user, &scopes);
        }
        Some(user) => return Err(Refused::missing("user", user)),
    }
    let made = tenant
        .grants
        .iter()
        .find(|grant| grant.client == new.client_id && grant.principal == new.user);
    Ok((
        StatusCode::CREATED,
        Json(json!(made.map(|grant| shown(tenant, grant)))),
    ))
}

pub(super) async fn remove_matching(
    State(simulator): State<Arc<Simulator>>,
    Query(which): Query<Which>,
) -> Json<Value> {
    let mut state = simulator.state();
    let directory = &state.directory;
    let doomed: Vec<String> = directory
        .tenants
        .values()
        .flat_map(|tenant| tenant.grants.iter().map(move |grant| (tenant, grant)))
        .filter(|(tenant, grant)| which.admits(directory, tenant, grant))
        .map(|(_, grant)| grant.id.clone())
        .collect();
    for tenant in state.directory.tenants.values_mut() {
        tenant.grants.retain(|grant| !doomed.contains(&grant.id));
    }
    Json(json!({ "removed": doomed.len() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantChange {
    scopes: Vec<String>,
}

/// Another set of permissions in place of what was granted: how one of several is taken away.
pub(super) async fn change(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    Body(change): Body<GrantChange>,
) -> Result<Json<Value>, Refused> {
    let scopes = parse_permissions(&change.scopes)?;
    let mut state = simulator.state();
    for tenant in state.directory.tenants.values_mut() {
        if let Some(grant) = tenant.grants.iter_mut().find(|grant| grant.id == id) {
            grant.scopes = scopes;
            let changed = grant.clone();
            return Ok(Json(shown(tenant, &changed)));
        }
    }
    Err(Refused::missing("grant", id))
}

pub(super) async fn remove(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let mut state = simulator.state();
    for tenant in state.directory.tenants.values_mut() {
        let before = tenant.grants.len();
        tenant.grants.retain(|grant| grant.id != id);
        if tenant.grants.len() < before {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(Refused::missing("grant", id))
}
