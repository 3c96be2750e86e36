//! The session that began a flow confirms the grant that came back to it.

use assent_domain::ids::Sequence;
use assent_domain::refusal::Refusal;
use jiff::Timestamp;

use crate::failure::Failure;
use crate::flow::{Ending, FlowView, Stage, Stored};
use crate::gateway::Gateway;
use crate::use_cases::finish_own_consent::{awaiting, record};
use crate::use_cases::take_callback::used;

/// Records the grant, then ends the flow: in this order, because recording twice changes
/// nothing, and a flow that ended can't be recorded any more.
pub(crate) async fn confirm_grant(
    gateway: &Gateway,
    mut stored: Stored,
    confirm: &str,
) -> Result<(FlowView, Sequence), Failure> {
    let now = Timestamp::now();
    if stored.flow.is_expired(now) {
        return Err(Refusal::FlowExpired.into());
    }
    let held = match &stored.flow.stage {
        Stage::AwaitingConfirmation {
            confirm: digest,
            held,
            scopes,
            identity,
        } => {
            if !digest.is_of(confirm) {
                return Err(Failure::Invalid(
                    "this is not the flow's confirm value".to_owned(),
                ));
            }
            awaiting(*held, scopes.clone(), *identity)
        }
        Stage::AtAdminConsent | Stage::AtAuthorize { .. } | Stage::Redeeming => {
            return Err(Failure::Invalid(
                "the flow awaits no confirmation yet".to_owned(),
            ));
        }
        Stage::Ended { .. } => return Err(Refusal::FlowAlreadyUsed.into()),
    };
    let ending = match record(gateway, &stored.flow, held).await {
        Ok(ending) => ending,
        Err(Failure::Refused(refusal)) => Ending::Refused(refusal),
        // The log is away: the flow goes on waiting, so this can be tried again.
        Err(failure) => return Err(failure),
    };
    stored.flow.stage = Stage::from(ending);
    let stored = gateway.flows.change(stored).await.map_err(used)?;
    let user = gateway
        .ledger
        .user(&stored.flow.account, &stored.flow.started_by)
        .await?;
    Ok((stored.flow.view(now), user.state.last_sequence))
}
