//! A change of the authorization method, of the e-mail sync, or of both at once.

use crate::account::AccountState;
use crate::decide::AccountManager;
use crate::event::{Event, ModeChanged};
use crate::ids::AccountId;
use crate::mode::{AuthorizationMethod, Mode};
use crate::refusal::Refusal;

/// What the Super Admin wants to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMode {
    /// The company.
    pub account: AccountId,
    /// The Super Admin.
    pub by: AccountManager,
    /// The settings wanted.
    pub to: Mode,
}

/// Changes the company's settings.
pub fn change(account: &AccountState, command: ChangeMode) -> Result<Vec<Event>, Refusal> {
    if account.mode() == command.to {
        return Ok(Vec::new());
    }
    match (account.method(), command.to.method) {
        (_, AuthorizationMethod::UserIndividual) => {
            Ok(Vec::from([Event::ModeChanged(ModeChanged {
                account: command.account,
                from: account.mode(),
                to: command.to,
                consent: None,
                changed_by: command.by.user().clone(),
            })]))
        }
        (AuthorizationMethod::AdminConfigured, AuthorizationMethod::AdminConfigured) => {
            Err(Refusal::ManagedByAdministrator)
        }
        (AuthorizationMethod::UserIndividual, AuthorizationMethod::AdminConfigured) => {
            Err(Refusal::AdministratorConsentRequired)
        }
    }
}
