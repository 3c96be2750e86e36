//! A flow, as far as it still counts.

use assent_domain::ids::Epoch;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{Flow, FlowFailure, FlowOutcome, FlowStage, Purpose};
use crate::gateway::Gateway;
use crate::kv_store::{StoreError, Versioned};
use crate::use_cases::flow_progress::{log_progress, note_on_hand_off};

/// Finds a flow; `None` if there is none, or none any more. An administrator's flow is over with the epoch that it was
/// begun in, and any flow with its user's right (which the store looks after): what is found then has expired. One that
/// a gateway took and did not end in time is over, too.
pub(crate) async fn find_flow(
    gateway: &Gateway,
    id: Uuid,
) -> Result<Option<Versioned<Flow>>, Failure> {
    let Some(mut stored) = gateway.flows.find(id).await? else {
        return Ok(None);
    };
    if stored.value.is_given_up(gateway.now()) {
        return Ok(Some(give_up(gateway, stored).await?));
    }
    let flow = &mut stored.value;
    if !flow.is_expired(gateway.now()) && is_outdated(gateway, flow).await? {
        flow.cut_short();
    }
    Ok(Some(stored))
}

/// Writes down that whoever took a flow is gone, unless they say at this very moment how it went.
async fn give_up(gateway: &Gateway, stored: Versioned<Flow>) -> Result<Versioned<Flow>, Failure> {
    let mut over = stored.clone();
    over.value.stage = FlowStage::from(FlowOutcome::Failed(FlowFailure::Interrupted));
    match gateway.flows.change(over).await {
        Ok(over) => {
            tracing::warn!(
                flow.id = %over.value.id,
                "whoever took a callback did not say in time how it went"
            );
            log_progress(gateway, &over.value);
            note_on_hand_off(gateway, &over.value).await;
            Ok(over)
        }
        Err(StoreError::Changed) => {
            let found = gateway.flows.find(stored.value.id).await?;
            Ok(found.unwrap_or(stored))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the company has moved on since. Where it has because of this very flow, the flow is about to say so.
async fn is_outdated(gateway: &Gateway, flow: &Flow) -> Result<bool, Failure> {
    let Purpose::AdministratorConsent { begun_in, .. } = &flow.purpose else {
        return Ok(false);
    };
    let answer = match &flow.stage {
        FlowStage::Redeeming | FlowStage::Ended { .. } => return Ok(false),
        FlowStage::AwaitingAdministrator { answer, .. } => Some(answer),
        FlowStage::AtAdminConsent
        | FlowStage::AtAuthorize { .. }
        | FlowStage::AwaitingConfirmation { .. } => None,
    };
    let company = gateway.executor.account(&flow.account).await?.state;
    let in_force = company.consent().map(|consent| consent.id.0);
    if answer.is_some_and(|answer| in_force == Some(answer.consent)) {
        return Ok(false);
    }
    Ok(begun_in.map(Epoch) != Some(company.epoch))
}
