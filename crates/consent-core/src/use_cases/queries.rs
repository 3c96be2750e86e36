//! Reading an account, a user, a flow. Always from the log's leader, so a write that was
//! answered is always seen.

use std::time::Duration;

use assent_contract::custody::CustodyStatus;
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::Permission;
use assent_service_kit::Caller;
use uuid::Uuid;

use crate::command_executor::{Account, User};
use crate::custody_status;
use crate::failure::Failure;
use crate::flow::{Flow, FlowOutcome, FlowState, FlowView};
use crate::gateway::Gateway;
use crate::kv_store::Versioned;
use crate::observations::{Approval, Reach};
use crate::reasons::NotFound;
use crate::rights;
use crate::use_cases::find_flow::find_flow;
use crate::use_cases::finish_own_consent::{GrantedScopes, rehearse};
use crate::views::{AccountView, MailboxAndApprovals, UserView, WithdrawnConsentView};

/// How long a read waits for the write that `at_least` names.
const PATIENCE: Duration = Duration::from_secs(2);

/// An account, as the API shows it; no earlier than `at_least`.
pub async fn account(
    gateway: &Gateway,
    account: &AccountId,
    at_least: Option<u64>,
) -> Result<AccountView, Failure> {
    wait_for(gateway, account, at_least).await?;
    let company = gateway.executor.account(account).await?;
    Ok(account_view(gateway, account, &company).await)
}

/// An account, with what was learnt of its consent at Microsoft.
pub(crate) async fn account_view(
    gateway: &Gateway,
    account: &AccountId,
    company: &Account,
) -> AccountView {
    let withdrawn = withdrawn_consent(gateway, account, company).await;
    AccountView::new(account, company, withdrawn)
}

/// What of the consent in force Microsoft has said to be withdrawn.
pub async fn withdrawn_consent(
    gateway: &Gateway,
    account: &AccountId,
    company: &Account,
) -> Option<WithdrawnConsentView> {
    let consent = company.state.consent()?;
    let withdrawn = gateway.observations.withdrawn_consent(account).await?;
    WithdrawnConsentView::new(&withdrawn, consent.id)
}

/// A user, as the API shows them; no earlier than `at_least`.
pub async fn user(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    at_least: Option<u64>,
) -> Result<UserView, Failure> {
    wait_for(gateway, account, at_least).await?;
    let known = user_overview(gateway, account, user).await?;
    UserView::new(
        account,
        user,
        &known.company,
        &known.user,
        &known.learnt,
        known.custody.as_ref(),
    )
}

/// All that is known of a user.
#[derive(Debug)]
pub struct UserOverview {
    /// The account.
    pub company: Account,
    /// The user.
    pub user: User,
    /// What was learnt of Microsoft about the user.
    pub learnt: MailboxAndApprovals,
    /// What the token broker holds of the user and has handed out; `None` where it does not say.
    pub custody: Option<CustodyStatus>,
}

/// Everything of a user, read together.
pub async fn user_overview(
    gateway: &Gateway,
    account: &AccountId,
    id: &UserId,
) -> Result<UserOverview, Failure> {
    // The user first: its events name epochs that the company has to know by then.
    let user = gateway.executor.user(account, id).await?;
    let company = gateway.executor.account(account).await?;
    let (learnt, custody) = tokio::join!(
        learnt(gateway, account, id, &company, &user),
        custody(gateway, account, id, &user)
    );
    Ok(UserOverview {
        company,
        user,
        learnt,
        custody,
    })
}

/// Of whom nothing was ever recorded nothing was ever held.
async fn custody(
    gateway: &Gateway,
    account: &AccountId,
    id: &UserId,
    user: &User,
) -> Option<CustodyStatus> {
    if user.state.last_sequence == Sequence(0) {
        return None;
    }
    custody_status::status(&gateway.connection, account, id).await
}

/// What is known of the user's mailbox, and of what the user can have without an administrator: by the tenant's own
/// answers, by Microsoft's default, and by what the user has met a dead end with.
async fn learnt(
    gateway: &Gateway,
    account: &AccountId,
    id: &UserId,
    company: &Account,
    user: &User,
) -> MailboxAndApprovals {
    let observations = &gateway.observations;
    let (mailbox, policies, attempts) = tokio::join!(
        observations.mailbox(account, id),
        observations.policies(account),
        observations.attempts(account, id)
    );
    let granted_in = user.state.identity.map(|identity| identity.tenant);
    let tenant = granted_in.or_else(|| attempts.tenant().map(Into::into));
    let cap = company.state.email_sync.cap();
    let reach = Reach {
        scopes: &gateway.scopes,
        policies: &policies,
        epoch: company.state.epoch,
        tenant,
        asked: cap,
    };
    let approvals = Permission::ALL.into_iter().map(|permission| {
        let needed = reach.approval(permission);
        let approval = match needed {
            Approval::NotNeeded if reach.led_nowhere(&attempts, permission) => Approval::Likely,
            Approval::NotNeeded | Approval::Likely | Approval::Required => needed,
        };
        (permission, approval)
    });
    MailboxAndApprovals {
        mailbox,
        approvals: approvals.collect(),
    }
}

/// A flow, for whoever began it. For others there is no such flow.
pub async fn own_flow(
    gateway: &Gateway,
    caller: &Caller,
    id: Uuid,
) -> Result<Versioned<Flow>, Failure> {
    let unknown = || Failure::NotFound(NotFound::Flow);
    let (Ok(account), Ok(user)) = (rights::account(caller), rights::subject(caller)) else {
        return Err(unknown());
    };
    match find_flow(gateway, id).await? {
        Some(stored) if stored.value.account == account && stored.value.started_by == user => {
            Ok(stored)
        }
        Some(_) | None => Err(unknown()),
    }
}

/// A flow as others see it. One that waits is over as soon as nothing of it can be granted any more: the user took it
/// back, or the company moved on.
pub async fn view_of_flow(gateway: &Gateway, flow: &Flow) -> FlowView {
    let view = flow.view(gateway.now());
    let Some(held) =
        GrantedScopes::waiting_in(flow).filter(|_| view.state == FlowState::AwaitingConfirmation)
    else {
        return view;
    };
    match rehearse(gateway, flow, &held).await {
        Err(Failure::Refused(refusal)) => FlowOutcome::Refused(refusal).into(),
        // What can't be known now is known when it is confirmed.
        Ok(_) | Err(_) => view,
    }
}

/// The leader's answer holds every acknowledged write, so this waits only where the caller
/// names a sequence that nobody was ever given, or the leader changed just now.
async fn wait_for(
    gateway: &Gateway,
    account: &AccountId,
    at_least: Option<u64>,
) -> Result<(), Failure> {
    let Some(at_least) = at_least else {
        return Ok(());
    };
    let _waiting = gateway.limits.wait(account)?;
    tokio::time::timeout(PATIENCE, gateway.executor.grown_to(at_least))
        .await
        .unwrap_or(Err(Failure::NotYetApplied))
}
