//! A login decided to prompt a user: for all that can be had, and not into a dead end.
//!
//! Somebody who opens the settings and asks may always try at Microsoft. A login is another matter: nobody asked for
//! it, so it leaves out what this user or this tenant is known not to get without an administrator; and what this very
//! account has answered. The log does not say of whom a decline was, so a login asks here whether it counts.

use assent_contract::command::{FlowStarted, UserConsentBegun};
use assent_contract::values::kinds_to_list;
use assent_domain::ids::{AccountId, UserId};
use assent_domain::permissions::Kinds;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::TenantRef;
use jiff::Timestamp;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::observations::Approval;
use crate::use_cases::learn::needs_approval;
use crate::use_cases::start_own_consent::{Named, Question, Wish, begin, question};

pub(crate) async fn prompt_at_login(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    wish: Wish,
    unless_answered: bool,
) -> Result<UserConsentBegun, Failure> {
    if unless_answered {
        somebody_else_answered(gateway, account, user, &wish).await?;
    }
    if let Named::Vouched(identity) = wish.identity {
        // The login hook verified the token that this tenant signed: nobody typed it, so it is not counted as typed.
        gateway.tenant(&TenantRef::Id(identity.tenant_id)).await?;
    }
    let question = question(gateway, account, user, &wish).await?;
    let question = unanswered(gateway, account, user, &wish, question).await?;
    let out_of_reach = out_of_reach(gateway, account, user, &question).await;
    let within_reach = question.asked.without(out_of_reach);
    if within_reach.is_nothing() {
        return Err(Refusal::AdministratorApprovalRequired.into());
    }
    let question = Question {
        asked: within_reach,
        ..question
    };
    let FlowStarted {
        flow_id,
        authorize_url,
        expires_at,
    } = begin(gateway, account, user, question, wish.way_back).await?;
    Ok(UserConsentBegun {
        flow_id,
        authorize_url,
        expires_at,
        permissions: kinds_to_list(within_reach.kinds()),
        needs_approval: kinds_to_list(out_of_reach),
    })
}

/// Whether it is worth looking at all: nearly everybody who has answered has one account.
async fn somebody_else_answered(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    wish: &Wish,
) -> Result<(), Failure> {
    let Named::Vouched(identity) = wish.identity else {
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
    wish: &Wish,
    question: Question,
) -> Result<Question, Failure> {
    let (Named::Vouched(_), Some(identity)) = (wish.identity, question.expected) else {
        return Ok(question);
    };
    let state = gateway.ledger.user(account, user).await?.state;
    let accounts = gateway.observations.accounts(account, user).await;
    let is_about_them = !state.is_of_another(question.epoch, identity);
    let on_the_log = is_about_them.then(|| state.in_epoch(question.epoch).answered);
    let answered = accounts.answered_by(question.epoch, identity, on_the_log);
    let asked = question.asked.without(answered);
    if asked.is_nothing() {
        return Err(Failure::AlreadyAnswered);
    }
    Ok(Question { asked, ..question })
}

/// What the tenant refuses its users, and what this user has met a dead end with, unless somebody got it since.
async fn out_of_reach(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    question: &Question,
) -> Kinds {
    let (policies, attempts) = tokio::join!(
        gateway.observations.policies(account),
        gateway.observations.attempts(account, user)
    );
    let tenant = question.expected.map(|expected| expected.tenant);
    let policy = policies.of(tenant);
    let dead_ends = attempts.dead_ends(question.epoch, Timestamp::now());
    let asked = question.asked;
    asked
        .kinds()
        .iter()
        .filter(|permission| {
            let need = needs_approval(gateway, &policies, tenant, asked, *permission);
            let scopes = gateway
                .scopes
                .of(asked.only(Kinds::from_iter([*permission])));
            need == Approval::Required
                || dead_ends.iter().any(|end| {
                    let since =
                        |moment| policy.is_some_and(|policy| policy.is_open_since(&scopes, moment));
                    *permission == end.permission.into() && !since(end.at)
                })
        })
        .collect()
}
