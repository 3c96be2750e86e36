//! What is in people's mailboxes, put there and taken away behind everybody's back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Body, Refused, tenant_id};
use crate::identifiers::ObjectId;
use crate::mailboxes::{CAPACITY, Contents, Kind, MailboxSample};
use crate::simulator::Simulator;
use crate::state::SimulatedState;

/// Does something with a mailbox.
fn with<T>(
    state: &mut SimulatedState,
    (tenant, user): (&str, Uuid),
    work: impl FnOnce(&mut Contents, &crate::directory::User, i64) -> T,
) -> Result<T, Refused> {
    let tenant = tenant_id(state, tenant)?;
    let now = state.clock.now();
    let found = state.directory.tenants.get(&tenant);
    let person = found
        .and_then(|tenant| tenant.users.get(&ObjectId(user)))
        .ok_or_else(|| Refused::missing("user", user))?;
    Ok(work(state.mailboxes.of(person, now), person, now))
}

fn shown(contents: &Contents) -> Value {
    let ids = |kind: Kind| -> Vec<&str> {
        contents
            .present()
            .filter(|item| item.kind == kind)
            .map(|item| item.id.as_str())
            .collect()
    };
    json!({
        "messages": ids(Kind::Message), "events": ids(Kind::Event), "contacts": ids(Kind::Contact),
    })
}

pub(super) async fn show(
    State(simulator): State<Arc<Simulator>>,
    Path((tenant, user)): Path<(String, Uuid)>,
) -> Result<Json<Value>, Refused> {
    let mut state = simulator.state();
    with(&mut state, (&tenant, user), |contents, _, _| {
        Json(shown(contents))
    })
}

/// Makes up so many more of each.
pub(super) async fn add(
    State(simulator): State<Arc<Simulator>>,
    Path((tenant, user)): Path<(String, Uuid)>,
    Body(sample): Body<MailboxSample>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    if sample.total() > CAPACITY {
        return Err(Refused::invalid(format!(
            "a mailbox holds {CAPACITY} things"
        )));
    }
    let mut state = simulator.state();
    with(&mut state, (&tenant, user), |contents, person, now| {
        sample.put_into(contents, person, now);
        (StatusCode::CREATED, Json(shown(contents)))
    })
}

pub(super) async fn empty(
    State(simulator): State<Arc<Simulator>>,
    Path((tenant, user)): Path<(String, Uuid)>,
) -> Result<StatusCode, Refused> {
    let mut state = simulator.state();
    with(&mut state, (&tenant, user), |contents, _, _| {
        contents.empty();
        StatusCode::NO_CONTENT
    })
}

pub(super) async fn remove(
    State(simulator): State<Arc<Simulator>>,
    Path((tenant, user, id)): Path<(String, Uuid, String)>,
) -> Result<StatusCode, Refused> {
    let mut state = simulator.state();
    let removed = with(&mut state, (&tenant, user), |contents, _, _| {
        contents.remove(&id)
    })?;
    if removed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refused::missing("thing in the mailbox", id))
    }
}
