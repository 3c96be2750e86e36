//! Faults, the clock, the options, the counters, and starting again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, Refused};
use crate::aadsts::{Code, ON_DEMAND, Shape, Surface};
use crate::faults::Fault;
use crate::refreshes::Throttle;
use crate::seed::SeedDocument;
use crate::simulator::Simulator;
use crate::state::{Elsewhere, Options, ScopeNames, SilentConsent, TokenScopes};
use crate::story;

pub(super) async fn faults(State(simulator): State<Arc<Simulator>>) -> Json<Value> {
    let state = simulator.state();
    let waiting: Vec<&Fault> = state.faults.waiting().collect();
    Json(json!({ "faults": waiting }))
}

pub(super) async fn add_fault(
    State(simulator): State<Arc<Simulator>>,
    Body(fault): Body<Fault>,
) -> Result<StatusCode, Refused> {
    if let Some(problem) = fault.problem() {
        return Err(Refused::invalid(problem));
    }
    if simulator.state().faults.add(fault) {
        Ok(StatusCode::CREATED)
    } else {
        Err(Refused::invalid("there are too many faults already"))
    }
}

/// What can be played: every row of the table, so that other tests can go through all of it.
pub(super) async fn refusals() -> Json<Value> {
    let rows: Vec<Value> = ON_DEMAND.iter().copied().map(row).collect();
    Json(json!(rows))
}

fn row(code: Code) -> Value {
    let refusal = code.refusal();
    let errors = |shape| {
        json!({
            "authorize": code.error(Surface::Authorize, shape),
            "adminconsent": code.error(Surface::AdminConsent, shape),
            "token": code.error(Surface::Token, shape),
        })
    };
    json!({
        "code": refusal.number,
        "name": refusal.name,
        "message": refusal.message,
        "error_on_authorize": code.error(Surface::Authorize, Shape::Observed),
        "error_on_adminconsent": code.error(Surface::AdminConsent, Shape::Observed),
        "error_on_token": code.error(Surface::Token, Shape::Observed),
        "suberror": refusal.suberror,
        "claims": refusal.claims,
        "observed_only_as_cancel": refusal.ends_on_page,
        "documented": errors(Shape::Documented),
        "observed": errors(Shape::Observed),
    })
}

pub(super) async fn clear_faults(State(simulator): State<Arc<Simulator>>) -> StatusCode {
    simulator.state().faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    advance_seconds: u32,
}

pub(super) async fn advance_clock(
    State(simulator): State<Arc<Simulator>>,
    Body(advance): Body<Advance>,
) -> Json<Value> {
    let mut state = simulator.state();
    state.clock.advance(advance.advance_seconds);
    Json(json!({ "now": state.clock.now() }))
}

pub(super) async fn calls(State(simulator): State<Arc<Simulator>>) -> Json<Value> {
    Json(json!(simulator.state().faults.calls()))
}

pub(super) async fn options(State(simulator): State<Arc<Simulator>>) -> Json<Options> {
    Json(simulator.state().options)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionsChange {
    scope_names: Option<ScopeNames>,
    token_scopes: Option<TokenScopes>,
    autodiscover: Option<Elsewhere>,
    silent_consent: Option<SilentConsent>,
    access_token_seconds: Option<u32>,
    /// 0 calls: nobody is throttled.
    throttle: Option<Throttle>,
}

pub(super) async fn change_options(
    State(simulator): State<Arc<Simulator>>,
    Body(change): Body<OptionsChange>,
) -> Json<Options> {
    let mut state = simulator.state();
    let now = state.options;
    state.options = Options {
        scope_names: change.scope_names.unwrap_or(now.scope_names),
        token_scopes: change.token_scopes.unwrap_or(now.token_scopes),
        autodiscover: change.autodiscover.unwrap_or(now.autodiscover),
        silent_consent: change.silent_consent.unwrap_or(now.silent_consent),
        access_token_seconds: change
            .access_token_seconds
            .unwrap_or(now.access_token_seconds),
        throttle: match change.throttle {
            Some(throttle) => Some(throttle).filter(|throttle| throttle.calls > 0),
            None => now.throttle,
        },
    };
    Json(state.options)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NewSeed {
    Named(SeedName),
    Document(SeedDocument),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SeedName {
    Story,
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    seed: Option<NewSeed>,
}

pub(super) async fn reset(
    State(simulator): State<Arc<Simulator>>,
    Body(reset): Body<Reset>,
) -> Result<StatusCode, Refused> {
    let document = match reset.seed {
        None => simulator.seed.clone(),
        Some(NewSeed::Named(SeedName::Story)) => story::document(&simulator.redirect_uris),
        Some(NewSeed::Named(SeedName::Empty)) => SeedDocument::default(),
        Some(NewSeed::Document(document)) => document,
    };
    let directory = document.build()?;
    simulator.state().reset(directory);
    Ok(StatusCode::NO_CONTENT)
}
