//! The link for an administrator: made and cancelled by users of the host application, opened and followed by whoever
//! it was forwarded to.

use assent_contract::command::FlowStarted;
use assent_domain::decide::administrator_consent::{self, Premises};
use assent_domain::decide::approval;
use assent_domain::ids::{AccountId, Tenant, UserId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use url::Url;
use uuid::Uuid;

use crate::command_executor::Account;
use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::{HandOffPurpose, Route};
use crate::gateway::{Gateway, TenantName};
use crate::hand_off::{HandOff, HandOffClosed, HandOffStage, HandOffToken};
use crate::names::Names;
use crate::reasons::NotFound;
use crate::use_cases::start_admin_consent::{self, AdministratorPrompt, tenant_to_ask};
use crate::use_cases::tenant_location::locate_tenant;

/// How many links of an account are listed.
const MOST_LISTED: usize = 100;

/// What an administrator is to be asked for.
#[derive(Debug)]
pub struct HandOffRequest {
    /// What the administrator shall do.
    pub purpose: HandOffPurpose,
    /// What they shall consent to.
    pub permissions: PermissionSet,
    /// In which tenant, where somebody said so.
    pub tenant: Option<TenantName>,
    /// A Super Admin knows better than what was seen of mailboxes.
    pub mailboxes_in_exchange_online: bool,
    /// What the link is to be, where a form says so that may be sent twice.
    pub token: Option<HandOffToken>,
}

/// Whoever asks.
#[derive(Debug)]
pub struct HandOffRequester {
    /// The user who asks.
    pub user: UserId,
    /// What the host application calls them.
    pub names: Names,
}

/// Makes a link. Whether the caller may ask for this purpose has been checked.
pub async fn create(
    gateway: &Gateway,
    account: &AccountId,
    by: HandOffRequester,
    request: HandOffRequest,
) -> Result<(HandOff, Url), Failure> {
    let company = gateway.executor.account(account).await?;
    let named = tenant_to_ask(gateway, account, &company, request.tenant.as_ref()).await?;
    let tenant = match named {
        Some(tenant) => Some(tenant),
        None => own_tenant(gateway, account, &by.user).await?,
    };
    let overrides = request.mailboxes_in_exchange_online;
    let premises = locate_tenant(gateway, account, tenant, overrides).await;
    let permissions = may_ask(&company, request.purpose, request.permissions, premises)?;

    let now = gateway.now();
    let fresh = || HandOffToken::new(account.clone(), Uuid::now_v7());
    let token = request.token.unwrap_or_else(fresh);
    let id = token.id;
    let hand_off = HandOff {
        id,
        account: account.clone(),
        requested_by: by.user,
        generation: Generation::default(),
        made_in: Some(company.state.epoch.0),
        is_outdated: false,
        names: by.names,
        purpose: request.purpose,
        permissions: permissions.into(),
        mailboxes_in_exchange_online: overrides,
        tenant: tenant.map(Into::into),
        tenant_domain: request.tenant.as_ref().and_then(TenantName::domain),
        secret: token.digest(),
        created_at: now,
        expires_at: now + gateway.hand_off_lifetime,
        opened_at: None,
        stage: HandOffStage::Idle,
    };
    let stored = gateway.hand_offs.create(hand_off).await?;
    if overrides {
        tracing::info!(
            account.id = %account,
            user.id = %stored.value.requested_by,
            hand_off.id = %id,
            mailboxes_in_exchange_online = true,
            "a Super Admin vouched for where the company's mailboxes are"
        );
    }
    let url = gateway.addresses.hand_off(&token);
    Ok((stored.value, url))
}

/// The newest of an account, as they stand in the company as it is now; `only_of`: those that this user made.
pub async fn newest(
    gateway: &Gateway,
    account: &AccountId,
    company: &Account,
    only_of: Option<&UserId>,
    most: usize,
) -> Result<Vec<HandOff>, Failure> {
    let mut found = gateway.hand_offs.of_account(account, only_of, most).await?;
    for link in &mut found {
        link.note_epoch(company.state.epoch);
    }
    Ok(found)
}

/// The links of an account, the newest first; `only_of`: only those that this user asked for.
pub async fn list(
    gateway: &Gateway,
    account: &AccountId,
    only_of: Option<&UserId>,
) -> Result<Vec<HandOff>, Failure> {
    let company = gateway.executor.account(account).await?;
    newest(gateway, account, &company, only_of, MOST_LISTED).await
}

/// One link of an account.
pub async fn find(
    gateway: &Gateway,
    account: &AccountId,
    id: Uuid,
    only_of: Option<&UserId>,
) -> Result<HandOff, Failure> {
    let found = gateway.hand_offs.find(account, id).await?;
    let mut link = found
        .map(|stored| stored.value)
        .filter(|link| only_of.is_none_or(|user| link.requested_by == *user))
        .ok_or_else(unknown)?;
    let company = gateway.executor.account(account).await?;
    link.note_epoch(company.state.epoch);
    Ok(link)
}

/// Takes one back.
pub async fn cancel(
    gateway: &Gateway,
    account: &AccountId,
    id: Uuid,
    by: &UserId,
    only_of: Option<&UserId>,
) -> Result<HandOff, Failure> {
    let found = find(gateway, account, id, only_of).await?;
    let cancelled = gateway
        .hand_offs
        .change(account, id, |link| {
            link.is_outdated |= found.is_outdated;
            link.cancel(by.clone(), gateway.now())
        })
        .await?;
    match cancelled.ok_or_else(unknown)? {
        Ok(hand_off) => Ok(hand_off),
        Err(
            HandOffClosed::Completed
            | HandOffClosed::Completing
            | HandOffClosed::Cancelled
            | HandOffClosed::Expired
            | HandOffClosed::Outdated,
        ) => Err(Refusal::FlowAlreadyUsed.into()),
    }
}

/// Somebody opened the link.
pub async fn open(gateway: &Gateway, token: &HandOffToken) -> Result<HandOff, Failure> {
    let company = gateway.executor.account(&token.account).await?;
    let found = by_token(gateway, token, &company).await?;
    if found.opened_at.is_some() {
        return Ok(found);
    }
    let opened = gateway
        .hand_offs
        .change(&token.account, token.id, |link| {
            link.note_epoch(company.state.epoch);
            link.note_opened(gateway.now());
            Ok::<(), std::convert::Infallible>(())
        })
        .await?;
    match opened {
        Some(Ok(hand_off)) => Ok(hand_off),
        Some(Err(never)) => match never {},
        None => Err(unknown()),
    }
}

/// What comes of somebody who followed the link.
#[derive(Debug)]
pub enum HandOffStart {
    /// They go on to Microsoft.
    Started(FlowStarted),
    /// The link can't be used any more.
    Closed(HandOffClosed),
}

/// Somebody ticked the administrator's box and follows the link: an ordinary flow begins, as if the Super Admin had
/// sent them to Microsoft.
pub async fn begin(gateway: &Gateway, token: &HandOffToken) -> Result<HandOffStart, Failure> {
    gateway
        .limits
        .start_through_link(&token.account, token.id)?;
    let company = gateway.executor.account(&token.account).await?;
    let found = by_token(gateway, token, &company).await?;
    if let Err(closed) = found.require_open(gateway.now()) {
        return Ok(HandOffStart::Closed(closed));
    }
    let tenant = found.tenant.map(Into::into);
    let overrides = found.mailboxes_in_exchange_online;
    let premises = locate_tenant(gateway, &token.account, tenant, overrides).await;
    // Within the epoch, too, the company may have changed its mind in these days.
    let permissions = may_ask(&company, found.purpose, found.permissions.into(), premises)?;

    let flow = Uuid::now_v7();
    let begun = gateway
        .hand_offs
        .change(&token.account, token.id, |link| {
            link.note_epoch(company.state.epoch);
            link.begin(flow, gateway.now())
        })
        .await?;
    if let Err(closed) = begun.ok_or_else(unknown)? {
        return Ok(HandOffStart::Closed(closed));
    }
    let prompt = AdministratorPrompt {
        account: token.account.clone(),
        started_by: found.requested_by,
        names: found.names,
        // Whoever follows a link is in no session, even where they have one.
        session: None,
        permissions,
        tenant,
        tenant_domain: found.tenant_domain,
        route: Route::HandOff {
            id: token.id,
            purpose: found.purpose,
        },
        return_to: None,
    };
    start_admin_consent::begin(gateway, &company, flow, prompt)
        .await
        .map(HandOffStart::Started)
}

/// What an administrator can be asked for, by the rules for each purpose.
fn may_ask(
    company: &Account,
    purpose: HandOffPurpose,
    permissions: PermissionSet,
    premises: Premises,
) -> Result<PermissionSet, Refusal> {
    match purpose {
        HandOffPurpose::AdministratorConsent => {
            administrator_consent::ask(&company.state, permissions, premises)?;
            Ok(permissions)
        }
        HandOffPurpose::Approval => approval::ask(&company.state, permissions.kinds(), premises),
    }
}

/// The tenant of whoever asks, so that an administrator of another one does not consent by mistake: that of their last
/// grant, or that in which they were sent to Microsoft in vain.
async fn own_tenant(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
) -> Result<Option<Tenant>, Failure> {
    let granted_in = gateway.executor.user(account, user).await?.state.identity;
    if let Some(identity) = granted_in {
        return Ok(Some(identity.tenant));
    }
    let attempts = gateway.observations.attempts(account, user).await;
    Ok(attempts.tenant().map(Into::into))
}

async fn by_token(
    gateway: &Gateway,
    token: &HandOffToken,
    company: &Account,
) -> Result<HandOff, Failure> {
    let found = gateway.hand_offs.find(&token.account, token.id).await?;
    let mut link = found
        .map(|stored| stored.value)
        .filter(|link| token.opens(link))
        .ok_or_else(unknown)?;
    link.note_epoch(company.state.epoch);
    Ok(link)
}

fn unknown() -> Failure {
    Failure::NotFound(NotFound::HandOff)
}
