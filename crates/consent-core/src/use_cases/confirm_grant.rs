//! The session that began a flow confirms the grant that came back to it.

use assent_domain::ids::Sequence;
use assent_domain::refusal::Refusal;

use crate::failure::Failure;
use crate::flow::{Flow, FlowOutcome, FlowStage, FlowView};
use crate::gateway::Gateway;
use crate::kv_store::{StoreError, Versioned};
use crate::reasons::{Forbidden, InvalidRequest};
use crate::use_cases::finish_own_consent::{GrantedScopes, record, settle};
use crate::use_cases::flow_progress::log_progress;
use crate::use_cases::observe_consent;

/// Records the grant, then ends the flow: in this order, because recording twice changes
/// nothing, and a flow that ended can't be recorded any more.
pub async fn confirm_grant(
    gateway: &Gateway,
    stored: Versioned<Flow>,
    confirm: &str,
) -> Result<(FlowView, Sequence), Failure> {
    let now = gateway.now();
    if stored.value.is_expired(now) {
        return Err(Refusal::FlowExpired.into());
    }
    let (held, mailbox, sealed_token) = match &stored.value.stage {
        FlowStage::AwaitingConfirmation {
            held,
            scopes,
            identity,
            mailbox,
            sealed_token,
            ..
        } => {
            if !stored.value.is_confirmed_by(confirm) {
                return Err(Failure::Invalid(InvalidRequest::WrongConfirmValue));
            }
            let held = GrantedScopes {
                permissions: (*held).into(),
                scopes: scopes.clone(),
                identity: (*identity).into(),
            };
            (held, *mailbox, sealed_token.clone())
        }
        FlowStage::AtAdminConsent | FlowStage::AtAuthorize { .. } | FlowStage::Redeeming => {
            return Err(Failure::Invalid(InvalidRequest::NothingToConfirm));
        }
        FlowStage::AwaitingAdministrator { .. } => {
            return Err(Failure::Forbidden(Forbidden::AdministratorOnly));
        }
        FlowStage::Ended { .. } => return Err(Refusal::FlowAlreadyUsed.into()),
    };
    gateway.limits.write(&stored.value.account)?;
    let tenant = held.identity.tenant;
    let outcome = match record(gateway, &stored.value, held, sealed_token).await {
        Ok(completion) => settle(gateway, &stored.value, completion, tenant, mailbox).await,
        Err(Failure::Refused(refusal)) => FlowOutcome::Refused(refusal),
        // The log is away: the flow goes on waiting, so this can be tried again.
        Err(failure) => return Err(failure),
    };
    observe_consent::on_concluded(gateway, &stored.value, &outcome).await;
    let stored = ended(gateway, stored, &FlowStage::from(outcome)).await?;
    observe_consent::on_abandoned(gateway, &stored.value).await;
    let user = gateway
        .executor
        .user(&stored.value.account, &stored.value.started_by)
        .await?;
    Ok((stored.value.view(now), user.state.last_sequence))
}

/// Ends the flow. A visit that came again may have got another value to confirm with meanwhile: that ends it for nobody.
async fn ended(
    gateway: &Gateway,
    mut stored: Versioned<Flow>,
    stage: &FlowStage,
) -> Result<Versioned<Flow>, Failure> {
    let id = stored.value.id;
    loop {
        stored.value.stage = stage.clone();
        match gateway.flows.change(stored).await {
            Ok(ended) => {
                log_progress(gateway, &ended.value);
                return Ok(ended);
            }
            Err(StoreError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
        stored = match gateway.flows.find(id).await? {
            Some(found) if !found.value.has_ended() => found,
            Some(_) | None => return Err(Refusal::FlowAlreadyUsed.into()),
        };
    }
}
