//! The tests' way in, under `/_control/`. The crate's README describes it.

mod applications;
mod browse;
mod grants;
mod held_tokens;
mod mailboxes;
mod tenants;
mod tokens;
mod trouble;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::identifiers::TenantId;
use crate::seed::SeedError;
use crate::simulator::Simulator;
use crate::state::SimulatedState;

pub(crate) fn routes() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route(
            "/tenants/{tenant}",
            patch(tenants::change).delete(tenants::remove),
        )
        .route(
            "/tenants/{tenant}/users",
            get(tenants::list_users).post(tenants::create_user),
        )
        .route(
            "/tenants/{tenant}/users/{user}",
            patch(tenants::change_user).delete(tenants::remove_user),
        )
        .route(
            "/tenants/{tenant}/applications/{client_id}",
            put(applications::install),
        )
        .route(
            "/applications",
            get(applications::list).post(applications::create),
        )
        .route("/applications/{client_id}", patch(applications::change))
        .route(
            "/grants",
            get(grants::list)
                .post(grants::create)
                .delete(grants::remove_matching),
        )
        .route("/grants/{id}", patch(grants::change).delete(grants::remove))
        .route("/browse", post(browse::browse))
        .route("/id-token", post(tokens::mint))
        .route("/refresh-token", post(held_tokens::mint))
        .route("/refreshes", get(held_tokens::refreshes))
        .route("/tokens", get(held_tokens::list))
        .route(
            "/tenants/{tenant}/users/{user}/mailbox",
            get(mailboxes::show)
                .post(mailboxes::add)
                .delete(mailboxes::empty),
        )
        .route(
            "/tenants/{tenant}/users/{user}/mailbox/{id}",
            delete(mailboxes::remove),
        )
        .route("/keys/rotate", post(tokens::rotate))
        .route(
            "/faults",
            get(trouble::faults)
                .post(trouble::add_fault)
                .delete(trouble::clear_faults),
        )
        .route("/refusals", get(trouble::refusals))
        .route("/clock", post(trouble::advance_clock))
        .route("/calls", get(trouble::calls))
        .route(
            "/options",
            get(trouble::options).patch(trouble::change_options),
        )
        .route("/reset", post(trouble::reset))
}

/// A control call that was refused, and why.
#[derive(Debug)]
struct Refused(StatusCode, String);

impl Refused {
    fn invalid(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn missing(what: &str, name: impl std::fmt::Display) -> Self {
        Self(StatusCode::NOT_FOUND, format!("there is no {what} {name}"))
    }
}

impl From<SeedError> for Refused {
    fn from(error: SeedError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

/// A JSON body. No body at all stands for `{}`, whatever its content type claims.
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Refused::invalid(error.to_string()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|error| Refused::invalid(error.to_string()))
    }
}

fn tenant_id(state: &SimulatedState, name: &str) -> Result<TenantId, Refused> {
    state
        .directory
        .tenant_named(name)
        .map(|tenant| tenant.id)
        .ok_or_else(|| Refused::missing("tenant", name))
}
