//! Refresh tokens made to order, what they were used for, and everything that was handed out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, Refused, tenant_id};
use crate::identifiers::{ClientId, ObjectId};
use crate::random;
use crate::refreshes::Refresh;
use crate::scopes::ScopeRequest;
use crate::simulator::Simulator;
use crate::state::RefreshToken;

/// Enough for whoever looks for tokens where there should be none.
const MOST_SHOWN: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    tenant: String,
    user: ObjectId,
    client_id: ClientId,
    /// What the person was asked for, as it would have stood in the request.
    scope: String,
}

/// A refresh token as if the person had just signed in. What it is good for, the grants say.
pub(super) async fn mint(
    State(simulator): State<Arc<Simulator>>,
    Body(order): Body<Order>,
) -> Result<Json<Value>, Refused> {
    let asked = ScopeRequest::parse(&order.scope, &simulator.base_url)
        .map_err(|refusal| Refused::invalid(format!("the scope: {refusal:?}")))?;
    let mut state = simulator.state();
    let tenant = tenant_id(&state, &order.tenant)?;
    let known = state.directory.tenants.get(&tenant);
    if !known.is_some_and(|tenant| tenant.users.contains_key(&order.user)) {
        return Err(Refused::missing("user", order.user));
    }
    if !state.directory.applications.contains_key(&order.client_id) {
        return Err(Refused::missing("application", order.client_id));
    }
    let token = random::secret("refresh.");
    let now = state.clock.moment();
    state.refresh_tokens.insert(
        token.clone(),
        RefreshToken {
            client: order.client_id,
            tenant,
            user: order.user,
            asked,
            issued: now,
            signed_in: now,
        },
    );
    Ok(Json(json!({ "refresh_token": token })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    user: Option<ObjectId>,
}

/// The uses of refresh tokens, oldest first.
pub(super) async fn refreshes(
    State(simulator): State<Arc<Simulator>>,
    Query(whose): Query<Whose>,
) -> Json<Value> {
    let state = simulator.state();
    let uses: Vec<&Refresh> = state
        .refreshes
        .uses()
        .filter(|refresh| whose.user.is_none_or(|user| user == refresh.user))
        .collect();
    Json(json!({ "total": state.refreshes.total(), "refreshes": uses }))
}

/// The tokens that were handed out last: what must be found nowhere.
pub(super) async fn list(State(simulator): State<Arc<Simulator>>) -> Json<Value> {
    let state = simulator.state();
    let refresh: Vec<&String> = state.refresh_tokens.keys_from_newest(MOST_SHOWN).collect();
    let access: Vec<&String> = state.access_tokens.keys_from_newest(MOST_SHOWN).collect();
    Json(json!({ "refresh_tokens": refresh, "access_tokens": access }))
}
