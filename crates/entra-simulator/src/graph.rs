//! The resources of Microsoft Graph that a consent gateway asks for, and those that a host application syncs.

mod access;
mod answer;
mod error;
mod grants;
mod mailbox;
mod profile;
mod query;
mod request_ids;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use self::access::bearer;
use self::answer::Answer;
use self::error::GraphError;
use self::mailbox::MailboxCall;
use self::request_ids::RequestIds;
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
    body: Bytes,
) -> Response {
    let ids = RequestIds::of(&headers);
    let fault = simulator.fault(Endpoint::Graph).await;
    let mut response = fault.unwrap_or_else(|| {
        let mut state = simulator.state();
        let base_url = simulator.base_url.as_str();
        let query = query.unwrap_or_default();
        let call = Call {
            method: &method,
            path: &path,
            query: &query,
            headers: &headers,
            body: &body,
            base_url,
        };
        let answer =
            bearer(&state, &headers, base_url).and_then(|token| call.route(&mut state, &token));
        match answer {
            Ok(answer) => answer.into_response(),
            Err(error) => error.told(&ids),
        }
    });
    ids.put_onto(&mut response);
    response
}

/// A request, behind `/v1.0/`.
struct Call<'a> {
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
    base_url: &'a str,
}

impl Call<'_> {
    fn route(&self, state: &mut SimulatedState, token: &AccessToken) -> Result<Answer, GraphError> {
        let first = first_of(self.path);
        let missing = || GraphError::no_segment(first);
        let now = state.clock.now();
        let tenant = state
            .directory
            .tenants
            .get_mut(&token.tenant)
            .ok_or_else(GraphError::denied)?;
        if let Some(id) = self.path.strip_prefix("oauth2PermissionGrants/") {
            return match *self.method {
                Method::DELETE => grants::remove(tenant, token, id).map(|()| Answer::Done),
                Method::PATCH => {
                    grants::change(tenant, token, id, self.body).map(|()| Answer::Done)
                }
                _ => Err(GraphError::no_method()),
            };
        }
        if let Some((user, rest)) = whose(tenant, token, self.path)
            && !rest.is_empty()
        {
            let user = user?;
            let mut call = MailboxCall {
                user,
                contents: state.mailboxes.of(user, now),
                token,
                method: self.method,
                path: rest,
                query: self.query,
                headers: self.headers,
                body: self.body,
                base_url: self.base_url,
                now,
            };
            return call
                .answer()
                .unwrap_or_else(|| Err(GraphError::no_segment(unknown_in(rest))));
        }
        if *self.method != Method::GET {
            let known = matches!(
                first,
                "me" | "users" | "organization" | "oauth2PermissionGrants"
            ) || first.starts_with("servicePrincipals(");
            return Err(if known {
                GraphError::no_method()
            } else {
                missing()
            });
        }
        let body = if let Some(app_id) = self
            .path
            .strip_prefix("servicePrincipals(appId='")
            .and_then(|rest| rest.strip_suffix("')"))
        {
            grants::service_principal(tenant, token, app_id, self.base_url)
        } else if self.path == "oauth2PermissionGrants" {
            grants::list(tenant, token, self.query, self.base_url)
        } else if self.path == "organization" {
            profile::organization(tenant, token, self.base_url)
        } else {
            let (user, _) = whose(tenant, token, self.path).ok_or_else(missing)?;
            profile::read(user?, token, self.query, self.base_url)
        };
        body.map(Answer::Body)
    }
}

fn first_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Which part of an address behind a person is none: the first, unless that is one, and what comes behind is not.
fn unknown_in(rest: &str) -> &str {
    let first = first_of(rest);
    let known = mailbox::SEGMENTS.contains(&first);
    if known {
        rest.rsplit('/').next().unwrap_or(rest)
    } else {
        first
    }
}

/// `me/…` or `users/{id}/…`: who is meant, and what of theirs.
fn whose<'a>(
    tenant: &'a Tenant,
    token: &AccessToken,
    path: &'a str,
) -> Option<(Result<&'a User, GraphError>, &'a str)> {
    if path == "me" || path.starts_with("me/") {
        let user = match token.user {
            None => Err(GraphError::nobody_is_me()),
            // The token outlived them.
            Some(user) => tenant.users.get(&user).ok_or_else(|| {
                GraphError::unauthenticated("The identity of the calling user could not be found.")
            }),
        };
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
