//! A Super Admin sends an Office 365 administrator (often the same person) to Microsoft.

use assent_contract::command::FlowStarted;
use assent_domain::decide::CompanyManager;
use assent_domain::decide::administrator_consent::{self, StartAdministratorConsent};
use assent_domain::event::Event;
use assent_domain::ids::AccountId;
use assent_domain::permissions::PermissionSet;
use assent_domain::refusal::Refusal;
use assent_microsoft_identity::TenantRef;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;
use crate::flow::{self, Flow, Purpose, Stage, State, States};
use crate::gateway::{Gateway, reference};
use crate::ledger::Company;

/// What the Super Admin filled in.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) administrator_confirmed: bool,
    pub(crate) permissions: PermissionSet,
    pub(crate) tenant: Option<TenantRef>,
    pub(crate) return_to: Option<Url>,
}

pub(crate) async fn start_admin_consent(
    gateway: &Gateway,
    account: &AccountId,
    by: CompanyManager,
    selection: Selection,
) -> Result<FlowStarted, Failure> {
    let company = gateway.ledger.company(account).await?;
    let mut command = StartAdministratorConsent {
        by: by.clone(),
        administrator_confirmed: selection.administrator_confirmed,
        permissions: selection.permissions,
        cloud: None,
    };
    // What is wrong without asking Microsoft is told without asking Microsoft.
    administrator_consent::start(&company.state, &command)?;

    let consented = company.state.consent().map(|consent| consent.tenant);
    let tenant = match &selection.tenant {
        Some(name) => Some(gateway.tenant(name).await?),
        None => consented,
    };
    command.cloud = tenant.map(|tenant| tenant.cloud);
    administrator_consent::start(&company.state, &command)?;
    if consented.is_some() && tenant != consented {
        return Err(Refusal::TenantMismatch.into());
    }

    let id = Uuid::now_v7();
    let state = State::new(id);
    let expires_at = Timestamp::now() + flow::LIFETIME;
    let flow = Flow {
        id,
        account: account.clone(),
        started_by: by.user().clone(),
        return_to: selection.return_to,
        expires_at,
        purpose: Purpose::AdministratorConsent {
            permissions: selection.permissions.into(),
            tenant: tenant.map(Into::into),
        },
        states: States {
            admin_consent: Some(state.digest()),
            authorize: None,
        },
        stage: Stage::AtAdminConsent,
    };
    gateway.flows.create(&flow).await?;

    let scopes = gateway
        .scopes
        .request(selection.permissions, &already_consented(&company));
    let authorize_url = gateway.entra.admin_consent_url(
        &reference(tenant),
        &gateway.addresses.admin_consent_callback,
        &scopes,
        &state.expose(),
    );
    Ok(FlowStarted {
        flow_id: id,
        authorize_url: authorize_url.into(),
        expires_at,
    })
}

/// A new tenant-wide consent can drop scopes that an older one gave, so those are asked for
/// again with it.
fn already_consented(company: &Company) -> Vec<String> {
    let Some(consent) = company.state.consent() else {
        return Vec::new();
    };
    let recorded = company
        .history
        .events
        .iter()
        .find(|event| event.sequence == consent.recorded_at);
    match recorded.map(|recorded| &recorded.decoded.event) {
        Some(Event::AdminConsentGranted(granted)) => {
            granted.scopes.iter().map(|scope| scope.0.clone()).collect()
        }
        Some(Event::ModeChanged(_) | Event::UserScopeGranted(_) | Event::UserScopeRevoked(_))
        | None => Vec::new(),
    }
}
