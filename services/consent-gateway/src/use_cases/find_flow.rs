//! A flow, as far as it still counts.

use assent_domain::ids::Epoch;
use jiff::Timestamp;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{Flow, Purpose, Stage};
use crate::gateway::Gateway;
use crate::records::Stored;

/// Finds a flow; `None` if there is none, or none any more. An administrator's flow is over with the epoch that it was
/// begun in, and any flow with its user's right (which the store looks after): what is found then has expired.
pub(crate) async fn find_flow(
    gateway: &Gateway,
    id: Uuid,
) -> Result<Option<Stored<Flow>>, Failure> {
    let Some(mut stored) = gateway.flows.find(id).await? else {
        return Ok(None);
    };
    let flow = &mut stored.value;
    if !flow.is_expired(Timestamp::now()) && is_outdated(gateway, flow).await? {
        flow.cut_short();
    }
    Ok(Some(stored))
}

/// Whether the company has moved on since. Where it has because of this very flow, the flow is about to say so.
async fn is_outdated(gateway: &Gateway, flow: &Flow) -> Result<bool, Failure> {
    let Purpose::AdministratorConsent { begun_in, .. } = &flow.purpose else {
        return Ok(false);
    };
    let answer = match &flow.stage {
        Stage::Redeeming | Stage::Ended { .. } => return Ok(false),
        Stage::AwaitingAdministrator { answer, .. } => Some(answer),
        Stage::AtAdminConsent | Stage::AtAuthorize { .. } | Stage::AwaitingConfirmation { .. } => {
            None
        }
    };
    let company = gateway.ledger.company(&flow.account).await?.state;
    let in_force = company.consent().map(|consent| consent.id.0);
    if answer.is_some_and(|answer| in_force == Some(answer.consent)) {
        return Ok(false);
    }
    Ok(begun_in.map(Epoch) != Some(company.epoch))
}
