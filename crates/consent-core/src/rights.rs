//! Who may reach what. A caller reaches only the account in its token; the host
//! application's own services reach any.

use assent_domain::decide::{AccountManager, HostRights};
use assent_domain::ids::{AccountId, UserId};
use assent_service_kit::bearer::Caller;

use crate::failure::Failure;
use crate::reasons::Forbidden;

const SUPER_ADMIN: &str = "super_admin";
const MANAGE_COMPANY_SETTINGS: &str = "company_settings:manage";
const READ_PERMISSIONS: &str = "permissions:read";
const END_SESSIONS: &str = "sessions:end";
const VOUCH_FOR_IDENTITIES: &str = "identities:vouch";

/// Somebody in this account, or one of the host application's services that may read.
pub fn member(caller: &Caller, account: &AccountId) -> Result<(), Failure> {
    let is_service = caller.account.is_none() && caller.has_scope(READ_PERMISSIONS);
    if belongs_to(caller, account) || is_service {
        Ok(())
    } else {
        Err(out_of_reach())
    }
}

/// A Super Admin of this account who may manage company settings. Half of it is nothing: there is no way to ask for the
/// role alone.
pub fn manager(caller: &Caller, account: &AccountId) -> Result<AccountManager, Failure> {
    if !belongs_to(caller, account) {
        return Err(out_of_reach());
    }
    let rights = HostRights {
        is_super_admin: caller.has_role(SUPER_ADMIN),
        manages_company_settings: caller.has_permission(MANAGE_COMPANY_SETTINGS),
    };
    Ok(AccountManager::with_rights(subject(caller)?, rights)?)
}

/// This user, and nobody else: not even a Super Admin consents for others.
pub fn that_user(caller: &Caller, account: &AccountId, user: &UserId) -> Result<(), Failure> {
    if belongs_to(caller, account) && caller.subject == user.as_str() {
        Ok(())
    } else {
        Err(out_of_reach())
    }
}

/// Whether the caller's word on who a user is at Microsoft is the host application's: only its backend makes itself a
/// token with this scope, and hands it to no browser.
pub fn may_vouch(caller: &Caller) -> bool {
    caller.has_scope(VOUCH_FOR_IDENTITIES)
}

/// Whoever is calling, as a user of this account.
pub fn user_of(caller: &Caller, account: &AccountId) -> Result<UserId, Failure> {
    if belongs_to(caller, account) {
        subject(caller)
    } else {
        Err(out_of_reach())
    }
}

/// This user, a Super Admin of the account who may manage company settings, or a service that may read.
pub fn may_see_user(caller: &Caller, account: &AccountId, user: &UserId) -> Result<(), Failure> {
    member(caller, account)?;
    if caller.account.is_none() || manager(caller, account).is_ok() {
        return Ok(());
    }
    that_user(caller, account, user)
}

/// A Super Admin of the account who may manage company settings, or a service that may end what users began.
pub fn may_end_sessions(caller: &Caller, account: &AccountId) -> Result<(), Failure> {
    let is_service = caller.account.is_none() && caller.has_scope(END_SESSIONS);
    if is_service {
        return Ok(());
    }
    manager(caller, account).map(drop)
}

/// The user that the token speaks of.
pub(crate) fn subject(caller: &Caller) -> Result<UserId, Failure> {
    UserId::parse(&caller.subject).map_err(|_| out_of_reach())
}

/// The account that the token speaks of, for calls whose address names none.
pub(crate) fn account(caller: &Caller) -> Result<AccountId, Failure> {
    let account = caller.account.as_deref().ok_or_else(out_of_reach)?;
    AccountId::parse(account).map_err(|_| out_of_reach())
}

fn belongs_to(caller: &Caller, account: &AccountId) -> bool {
    caller.account.as_deref() == Some(account.as_str())
}

fn out_of_reach() -> Failure {
    Failure::Forbidden(Forbidden::OutOfReach)
}
