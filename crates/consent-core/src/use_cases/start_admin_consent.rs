//! A Super Admin sends an Office 365 administrator (often the same person) to Microsoft.

use assent_contract::command::FlowStarted;
use assent_domain::decide::AccountManager;
use assent_domain::decide::administrator_consent::{self, Premises, StartAdministratorConsent};
use assent_domain::ids::{AccountId, Tenant, UserId};
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_metrics::gateway::FLOWS_BEGUN;
use url::Url;
use uuid::Uuid;

use crate::command_executor::Account;
use crate::cutoff::Generation;
use crate::failure::Failure;
use crate::flow::{self, Flow, FlowSecret, FlowStage, Purpose, Route, States};
use crate::gateway::{Gateway, TenantName, reference};
use crate::names::Names;
use crate::secrets::Digest;
use crate::use_cases::tenant_location::locate_tenant;

/// What the Super Admin filled in.
#[derive(Debug)]
pub struct AdministratorConsentRequest {
    /// Whether they ticked that an administrator of Office 365 is at hand.
    pub administrator_confirmed: bool,
    /// What the administrator shall consent to.
    pub permissions: PermissionSet,
    /// In which tenant, where somebody said so.
    pub tenant: Option<TenantName>,
    /// The Super Admin knows better than what was seen of mailboxes.
    pub mailboxes_in_exchange_online: bool,
    /// Where the browser goes in the end.
    pub return_to: Option<Url>,
}

/// The Super Admin.
#[derive(Debug)]
pub struct RequestingManager {
    /// Proof that they may.
    pub manager: AccountManager,
    /// What the host application calls them.
    pub names: Names,
    /// The session of our settings pages in which they ask, if they ask there and the host application opened it.
    pub session: Option<Digest>,
}

/// Begins an administrator's consent: the address at Microsoft to go to.
pub async fn start_admin_consent(
    gateway: &Gateway,
    account: &AccountId,
    asker: RequestingManager,
    selection: AdministratorConsentRequest,
) -> Result<FlowStarted, Failure> {
    gateway.limits.start(account, asker.manager.user())?;
    let company = gateway.executor.account(account).await?;
    let mut command = StartAdministratorConsent {
        by: asker.manager.clone(),
        administrator_confirmed: selection.administrator_confirmed,
        permissions: selection.permissions,
        premises: Premises::default(),
    };
    // What is wrong without asking anybody is told without asking anybody.
    administrator_consent::start(&company.state, &command)?;
    let tenant = tenant_to_ask(gateway, account, &company, selection.tenant.as_ref()).await?;
    let overrides = selection.mailboxes_in_exchange_online;
    command.premises = locate_tenant(gateway, account, tenant, overrides).await;
    administrator_consent::start(&company.state, &command)?;

    if overrides {
        tracing::info!(
            account.id = %account,
            user.id = %asker.manager.user(),
            mailboxes_in_exchange_online = true,
            "a Super Admin vouched for where the company's mailboxes are"
        );
    }
    let prompt = AdministratorPrompt {
        account: account.clone(),
        started_by: asker.manager.user().clone(),
        names: asker.names,
        session: asker.session,
        permissions: selection.permissions,
        tenant,
        tenant_domain: selection.tenant.as_ref().and_then(TenantName::domain),
        route: Route::Direct,
        return_to: selection.return_to,
    };
    let id = Uuid::now_v7();
    begin(gateway, &company, id, prompt).await
}

/// What an administrator is asked, and by whom.
#[derive(Debug)]
pub(crate) struct AdministratorPrompt {
    pub(crate) account: AccountId,
    pub(crate) started_by: UserId,
    pub(crate) names: Names,
    /// The session of our settings pages in which it was asked, if it was asked there.
    pub(crate) session: Option<Digest>,
    pub(crate) permissions: PermissionSet,
    pub(crate) tenant: Option<Tenant>,
    /// The domain that the tenant was found by.
    pub(crate) tenant_domain: Option<String>,
    pub(crate) route: Route,
    pub(crate) return_to: Option<Url>,
}

/// Begins the flow, in which an administrator has 15 minutes.
pub(crate) async fn begin(
    gateway: &Gateway,
    company: &Account,
    id: Uuid,
    prompt: AdministratorPrompt,
) -> Result<FlowStarted, Failure> {
    let state = FlowSecret::new(id);
    let expires_at = gateway.now() + flow::LIFETIME;
    let more = already_consented(gateway, company, &prompt).await;
    let flow = Flow {
        id,
        account: prompt.account,
        started_by: prompt.started_by,
        generation: Generation::default(),
        asked_again: 0,
        session: prompt.session,
        browser: None,
        return_to: prompt.return_to,
        expires_at,
        purpose: Purpose::AdministratorConsent {
            permissions: prompt.permissions.into(),
            begun_in: Some(company.state.epoch.0),
            tenant: prompt.tenant.map(Into::into),
            tenant_domain: prompt.tenant_domain,
            route: prompt.route,
            names: prompt.names,
        },
        states: States {
            admin_consent: Some(state.digest()),
            ..States::default()
        },
        stage: FlowStage::AtAdminConsent,
    };
    FLOWS_BEGUN.with([flow.purpose.as_str()]).increment(1);
    gateway.flows.create(flow).await?;

    let authorize_url = gateway.entra.admin_consent_url(
        &reference(prompt.tenant),
        &gateway.addresses.admin_consent_callback,
        &gateway.scopes.request(prompt.permissions, &more),
        &state.expose(),
    );
    Ok(FlowStarted {
        flow_id: id,
        authorize_url: authorize_url.into(),
        expires_at,
    })
}

/// The tenant that was named, which has to be the one that has consented, if one has.
pub(crate) async fn tenant_to_ask(
    gateway: &Gateway,
    account: &AccountId,
    company: &Account,
    named: Option<&TenantName>,
) -> Result<Option<Tenant>, Failure> {
    let consented = company.state.consent().map(|consent| consent.tenant);
    if let (Some(consented), None) = (consented, named)
        && gateway.has_no_tenant(consented).await
    {
        return Err(Failure::ConsentsTenantAbsent);
    }
    let tenant = match named {
        Some(name) => Some(gateway.find_tenant(account, name).await?),
        None => consented,
    };
    if consented.is_some() && tenant != consented {
        // A cloud that is not served is the better reason, and the caller's to tell.
        if tenant.is_none_or(|tenant| tenant.cloud.is_served()) {
            return Err(Refusal::TenantMismatch.into());
        }
    }
    Ok(tenant)
}

/// A new tenant-wide consent can drop scopes that an older one gave, so those are asked for
/// again with it: those of the consent in force, and those last seen in this tenant.
async fn already_consented(
    gateway: &Gateway,
    company: &Account,
    prompt: &AdministratorPrompt,
) -> Vec<String> {
    let mut scopes = in_force(company);
    let policies = gateway.observations.policies(&prompt.account).await;
    if let Some(policy) = policies.policy(prompt.tenant) {
        scopes.extend(policy.tenant_wide().iter().cloned());
    }
    scopes
}

fn in_force(company: &Account) -> Vec<String> {
    let granted = company.consent().map(|(_, granted)| &granted.scopes);
    let scopes = granted.into_iter().flatten();
    scopes.map(|scope| scope.0.clone()).collect()
}
