//! ID tokens made to order, good and forged, and the rotation of the keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Body, Refused, tenant_id};
use crate::id_token::{self, Forgery, Subject};
use crate::identifiers::{ClientId, ObjectId};
use crate::keys::{self, KeyError, SigningKey};
use crate::simulator::Simulator;

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    tenant: String,
    user: ObjectId,
    client_id: ClientId,
    nonce: Option<String>,
    forge: Option<Forgery>,
    #[serde(default)]
    claims: Map<String, Value>,
}

pub(super) async fn mint(
    State(simulator): State<Arc<Simulator>>,
    Body(order): Body<Order>,
) -> Result<Json<Value>, Refused> {
    let stranger = if order.forge.is_some_and(Forgery::needs_stranger) {
        Some(SigningKey::generate_aside().await?)
    } else {
        None
    };
    let state = simulator.state();
    let tenant = tenant_id(&state, &order.tenant)?;
    let tenant = state
        .directory
        .tenants
        .get(&tenant)
        .ok_or_else(|| Refused::missing("tenant", &order.tenant))?;
    let user = tenant
        .users
        .get(&order.user)
        .ok_or_else(|| Refused::missing("user", order.user))?;
    let application = state
        .directory
        .applications
        .get(&order.client_id)
        .ok_or_else(|| Refused::missing("application", order.client_id))?;
    let now = state.clock.now();
    let subject = Subject {
        base_url: &simulator.base_url,
        tenant,
        user,
        application,
        nonce: order.nonce.as_deref(),
        profile: true,
        email: true,
        now,
    };
    let mut claims = subject.claims();
    for (name, value) in order.claims {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    let token = match order.forge {
        Some(forgery) => id_token::forge(forgery, claims, &state.keys, stranger.as_ref(), now)?,
        None => keys::sign_jwt(&state.keys.current, &Value::Object(claims))?,
    };
    Ok(Json(json!({ "id_token": token })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    #[serde(default)]
    forget_old: bool,
}

pub(super) async fn rotate(
    State(simulator): State<Arc<Simulator>>,
    Body(rotation): Body<Rotation>,
) -> Result<Json<Value>, Refused> {
    let key = SigningKey::generate_aside().await?;
    let kid = key.kid.clone();
    simulator.state().keys.rotate(key, rotation.forget_old);
    Ok(Json(json!({ "kid": kid })))
}
