//! A login decided to prompt a user: for all that can be had, and not into a dead end.
//!
//! Somebody who opens the settings and asks may always try at Microsoft. A login is another matter: nobody asked for
//! it, so it leaves out what this user or this tenant is known not to get without an administrator; and what this very
//! account has answered. The log does not say of whom a decline was, so a login asks here whether it counts.

use assent_contract::command::{FlowStarted, UserConsentBegun};
use assent_contract::values::kinds_to_list;
use assent_domain::ids::{AccountId, UserId};
use assent_microsoft_identity::TenantRef;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::use_cases::consent_prompt::ConsentPrompt;
use crate::use_cases::observe_consent::Wanted;
use crate::use_cases::start_own_consent::{ConsentRequest, Named, begin, decide_prompt};

/// Begins a user's consent at a login, for what there is left to ask for.
pub async fn prompt_at_login(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    request: ConsentRequest,
    unless_answered: bool,
) -> Result<UserConsentBegun, Failure> {
    if unless_answered {
        somebody_else_answered(gateway, account, user, &request).await?;
    }
    if let Named::Vouched(identity) = request.identity {
        // The login hook verified the token that this tenant signed: nobody typed it, so it is not counted as typed.
        gateway.tenant(&TenantRef::Id(identity.tenant_id)).await?;
    }
    let prompt = decide_prompt(gateway, account, user, &request).await?;
    let prompt = unanswered(gateway, account, user, &request, prompt).await?;
    let who = (account, user);
    let begun = begin(
        gateway,
        who,
        prompt,
        request.return_target,
        Wanted::ByALogin,
    )
    .await?;
    let FlowStarted {
        flow_id,
        authorize_url,
        expires_at,
    } = begun.started;
    Ok(UserConsentBegun {
        flow_id,
        authorize_url,
        expires_at,
        permissions: kinds_to_list(begun.asked),
        needs_approval: kinds_to_list(begun.left_out),
    })
}

/// Whether it is worth looking at all: nearly everybody who has answered has one account.
async fn somebody_else_answered(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    request: &ConsentRequest,
) -> Result<(), Failure> {
    let Named::Vouched(identity) = request.identity else {
        return Err(Failure::AlreadyAnswered);
    };
    let accounts = gateway.observations.accounts(account, user).await;
    if accounts.somebody_else_declined(identity) {
        return Ok(());
    }
    Err(Failure::AlreadyAnswered)
}

/// What the account that signed in has not answered.
async fn unanswered(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    request: &ConsentRequest,
    prompt: ConsentPrompt,
) -> Result<ConsentPrompt, Failure> {
    let (Named::Vouched(_), Some(identity)) = (request.identity, prompt.expected) else {
        return Ok(prompt);
    };
    let state = gateway.executor.user(account, user).await?.state;
    let accounts = gateway.observations.accounts(account, user).await;
    let is_about_them = !state.is_of_another(prompt.epoch, identity);
    let on_the_log = is_about_them.then(|| state.in_epoch(prompt.epoch).answered);
    let answered = accounts.answered_by(prompt.epoch, identity, on_the_log);
    let asked = prompt.asked.without(answered);
    if asked.is_nothing() {
        return Err(Failure::AlreadyAnswered);
    }
    Ok(ConsentPrompt { asked, ..prompt })
}
