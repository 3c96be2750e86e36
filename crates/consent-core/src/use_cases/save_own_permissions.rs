//! A user saves the boxes of Settings > My account: what was unticked is taken back at once, for what was ticked the
//! user goes to Microsoft.

use assent_contract::command::FlowStarted;
use assent_domain::effective::effective;
use assent_domain::ids::{AccountId, Epoch, UserId};
use assent_domain::permissions::Kinds;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::use_cases::revoke_own_grant::revoke_own_grant;
use crate::use_cases::start_own_consent::{ConsentRequest, Named, ReturnTarget, start_own_consent};

/// The boxes, as they were shown and as they came back. Only what the user changed is changed: a page that has stood
/// open in another tab must not take back what was granted meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct PermissionForm {
    /// What had a box.
    pub shown: Kinds,
    /// What was ticked.
    pub ticked: Kinds,
    /// Of what epoch the page spoke.
    pub epoch: Epoch,
}

/// What became of it.
#[derive(Debug)]
pub enum Saved {
    /// Nothing was to be done.
    Unchanged,
    /// These are off now.
    Revoked,
    /// These are off now, and for the others the user could not be sent to Microsoft.
    RevokedAlone(Failure),
    /// The user goes on to Microsoft.
    AtMicrosoft(FlowStarted),
    /// The company changed its method meanwhile, so nothing was done.
    EpochChanged,
}

/// Revokes what is no longer ticked, and begins a consent to what is newly ticked.
pub async fn save_own_permissions(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    boxes: PermissionForm,
    return_target: ReturnTarget,
) -> Result<Saved, Failure> {
    let removed = boxes.shown.without(boxes.ticked);
    let state = gateway.executor.user(account, user).await;
    let company = gateway.executor.account(account).await;
    if company
        .as_ref()
        .is_ok_and(|company| company.state.epoch != boxes.epoch)
    {
        return Ok(Saved::EpochChanged);
    }
    let (state, company) = match (state, company) {
        (Ok(user), Ok(company)) => (user.state, company.state),
        // What is ticked has to wait until the log is restored; a no has not.
        (Err(Failure::Damaged(_) | Failure::LogNotBelieved(_)), _)
        | (_, Err(Failure::Damaged(_) | Failure::LogNotBelieved(_)))
            if !removed.is_empty() =>
        {
            revoke_own_grant(gateway, account, user, removed).await?;
            return Ok(Saved::Revoked);
        }
        (Err(failure), _) | (_, Err(failure)) => return Err(failure),
    };
    // First: to take something back must not depend on Microsoft.
    let revoked = !removed.is_empty();
    if revoked {
        revoke_own_grant(gateway, account, user, removed).await?;
    }
    let added = boxes.ticked.without(boxes.shown);
    let wanted = company.email_sync.cap().only(added);
    let missing = wanted.missing_from(effective(&company, &state));
    if missing.is_nothing() {
        return Ok(if revoked {
            Saved::Revoked
        } else {
            Saved::Unchanged
        });
    }
    let request = ConsentRequest {
        ticked: missing.kinds(),
        // Whoever gives one thing up and takes another is who they were when they sent the form.
        identity: Named::Nobody {
            until_now: state.mailbox(company.epoch),
        },
        login_hint: None,
        return_target,
    };
    match start_own_consent(gateway, account, user, request).await {
        Ok(started) => Ok(Saved::AtMicrosoft(started)),
        Err(failure) if revoked => Ok(Saved::RevokedAlone(failure)),
        Err(failure) => Err(failure),
    }
}
