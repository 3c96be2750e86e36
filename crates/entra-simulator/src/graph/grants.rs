//! Service principals, and who granted what to which.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::allow;
use super::error::GraphError;
use crate::directory::{Grant, Tenant};
use crate::identifiers::ObjectId;
use crate::policy;
use crate::scopes::GRAPH_APP_ID;
use crate::seed::parse_permissions;
use crate::state::AccessToken;

const READ_APPLICATIONS: &[&str] = &[
    "Application.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_GRANTS: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "DelegatedPermissionGrant.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
];
const REMOVE_GRANTS: &[&str] = &["DelegatedPermissionGrant.ReadWrite.All"];

pub(super) fn service_principal(
    tenant: &Tenant,
    token: &AccessToken,
    app_id: &str,
    base_url: &str,
) -> Result<Value, GraphError> {
    allow(token, READ_APPLICATIONS)?;
    let (id, enabled) = principal(tenant, &app_id.to_ascii_lowercase())
        .ok_or_else(|| GraphError::not_found(app_id))?;
    Ok(json!({
        "@odata.context": format!("{base_url}/v1.0/$metadata#servicePrincipals/$entity"),
        "id": id, "appId": app_id, "accountEnabled": enabled,
    }))
}

pub(super) fn list(
    tenant: &Tenant,
    token: &AccessToken,
    query: &str,
    base_url: &str,
) -> Result<Value, GraphError> {
    allow(token, READ_GRANTS)?;
    let filter = Filter::parse(query)?;
    let value: Vec<Value> = tenant
        .grants
        .iter()
        .filter_map(|grant| shown(tenant, grant).filter(|shown| filter.admits(shown)))
        .collect();
    Ok(json!({
        "@odata.context": format!("{base_url}/v1.0/$metadata#oauth2PermissionGrants"), "value": value,
    }))
}

/// The service principal of an application in a tenant, and whether it is switched on. Graph's
/// own is in every tenant.
fn principal(tenant: &Tenant, app_id: &str) -> Option<(ObjectId, bool)> {
    if app_id == GRAPH_APP_ID {
        return Some((tenant.graph, true));
    }
    tenant
        .installations
        .iter()
        .find(|(client, _)| client.to_string() == app_id)
        .map(|(_, installation)| (installation.id, installation.enabled))
}

fn may_change(tenant: &Tenant, token: &AccessToken) -> Result<(), GraphError> {
    allow(token, REMOVE_GRANTS)?;
    // With a delegated token, the person behind it has to be able to as well.
    let person = token.user.and_then(|user| tenant.users.get(&user));
    if person.is_some_and(|person| !policy::may_consent_for_everyone(&person.roles, false)) {
        return Err(GraphError::denied());
    }
    Ok(())
}

pub(super) fn remove(tenant: &mut Tenant, token: &AccessToken, id: &str) -> Result<(), GraphError> {
    may_change(tenant, token)?;
    let before = tenant.grants.len();
    tenant.grants.retain(|grant| grant.id != id);
    if tenant.grants.len() == before {
        Err(GraphError::not_found(id))
    } else {
        Ok(())
    }
}

/// Another `scope`: how one permission of several is taken from an application.
pub(super) fn change(
    tenant: &mut Tenant,
    token: &AccessToken,
    id: &str,
    body: &[u8],
) -> Result<(), GraphError> {
    #[derive(Deserialize)]
    struct Change {
        scope: String,
    }
    may_change(tenant, token)?;
    let bad =
        |message: String| GraphError::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message);
    let change: Change = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let names: Vec<String> = change.scope.split_whitespace().map(str::to_owned).collect();
    let scopes = parse_permissions(&names).map_err(|error| bad(error.to_string()))?;
    let grant = tenant.grants.iter_mut().find(|grant| grant.id == id);
    grant.ok_or_else(|| GraphError::not_found(id))?.scopes = scopes;
    Ok(())
}

fn shown(tenant: &Tenant, grant: &Grant) -> Option<Value> {
    let scopes: Vec<&str> = grant.scopes.iter().map(String::as_str).collect();
    Some(json!({
        "id": grant.id,
        "clientId": tenant.installations.get(&grant.client)?.id,
        "consentType": grant.consent_type(),
        "principalId": grant.principal,
        "resourceId": tenant.graph,
        "scope": scopes.join(" "),
    }))
}

/// `$filter`: comparisons with `eq`, joined by `and`.
struct Filter(Vec<(String, String)>);

impl Filter {
    fn parse(query: &str) -> Result<Self, GraphError> {
        let unsupported = || {
            GraphError::new(
                StatusCode::BAD_REQUEST,
                "Request_UnsupportedQuery",
                "Unsupported Query.",
            )
        };
        let Some(filter) = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "$filter")
            .map(|(_, value)| value)
        else {
            return Ok(Self(Vec::new()));
        };
        let comparisons: Option<Vec<(String, String)>> = filter
            .split(" and ")
            .map(|comparison| {
                let (name, value) = comparison.trim().split_once(" eq ")?;
                let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                matches!(
                    name,
                    "clientId" | "consentType" | "principalId" | "resourceId"
                )
                .then(|| (name.to_owned(), value.to_owned()))
            })
            .collect();
        comparisons.map(Self).ok_or_else(unsupported)
    }

    fn admits(&self, grant: &Value) -> bool {
        self.0
            .iter()
            .all(|(name, value)| grant.get(name).and_then(Value::as_str) == Some(value))
    }
}
