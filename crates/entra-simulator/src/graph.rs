//! The few resources of Microsoft Graph that a consent gateway asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::{Grant, Mailbox, Tenant, User};
use crate::faults::Endpoint;
use crate::identifiers::ObjectId;
use crate::policy;
use crate::scopes::GRAPH_APP_ID;
use crate::simulator::Simulator;
use crate::world::{AccessToken, World};

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
const READ_PROFILE: &[&str] = &["User.Read", "User.Read.All", "Directory.Read.All"];
const READ_MAIL: &[&str] = &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"];
const READ_CALENDARS: &[&str] = &[
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.ReadWrite",
];
const READ_CONTACTS: &[&str] = &["Contacts.Read", "Contacts.ReadWrite"];

/// An error as Graph tells it.
struct GraphError(StatusCode, &'static str, String);

impl GraphError {
    fn not_found(what: &str) -> Self {
        Self(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    fn denied() -> Self {
        Self(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.".to_owned(),
        )
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let inner = json!({ "request-id": Uuid::new_v4(), "client-request-id": Uuid::new_v4() });
        (
            status,
            Json(json!({ "error": { "code": code, "message": message, "innerError": inner } })),
        )
            .into_response()
    }
}

pub(crate) async fn call(
    State(simulator): State<Arc<Simulator>>,
    method: Method,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(fault) = simulator.fault(Endpoint::Graph).await {
        return fault;
    }
    let mut world = simulator.world();
    let answer = bearer(&world, &headers).and_then(|token| {
        route(
            &mut world,
            &token,
            &method,
            &path,
            &query.unwrap_or_default(),
            &simulator.base_url,
        )
    });
    match answer {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

fn bearer(world: &World, headers: &HeaderMap) -> Result<AccessToken, GraphError> {
    let refused = |message: &str| {
        GraphError(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message.to_owned(),
        )
    };
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| refused("Access token is empty."))?;
    let known = world
        .access_tokens
        .get(token)
        .ok_or_else(|| refused("Access token validation failure."))?;
    if world.clock.now() >= known.expires_at {
        return Err(refused("Lifetime validation failed, the token is expired."));
    }
    Ok(known.clone())
}

fn allow(token: &AccessToken, any_of: &[&str]) -> Result<(), GraphError> {
    if any_of
        .iter()
        .any(|permission| token.permissions.contains(*permission))
    {
        Ok(())
    } else {
        Err(GraphError::denied())
    }
}

fn route(
    world: &mut World,
    token: &AccessToken,
    method: &Method,
    path: &str,
    query: &str,
    base_url: &str,
) -> Result<Option<Value>, GraphError> {
    let remove = *method == Method::DELETE;
    let missing = || {
        GraphError(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            format!("Resource not found for the segment '{path}'."),
        )
    };
    let tenant = world
        .directory
        .tenants
        .get_mut(&token.tenant)
        .ok_or_else(GraphError::denied)?;
    if remove {
        let id = path
            .strip_prefix("oauth2PermissionGrants/")
            .ok_or_else(missing)?;
        return remove_grant(tenant, token, id).map(|()| None);
    }
    if let Some(app_id) = path
        .strip_prefix("servicePrincipals(appId='")
        .and_then(|rest| rest.strip_suffix("')"))
    {
        allow(token, READ_APPLICATIONS)?;
        let (id, enabled) = principal(tenant, &app_id.to_ascii_lowercase())
            .ok_or_else(|| GraphError::not_found(app_id))?;
        return Ok(Some(json!({
            "@odata.context": format!("{base_url}/v1.0/$metadata#servicePrincipals/$entity"),
            "id": id, "appId": app_id, "accountEnabled": enabled,
        })));
    }
    if path == "oauth2PermissionGrants" {
        allow(token, READ_GRANTS)?;
        let filter = Filter::parse(query)?;
        let value: Vec<Value> = tenant
            .grants
            .iter()
            .filter_map(|grant| shown(tenant, grant).filter(|shown| filter.admits(shown)))
            .collect();
        return Ok(Some(json!({
            "@odata.context": format!("{base_url}/v1.0/$metadata#oauth2PermissionGrants"), "value": value,
        })));
    }
    let (user, rest) = whose(tenant, token, path).ok_or_else(missing)?;
    mailbox(user?, token, rest)
        .unwrap_or_else(|| Err(missing()))
        .map(Some)
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

fn remove_grant(tenant: &mut Tenant, token: &AccessToken, id: &str) -> Result<(), GraphError> {
    allow(token, REMOVE_GRANTS)?;
    // With a delegated token, the person behind it has to be able to as well.
    let person = token.user.and_then(|user| tenant.users.get(&user));
    if person.is_some_and(|person| !policy::may_consent_for_everyone(&person.roles, false)) {
        return Err(GraphError::denied());
    }
    let before = tenant.grants.len();
    tenant.grants.retain(|grant| grant.id != id);
    if tenant.grants.len() == before {
        Err(GraphError::not_found(id))
    } else {
        Ok(())
    }
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
            GraphError(
                StatusCode::BAD_REQUEST,
                "Request_UnsupportedQuery",
                "Unsupported Query.".to_owned(),
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

/// `me/…` or `users/{id}/…`: who is meant, and what of theirs.
fn whose<'a>(
    tenant: &'a Tenant,
    token: &AccessToken,
    path: &'a str,
) -> Option<(Result<&'a User, GraphError>, &'a str)> {
    if path == "me" || path.starts_with("me/") {
        let user = token
            .user
            .and_then(|user| tenant.users.get(&user))
            .ok_or_else(|| {
                let message =
                    "/me request is only valid with delegated authentication flow.".to_owned();
                GraphError(StatusCode::BAD_REQUEST, "BadRequest", message)
            });
        return Some((
            user,
            path.strip_prefix("me")
                .unwrap_or_default()
                .trim_start_matches('/'),
        ));
    }
    let rest = path.strip_prefix("users/")?;
    let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let id = Uuid::parse_str(name).ok().map(ObjectId);
    let user = tenant
        .users
        .values()
        .find(|user| Some(user.id) == id || user.upn.eq_ignore_ascii_case(name));
    // A person's own token opens nobody else's mailbox.
    let own = token.user.is_none() || user.map(|user| user.id) == token.user;
    Some((
        user.filter(|_| own)
            .ok_or_else(|| GraphError::not_found(name)),
        rest,
    ))
}

fn mailbox(user: &User, token: &AccessToken, what: &str) -> Option<Result<Value, GraphError>> {
    let (any_of, body): (&[&str], Value) = match what {
        "" => {
            let profile = json!({
                "id": user.id, "displayName": user.name, "userPrincipalName": user.upn, "mail": user.upn,
            });
            return Some(allow(token, READ_PROFILE).map(|()| profile));
        }
        "mailFolders/inbox" => (
            READ_MAIL,
            json!({ "id": "inbox", "displayName": "Inbox", "unreadItemCount": 0 }),
        ),
        "messages" => (READ_MAIL, json!({ "value": [] })),
        "calendar" => (
            READ_CALENDARS,
            json!({ "id": "calendar", "name": "Calendar" }),
        ),
        "contacts" => (READ_CONTACTS, json!({ "value": [] })),
        _ => return None,
    };
    let permitted: BTreeSet<&str> = any_of
        .iter()
        .copied()
        .filter(|name| token.permissions.contains(*name))
        .collect();
    if permitted.is_empty() {
        let message = "Access is denied. Check credentials and try again.".to_owned();
        return Some(Err(GraphError(
            StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            message,
        )));
    }
    Some(match user.mailbox {
        Mailbox::Ok => Ok(body),
        Mailbox::NotEnabled => Err(GraphError(
            StatusCode::NOT_FOUND,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.".to_owned(),
        )),
    })
}
