//! The proved administrator decides on our page: it is recorded, or it was not them.

use assent_domain::refusal::Refusal;
use url::Url;

use crate::failure::Failure;
use crate::flow::{Flow, FlowOutcome, FlowSecret, FlowStage, VerifiedConsent};
use crate::gateway::Gateway;
use crate::kv_store::{StoreError, Versioned};
use crate::use_cases::conclude_flow::conclude;
use crate::use_cases::find_flow::find_flow;
use crate::use_cases::finish_admin_consent::demanded;
use crate::use_cases::flow_progress::return_url;
use crate::use_cases::record_admin_consent::{asked_of, record};
use crate::use_cases::visit::Visit;

/// Why there is nothing to confirm, or not now.
#[derive(Debug)]
pub enum ConfirmationClosed {
    /// No such page was ever given out, or long ago.
    Unknown,
    /// The time is over, or what the flow stood on is gone; where the browser belongs.
    Expired(Url),
    /// The page has been answered; where the browser belongs.
    Answered(Url),
    /// Somebody is sending it off this very moment.
    BeingRecorded,
    /// The answer could not be looked up or recorded. Trying again may help.
    Failed(Failure),
}

impl From<Failure> for ConfirmationClosed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for ConfirmationClosed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed => Self::BeingRecorded,
            StoreError::Full { .. }
            | StoreError::OutOfReach(_)
            | StoreError::Unavailable { .. }
            | StoreError::Unreadable(_) => Self::Failed(error.into()),
        }
    }
}

/// The flow that a page belongs to, and Microsoft's answer that waits in it. Looking changes nothing.
pub async fn find(
    gateway: &Gateway,
    page: &FlowSecret,
) -> Result<(Versioned<Flow>, VerifiedConsent), ConfirmationClosed> {
    let stored = find_flow(gateway, page.flow).await?;
    let stored = stored.ok_or(ConfirmationClosed::Unknown)?;
    let flow = &stored.value;
    if !flow.states.lead_to_the_page(page) {
        return Err(ConfirmationClosed::Unknown);
    }
    let now = gateway.now();
    if flow.is_expired(now) {
        return Err(ConfirmationClosed::Expired(return_url(gateway, flow, None)));
    }
    match &flow.stage {
        FlowStage::AwaitingAdministrator { .. } if flow.is_being_recorded(now) => {
            Err(ConfirmationClosed::BeingRecorded)
        }
        FlowStage::AwaitingAdministrator { answer, .. } => {
            let answer = answer.clone();
            Ok((stored, answer))
        }
        FlowStage::AtAdminConsent
        | FlowStage::AtAuthorize { .. }
        | FlowStage::Redeeming
        | FlowStage::AwaitingConfirmation { .. }
        | FlowStage::Ended { .. } => Err(ConfirmationClosed::Answered(return_url(
            gateway, flow, None,
        ))),
    }
}

/// Records it, decided once more on the log as it is now; where the browser goes then.
pub(crate) async fn confirm(
    gateway: &Gateway,
    page: &FlowSecret,
) -> Result<Url, ConfirmationClosed> {
    let (mut stored, answer) = find(gateway, page).await?;
    let (asked, route) = asked_of(&stored.value)?;
    // Of several who send it off only one records it.
    stored.value.stage = FlowStage::AwaitingAdministrator {
        answer: answer.clone(),
        taken_at: Some(gateway.now()),
    };
    let mut stored = gateway.flows.change(stored).await?;
    let command = answer.command(asked, demanded(gateway.admin_proof));
    let outcome = match record(gateway, &stored.value, route, command).await {
        Ok(outcome) => outcome,
        Err(Failure::Refused(refusal)) => FlowOutcome::Refused(refusal),
        // Nothing is known to be recorded. The flow goes on waiting, so that it can be sent off again.
        Err(failure) => {
            stored.value.stage = FlowStage::AwaitingAdministrator {
                answer,
                taken_at: None,
            };
            gateway.flows.change(stored).await?;
            return Err(failure.into());
        }
    };
    Ok(conclude(gateway, stored, outcome).await?)
}

/// Records an administrator's answer for a person who may have sent the form twice: whoever comes second goes where the
/// first one went, once that is recorded.
pub async fn confirm_or_follow(
    gateway: &Gateway,
    page: &FlowSecret,
) -> Result<Url, ConfirmationClosed> {
    let mut visit = Visit::begin();
    loop {
        match confirm(gateway, page).await {
            Err(ConfirmationClosed::Answered(to)) => return Ok(to),
            Err(ConfirmationClosed::BeingRecorded) if visit.waits().await => {}
            done => return done,
        }
    }
}

/// The administrator did not mean this. Whoever led them here was in another browser, or is a stranger to them.
pub async fn disown(gateway: &Gateway, page: &FlowSecret) -> Result<Url, ConfirmationClosed> {
    let (stored, answer) = find(gateway, page).await?;
    tracing::warn!(
        security_event = "administrator_flow_disowned",
        flow.id = %stored.value.id,
        account.id = %stored.value.account,
        tenant.id = %answer.tenant.id,
        administrator.object_id = %answer.granted_by,
        "an administrator says that a consent which is asked in their name is not theirs"
    );
    Ok(conclude(gateway, stored, FlowOutcome::Refused(Refusal::Declined)).await?)
}

#[cfg(test)]
mod tests;
