//! The few resources of Microsoft Graph that a consent gateway asks for.

mod access;
mod error;
mod grants;
mod mailbox;
mod profile;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use uuid::Uuid;

use self::access::bearer;
use self::error::GraphError;
use crate::directory::{Tenant, User};
use crate::faults::Endpoint;
use crate::identifiers::ObjectId;
use crate::simulator::Simulator;
use crate::state::{AccessToken, SimulatedState};

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
    let mut state = simulator.state();
    let base_url = simulator.base_url.as_str();
    let query = query.unwrap_or_default();
    let answer = bearer(&state, &headers, base_url)
        .and_then(|token| route(&mut state, &token, &method, &path, &query, base_url));
    match answer {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

fn route(
    state: &mut SimulatedState,
    token: &AccessToken,
    method: &Method,
    path: &str,
    query: &str,
    base_url: &str,
) -> Result<Option<Value>, GraphError> {
    let missing = || GraphError::no_segment(path);
    let tenant = state
        .directory
        .tenants
        .get_mut(&token.tenant)
        .ok_or_else(GraphError::denied)?;
    if *method == Method::DELETE {
        let id = path
            .strip_prefix("oauth2PermissionGrants/")
            .ok_or_else(missing)?;
        return grants::remove(tenant, token, id).map(|()| None);
    }
    if let Some(app_id) = path
        .strip_prefix("servicePrincipals(appId='")
        .and_then(|rest| rest.strip_suffix("')"))
    {
        return grants::service_principal(tenant, token, app_id, base_url).map(Some);
    }
    if path == "oauth2PermissionGrants" {
        return grants::list(tenant, token, query, base_url).map(Some);
    }
    let (user, rest) = whose(tenant, token, path).ok_or_else(missing)?;
    if rest.is_empty() {
        profile::read(user?, token, query, base_url).map(Some)
    } else {
        mailbox::read(user?, token, rest)
            .unwrap_or_else(|| Err(missing()))
            .map(Some)
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
            .ok_or_else(GraphError::nobody_is_me);
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
