//! The administrator's consent: asked for by a Super Admin of the host application, given
//! by an administrator at Microsoft.

use crate::account::AccountState;
use crate::decide::{AccountManager, begun_in_this_epoch};
use crate::event::{AdminConsentGranted, Event, ModeChanged, Verification};
use crate::ids::{AccountId, Cloud, ConsentId, Epoch, ObjectId, Scope, Tenant, UserId};
use crate::mode::{AuthorizationMethod, EmailSync, Mode};
use crate::permissions::PermissionSet;
use crate::refusal::Refusal;

/// What the Super Admin filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartAdministratorConsent {
    /// The Super Admin.
    pub by: AccountManager,
    /// Whether "I am an administrator of our Office 365 account" was ticked.
    pub administrator_confirmed: bool,
    /// What was selected.
    pub permissions: PermissionSet,
    /// What is known of where the company is at Microsoft.
    pub premises: Premises,
}

/// What is known beforehand of where a company's directory and mailboxes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Premises {
    /// The cloud of the tenant, where the tenant is known.
    pub cloud: Option<Cloud>,
    /// What was seen of the users' mailboxes.
    pub mailboxes: Mailboxes,
}

/// What was seen of a company's mailboxes on the way. It is a mailbox that lives somewhere, not a company: so a company
/// counts as on-premises only while nothing speaks against it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mailboxes {
    /// None was seen yet, or some are where they should be.
    #[default]
    NothingAgainst,
    /// Some are on the company's own servers, and none was ever seen in Exchange Online.
    OnPremisesOnly,
}

impl Premises {
    /// Whether companies there can be served at all.
    pub(super) fn are_served(self) -> Result<(), Refusal> {
        match self.cloud {
            Some(cloud) if !cloud.is_served() => return Err(Refusal::UnsupportedCloud),
            Some(_) | None => {}
        }
        match self.mailboxes {
            Mailboxes::OnPremisesOnly => Err(Refusal::OnPremisesExchange),
            Mailboxes::NothingAgainst => Ok(()),
        }
    }
}

/// Whether the Super Admin may be sent to Microsoft. Nothing is recorded yet.
pub fn start(account: &AccountState, command: &StartAdministratorConsent) -> Result<(), Refusal> {
    if !command.administrator_confirmed {
        return Err(Refusal::AdministratorNotConfirmed);
    }
    ask(account, command.permissions, command.premises)
}

/// Whether an administrator may be asked to decide for everyone, whoever brings the question to them: the Super Admin
/// in person, or a link that the Super Admin forwarded.
pub fn ask(
    account: &AccountState,
    permissions: PermissionSet,
    premises: Premises,
) -> Result<(), Refusal> {
    if permissions.is_nothing() {
        return Err(Refusal::NothingSelected);
    }
    full_sync_is_selected(account)?;
    premises.are_served()
}

/// Microsoft's verified answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishAdministratorConsent {
    /// The account whose Super Admin started the flow.
    pub account: AccountId,
    /// The name for the consent.
    pub consent: ConsentId,
    /// The Super Admin who started the flow.
    pub requested_by: UserId,
    /// The epoch in which the flow was begun.
    pub begun_in: Epoch,
    /// What was selected then.
    pub permissions: PermissionSet,
    /// The tenant that the consent was asked of.
    pub expected_tenant: Tenant,
    /// The tenant of the verified ID token.
    pub tenant: Tenant,
    /// The person of the verified ID token.
    pub granted_by: ObjectId,
    /// The scopes that Microsoft granted.
    pub scopes: Vec<Scope>,
    /// The scopes that were needed for the selection, and were not granted.
    pub missing_scopes: Vec<Scope>,
    /// What proved that the person is an administrator.
    pub verification: Verification,
    /// What has to be proved.
    pub demanded: ProofDemanded,
}

/// What has to be proved of whoever accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofDemanded {
    /// A role that may consent for everyone.
    Role,
    /// Such a role, and that Microsoft lists the consent for everyone.
    RoleAndGrant,
}

/// Records the consent and, where the administrator's method does not rule yet, the switch
/// to it: both or neither. A consent that is in force already is not recorded again, so an
/// append whose answer was lost can be decided anew.
pub fn finish(
    account: &AccountState,
    command: FinishAdministratorConsent,
) -> Result<Vec<Event>, Refusal> {
    if account
        .consent()
        .is_some_and(|consent| consent.id == command.consent)
    {
        return Ok(Vec::new());
    }
    if account
        .consent()
        .is_some_and(|consent| consent.tenant != command.tenant)
    {
        return Err(Refusal::TenantMismatch);
    }
    proved(&command)?;
    begun_in_this_epoch(account, command.begun_in)?;
    full_sync_is_selected(account)?;

    let switch = match account.method() {
        AuthorizationMethod::AdminConfigured => None,
        AuthorizationMethod::UserIndividual => Some(Event::ModeChanged(ModeChanged {
            account: command.account.clone(),
            from: account.mode(),
            to: Mode {
                method: AuthorizationMethod::AdminConfigured,
                ..account.mode()
            },
            consent: Some(command.consent),
            changed_by: command.requested_by.clone(),
        })),
    };
    let consent = Event::AdminConsentGranted(AdminConsentGranted {
        account: command.account,
        consent: command.consent,
        tenant: command.tenant,
        permissions: command.permissions,
        scopes: command.scopes,
        requested_by: command.requested_by,
        granted_by: command.granted_by,
        verification: command.verification,
    });
    Ok([Some(consent), switch].into_iter().flatten().collect())
}

/// Whether Microsoft's answer proves that an administrator of the expected tenant consented to all of it.
pub fn proved(answer: &FinishAdministratorConsent) -> Result<(), Refusal> {
    if answer.tenant != answer.expected_tenant {
        return Err(Refusal::TenantMismatch);
    }
    if !answer.tenant.cloud.is_served() {
        return Err(Refusal::UnsupportedCloud);
    }
    if !answer.missing_scopes.is_empty() {
        return Err(Refusal::ScopesMissing);
    }
    let is_proved = answer.verification.proves_an_administrator()
        && match answer.demanded {
            ProofDemanded::Role => true,
            ProofDemanded::RoleAndGrant => answer.verification.tenant_wide_grant,
        };
    if !is_proved {
        return Err(Refusal::NotAnAdministrator);
    }
    Ok(())
}

/// While users pick for themselves, e-mail sync must be full before the administrator can
/// be asked: the limited level is chosen inside the flow. Once the administrator's method
/// rules, the setting rests.
fn full_sync_is_selected(account: &AccountState) -> Result<(), Refusal> {
    match (account.method(), account.email_sync) {
        (AuthorizationMethod::UserIndividual, EmailSync::Limited) => Err(Refusal::FullSyncRequired),
        (AuthorizationMethod::UserIndividual, EmailSync::Full)
        | (AuthorizationMethod::AdminConfigured, EmailSync::Limited | EmailSync::Full) => Ok(()),
    }
}
