//! Application registrations, and their service principals in the tenants.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Body, Refused, tenant_id};
use crate::directory::{Application, Certificate, Directory, Installation, check_redirect_uri};
use crate::identifiers::{ClientId, ObjectId};
use crate::seed::{ApplicationSpec, SeedError, parse_permissions};
use crate::simulator::Simulator;

fn shown(directory: &Directory, application: &Application) -> Value {
    let thumbprints: Vec<String> = application
        .certificates
        .iter()
        .map(Certificate::thumbprint)
        .collect();
    let service_principals: Vec<Value> = directory
        .tenants
        .values()
        .filter_map(|tenant| Some((tenant, tenant.installations.get(&application.client_id)?)))
        .map(|(tenant, installed)| {
            json!({
                "tenant": tenant.id, "id": installed.id, "enabled": installed.enabled,
                "assignment_required": installed.assignment_required, "assigned": installed.assigned,
            })
        })
        .collect();
    json!({
        "client_id": application.client_id, "name": application.name, "redirect_uris": application.redirect_uris,
        "secrets": application.secrets, "expired_secrets": application.expired_secrets, "certificate_thumbprints": thumbprints,
        "delegated_permissions": application.delegated_permissions,
        "application_permissions": application.app_roles,
        "emit_wids": application.emit_wids, "require_pkce": application.require_pkce,
        "publisher_verified": application.publisher_verified, "risky": application.risky,
        "service_principals": service_principals,
    })
}

pub(super) async fn list(State(simulator): State<Arc<Simulator>>) -> Json<Value> {
    let state = simulator.state();
    let directory = &state.directory;
    let applications: Vec<Value> = directory
        .applications
        .values()
        .map(|application| shown(directory, application))
        .collect();
    Json(json!({ "applications": applications }))
}

pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    Body(spec): Body<ApplicationSpec>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let mut state = simulator.state();
    let id = state.directory.add_application(&spec)?;
    let made = state
        .directory
        .applications
        .get(&id)
        .map(|application| shown(&state.directory, application));
    Ok((StatusCode::CREATED, Json(json!(made))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationChange {
    redirect_uris: Option<Vec<String>>,
    secrets: Option<Vec<String>>,
    expired_secrets: Option<Vec<String>>,
    certificates: Option<Vec<String>>,
    delegated_permissions: Option<Vec<String>>,
    application_permissions: Option<Vec<String>>,
    emit_wids: Option<bool>,
    require_pkce: Option<bool>,
    publisher_verified: Option<bool>,
    risky: Option<bool>,
}

impl ApplicationChange {
    /// The application as it will be. Nothing is changed unless all of it is right.
    fn apply(self, mut application: Application) -> Result<Application, SeedError> {
        if let Some(uris) = self.redirect_uris {
            uris.iter().try_for_each(|uri| check_redirect_uri(uri))?;
            application.redirect_uris = uris.into_iter().collect();
        }
        if let Some(texts) = self.certificates {
            let parsed: Result<_, _> = texts.iter().map(|text| Certificate::parse(text)).collect();
            application.certificates = parsed?;
        }
        if let Some(names) = self.delegated_permissions {
            application.delegated_permissions = parse_permissions(&names)?;
        }
        if let Some(names) = self.application_permissions {
            application.app_roles = names.into_iter().collect();
        }
        application.secrets = self.secrets.unwrap_or(application.secrets);
        application.expired_secrets = self.expired_secrets.unwrap_or(application.expired_secrets);
        application.emit_wids = self.emit_wids.unwrap_or(application.emit_wids);
        application.require_pkce = self.require_pkce.unwrap_or(application.require_pkce);
        application.publisher_verified = self
            .publisher_verified
            .unwrap_or(application.publisher_verified);
        application.risky = self.risky.unwrap_or(application.risky);
        Ok(application)
    }
}

pub(super) async fn change(
    State(simulator): State<Arc<Simulator>>,
    Path(client_id): Path<Uuid>,
    Body(change): Body<ApplicationChange>,
) -> Result<Json<Value>, Refused> {
    let mut state = simulator.state();
    let id = ClientId(client_id);
    let application = state.directory.applications.get(&id).cloned();
    let changed = change.apply(application.ok_or_else(|| Refused::missing("application", id))?)?;
    state.directory.applications.insert(id, changed.clone());
    Ok(Json(shown(&state.directory, &changed)))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ServicePrincipal {
    Present,
    Absent,
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallationChange {
    service_principal: ServicePrincipal,
    assignment_required: Option<bool>,
    assigned: Option<BTreeSet<ObjectId>>,
}

pub(super) async fn install(
    State(simulator): State<Arc<Simulator>>,
    Path((name, client_id)): Path<(String, Uuid)>,
    Body(change): Body<InstallationChange>,
) -> Result<StatusCode, Refused> {
    let mut state = simulator.state();
    let client = ClientId(client_id);
    if !state.directory.applications.contains_key(&client) {
        return Err(Refused::missing("application", client));
    }
    let tenant = tenant_id(&state, &name)?;
    let tenant = state
        .directory
        .tenants
        .get_mut(&tenant)
        .ok_or_else(|| Refused::missing("tenant", &name))?;
    let enabled = match change.service_principal {
        ServicePrincipal::Present => true,
        ServicePrincipal::Disabled => false,
        ServicePrincipal::Absent => {
            tenant.installations.remove(&client);
            tenant.grants.retain(|grant| grant.client != client);
            return Ok(StatusCode::NO_CONTENT);
        }
    };
    let installation = tenant
        .installations
        .entry(client)
        .or_insert_with(Installation::new);
    installation.enabled = enabled;
    installation.assignment_required = change
        .assignment_required
        .unwrap_or(installation.assignment_required);
    if let Some(assigned) = change.assigned {
        installation.assigned = assigned;
    }
    Ok(StatusCode::NO_CONTENT)
}
