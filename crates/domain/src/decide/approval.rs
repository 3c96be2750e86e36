//! A user who may not consent asks an administrator to let them.
//!
//! At Microsoft that is the same consent for everybody that an administrator gives under their own method. Here it
//! changes nobody's permissions and no authorization method: users go on deciding for themselves, and Microsoft no
//! longer stands in their way. An ordinary user must not be able to do more than that, for a change of method takes
//! everybody's permissions away, and binds the company to a tenant.

use crate::account::AccountState;
use crate::decide::administrator_consent::{FinishAdministratorConsent, Premises, proved};
use crate::decide::{begun_in_this_epoch, own_consent};
use crate::permissions::{Kinds, PermissionSet};
use crate::refusal::Refusal;

/// What the administrator is to be asked for: what the user could have for themselves.
pub fn ask(
    account: &AccountState,
    ticked: Kinds,
    premises: Premises,
) -> Result<PermissionSet, Refusal> {
    let permissions = own_consent::begin(account, ticked)?;
    premises.are_served()?;
    Ok(permissions)
}

/// Whether Microsoft's answer approves. There is nothing to record: from here on Microsoft lets users decide.
pub fn finish(account: &AccountState, answer: &FinishAdministratorConsent) -> Result<(), Refusal> {
    proved(answer)?;
    begun_in_this_epoch(account, answer.begun_in)
}
