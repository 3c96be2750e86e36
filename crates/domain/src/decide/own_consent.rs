//! A user's own consent: begun in the host application, answered at Microsoft; and the
//! user's revocation, which needs nobody's leave.

use crate::account::{AccountState, Authorization};
use crate::decide::begun_in_this_epoch;
use crate::event::{Authority, Event, RevocationReason, UserScopeGranted, UserScopeRevoked};
use crate::ids::{AccountId, Epoch, MicrosoftIdentity, Scope, Sequence, UserId};
use crate::permissions::{Kinds, PermissionSet};
use crate::refusal::Refusal;
use crate::user::UserState;

/// What Microsoft is to be asked for when a user ticked these boxes. The company's e-mail
/// sync says how much e-mail that is: more is never asked for.
pub fn begin(account: &AccountState, ticked: Kinds) -> Result<PermissionSet, Refusal> {
    users_decide(account)?;
    if ticked.is_empty() {
        return Err(Refusal::NothingSelected);
    }
    Ok(account.email_sync.cap().only(ticked))
}

/// Microsoft's verified answer to a user who accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantOwnPermissions {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The epoch in which the flow was begun.
    pub begun_in: Epoch,
    /// The user's last event when the flow was begun.
    pub begun_after: Sequence,
    /// What was asked for.
    pub asked: PermissionSet,
    /// What the granted scopes amount to.
    pub held: PermissionSet,
    /// The granted scopes.
    pub scopes: Vec<Scope>,
    /// Who accepted at Microsoft.
    pub identity: MicrosoftIdentity,
    /// Who had to. `None` where nobody was expected, and the user confirmed the grant.
    pub expected: Option<MicrosoftIdentity>,
}

/// Records what was asked for and is held. Less than asked is a partial grant. What is held
/// beyond it is an old consent at Microsoft that the user did not ask for just now, so it
/// must not come back to life. Nor does what the user said no to after the flow began: a person's
/// no is final until they say yes again, and a yes is a flow that was begun after the no.
pub fn grant(
    account: &AccountState,
    user: &UserState,
    command: GrantOwnPermissions,
) -> Result<Vec<Event>, Refusal> {
    users_decide(account)?;
    begun_in_this_epoch(account, command.begun_in)?;
    if command
        .expected
        .is_some_and(|expected| expected != command.identity)
    {
        return Err(Refusal::IdentityMismatch);
    }
    if !command.identity.tenant.cloud.is_served() {
        return Err(Refusal::UnsupportedCloud);
    }
    let current = user.in_epoch(account.epoch);
    let asked = still_asked(&current, command.asked, command.begun_after)?;
    let permissions = asked.meet(command.held);
    if permissions.is_nothing() {
        return Err(Refusal::ScopesMissing);
    }
    if permissions.is_within(current.own) && current.identity == Some(command.identity) {
        return Ok(Vec::new());
    }
    Ok(Vec::from([Event::UserScopeGranted(UserScopeGranted {
        account: command.account,
        user: command.user,
        epoch: account.epoch,
        permissions,
        authority: Authority::User,
        identity: command.identity,
        scopes: command.scopes,
    })]))
}

/// The user said no at Microsoft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclineOwnPermissions {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The epoch in which the flow was begun.
    pub begun_in: Epoch,
    /// What was asked for.
    pub asked: Kinds,
}

/// Records the no: the user is not asked again at login, and what else was begun by now does not
/// grant it. What the user holds stays: Microsoft's page lists only what is not consented to yet.
pub fn decline(
    account: &AccountState,
    user: &UserState,
    command: DeclineOwnPermissions,
) -> Result<Vec<Event>, Refusal> {
    users_decide(account)?;
    begun_in_this_epoch(account, command.begun_in)?;
    let held = user.in_epoch(account.epoch).own.kinds();
    let declined = command.asked.without(held);
    let reason = RevocationReason::UserDeclined;
    Ok(revocation(
        account,
        command.account,
        command.user,
        declined,
        reason,
    ))
}

/// The user takes permissions back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeOwnPermissions {
    /// The user's company.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// What is taken back.
    pub permissions: Kinds,
    /// What flows that the user has begun, and that are not over, ask for.
    pub under_way: Kinds,
}

/// Revokes what the user holds of these, or would hold once a flow comes back: to that, too, this
/// is a no. What the user holds is told by the user's events, or by what `seen` of them a view of
/// the log says is effective: where the two differ, somebody has lost something, and it must not be
/// the user's no.
pub fn revoke(
    account: &AccountState,
    user: &UserState,
    seen: Kinds,
    command: RevokeOwnPermissions,
) -> Result<Vec<Event>, Refusal> {
    users_decide(account)?;
    let held = user.in_epoch(account.epoch).own.kinds().union(seen);
    let revoked = command
        .permissions
        .intersection(held.union(command.under_way));
    let reason = RevocationReason::UserRevoked;
    Ok(revocation(
        account,
        command.account,
        command.user,
        revoked,
        reason,
    ))
}

/// Revokes all of these where the user's events can't all be read, and so may hold anything.
/// `latest` is what follows from the last events alone, from where none is missing any more: what
/// was taken back in these, and not granted since, is off already.
pub fn revoke_unread(
    account: &AccountState,
    latest: &UserState,
    command: RevokeOwnPermissions,
) -> Result<Vec<Event>, Refusal> {
    users_decide(account)?;
    let latest = latest.in_epoch(account.epoch);
    let off = latest.answered.without(latest.own.kinds());
    let reason = RevocationReason::UserRevoked;
    Ok(revocation(
        account,
        command.account,
        command.user,
        command.permissions.without(off),
        reason,
    ))
}

fn users_decide(account: &AccountState) -> Result<(), Refusal> {
    match account.authorization {
        Authorization::UserIndividual { .. } => Ok(()),
        Authorization::AdminConfigured { .. } => Err(Refusal::ManagedByAdministrator),
    }
}

/// What of a question still stands: all but what was said no to since.
fn still_asked(
    user: &UserState,
    asked: PermissionSet,
    begun_after: Sequence,
) -> Result<PermissionSet, Refusal> {
    let still_asked = asked.without(user.last_no.after(begun_after));
    if still_asked.is_nothing() {
        return Err(Refusal::FlowExpired);
    }
    Ok(still_asked)
}

fn revocation(
    state: &AccountState,
    account: AccountId,
    user: UserId,
    permissions: Kinds,
    reason: RevocationReason,
) -> Vec<Event> {
    if permissions.is_empty() {
        return Vec::new();
    }
    Vec::from([Event::UserScopeRevoked(UserScopeRevoked {
        account,
        epoch: state.epoch,
        permissions,
        reason,
        revoked_by: Some(user.clone()),
        user,
    })])
}
