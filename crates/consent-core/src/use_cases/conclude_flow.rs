//! How far a flow got: written down, told in the log, and where its browser goes.

use std::time::Duration;

use assent_contract::names::connection_ended;
use assent_domain::refusal::Refusal;
use assent_service_kit::error_chain::with_sources;
use tokio::time::Instant;
use url::Url;

use crate::failure::Failure;
use crate::flow::{Flow, FlowOutcome, FlowStage, Purpose};
use crate::gateway::Gateway;
use crate::kv_store::{StoreError, Versioned};
use crate::use_cases::find_flow::find_flow;
use crate::use_cases::flow_progress::{log_progress, note_on_hand_off, return_url};
use crate::use_cases::observe_consent;

/// How long the end of a flow is tried to be written down while the store can't be reached, and how often.
const KEEPS_TRYING_FOR: Duration = Duration::from_secs(30);
const TRIES_EVERY: Duration = Duration::from_secs(1);

/// Ends a flow, and sends the browser back.
pub(crate) async fn conclude(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    outcome: FlowOutcome,
) -> Result<Url, Failure> {
    let id = stored.value.id;
    tell_login_hooks(gateway, &stored.value).await;
    observe_consent::on_concluded(gateway, &stored.value, &outcome).await;
    let completed = matches!(outcome, FlowOutcome::Completed(_));
    let stage = FlowStage::from(outcome);
    let until = Instant::now() + KEEPS_TRYING_FOR;
    loop {
        stored.value.stage = stage.clone();
        match gateway.flows.change(stored.clone()).await {
            Ok(ended) => {
                note_on_hand_off(gateway, &ended.value).await;
                log_progress(gateway, &ended.value);
                return Ok(return_url(gateway, &ended.value, None));
            }
            Err(StoreError::Changed) => {}
            // How it went is known now, and nowhere else.
            Err(StoreError::OutOfReach(_) | StoreError::Unavailable { .. })
                if Instant::now() < until =>
            {
                tokio::time::sleep(TRIES_EVERY).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        // Somebody said first how it went. That stands, unless they only gave it up: what is on the log is told. Or it
        // goes on waiting, and a visit that came again was led to it.
        let Some(found) = gateway.flows.find(id).await? else {
            return Err(Refusal::FlowExpired.into());
        };
        let counts = found.value.is_waiting(gateway.now());
        if !(counts || (completed && found.value.was_interrupted())) {
            return Ok(return_url(gateway, &found.value, None));
        }
        stored = found;
    }
}

/// A passage is offered to its user at each login while it is good, and is good once. Told before the browser is sent back, so
/// that whoever signs in next is offered another one, or none; lost, the used one is offered for a minute or two.
async fn tell_login_hooks(gateway: &Gateway, flow: &Flow) {
    match flow.purpose {
        Purpose::Connection { .. } => {}
        Purpose::AdministratorConsent { .. } | Purpose::OwnConsent { .. } => return,
    }
    let subject = connection_ended(&flow.account, &flow.started_by);
    let told = gateway.connection.publish(&subject, &[], Vec::new()).await;
    if let Err(error) = told {
        tracing::debug!(error = %with_sources(&error), "no login hook hears that a passage is over");
    }
}

/// A flow waits for somebody to confirm it. If it was given up meanwhile: where the browser goes.
pub(crate) async fn wait(
    gateway: &Gateway,
    stored: Versioned<Flow>,
) -> Result<Result<Versioned<Flow>, Url>, Failure> {
    let id = stored.value.id;
    match gateway.flows.change(stored).await {
        Ok(stored) => {
            log_progress(gateway, &stored.value);
            Ok(Ok(stored))
        }
        Err(StoreError::Changed) => {
            let found = gateway.flows.find(id).await?;
            let found = found.ok_or(Refusal::FlowExpired)?;
            Ok(Err(return_url(gateway, &found.value, None)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a flow that is being redeemed still counts. What took so long that it was given up, or whose user was cut off
/// meanwhile, is not recorded any more.
pub(crate) async fn still_counts(
    gateway: &Gateway,
    stored: &Versioned<Flow>,
) -> Result<(), Failure> {
    let found = find_flow(gateway, stored.value.id).await?;
    let counts = found.is_some_and(|found| {
        found.revision() == stored.revision() && !found.value.is_expired(gateway.now())
    });
    if counts {
        Ok(())
    } else {
        Err(Refusal::FlowExpired.into())
    }
}
