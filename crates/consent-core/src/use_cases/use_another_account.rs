//! A user has another mailbox now: the same permissions are asked for, of whichever account the user chooses.

use assent_contract::command::FlowStarted;
use assent_domain::effective::effective;
use assent_domain::event::Event;
use assent_domain::ids::{AccountId, Epoch, UserId};
use assent_domain::permissions::Kinds;

use crate::command_executor::User;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::use_cases::start_own_consent::{ConsentRequest, Named, ReturnTarget, start_own_consent};

/// The user goes on to Microsoft, for what is on, or else for what was; `None` where the company has moved on since the
/// page of that epoch was shown.
pub async fn use_another_account(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    epoch: Epoch,
    return_target: ReturnTarget,
) -> Result<Option<FlowStarted>, Failure> {
    let known = gateway.executor.user(account, user).await?;
    let company = gateway.executor.account(account).await?.state;
    if company.epoch != epoch {
        return Ok(None);
    }
    let on = effective(&company, &known.state).kinds();
    let request = ConsentRequest {
        ticked: if on.is_empty() {
            ever_granted(&known, epoch)
        } else {
            on
        },
        identity: Named::Another,
        login_hint: None,
        return_target,
    };
    let started = start_own_consent(gateway, account, user, request).await?;
    Ok(Some(started))
}

/// What was granted in this epoch, by whatever account.
fn ever_granted(user: &User, epoch: Epoch) -> Kinds {
    let events = user.history.events().iter();
    events
        .filter_map(|event| match &event.decoded.event {
            Event::UserScopeGranted(granted) if granted.epoch == epoch => Some(granted.permissions),
            Event::UserScopeGranted(_)
            | Event::UserScopeRevoked(_)
            | Event::ModeChanged(_)
            | Event::AdminConsentGranted(_) => None,
        })
        .fold(Kinds::NONE, |kinds, granted| kinds.union(granted.kinds()))
}
