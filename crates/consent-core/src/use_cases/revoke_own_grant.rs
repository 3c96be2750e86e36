//! A user takes permissions back.
//!
//! A person's no is recorded whatever is wrong with the log, as long as anybody can tell in which epoch it is said.

use assent_domain::account::AccountState;
use assent_domain::decide::own_consent::{self, RevokeOwnPermissions};
use assent_domain::ids::{AccountId, Epoch, Sequence, UserId};
use assent_domain::permissions::Kinds;
use assent_event_log::{Damage, Missing};
use jiff::Timestamp;

use crate::command_executor::{Account, Recorded, User};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::observations::Attempts;
use crate::view;

/// How often it is decided anew when others keep getting in between.
const ATTEMPTS: usize = 4;

/// What is known after a revocation.
#[derive(Debug)]
pub enum Revoked {
    /// All of the user, as usual.
    UserOverview,
    /// The log is damaged, so this is all of the user that can be said: nothing is on in it that can't be read.
    Partly(Box<(Account, User)>),
}

/// Takes permissions of a user back, whatever else can be read or reached.
pub async fn revoke_own_grant(
    gateway: &Gateway,
    account: &AccountId,
    user: &UserId,
    permissions: Kinds,
) -> Result<Revoked, Failure> {
    gateway.limits.revoke(account, user)?;
    let revocation = Revocation {
        account: account.clone(),
        user: user.clone(),
        permissions,
        // Before the log is read: what comes back in between is held by then.
        attempts: gateway.observations.attempts_for_a_no(account, user).await,
        at: gateway.now(),
    };
    let revoked = revoke(gateway, &revocation, Kinds::NONE).await;
    match revoked {
        Ok(recorded) if recorded.is_nothing => {
            revoke_what_is_seen(gateway, &revocation, &recorded).await?;
            Ok(Revoked::UserOverview)
        }
        Ok(_) => Ok(Revoked::UserOverview),
        Err(failure @ (Failure::Damaged(_) | Failure::LogNotBelieved(_))) => {
            let known = revoke_past_damage(gateway, &revocation, failure).await?;
            Ok(Revoked::Partly(Box::new(known)))
        }
        Err(failure) => Err(failure),
    }
}

/// A person's no, and what else the person has under way at Microsoft.
struct Revocation {
    account: AccountId,
    user: UserId,
    permissions: Kinds,
    /// `None`: not known.
    attempts: Option<Attempts>,
    at: Timestamp,
}

impl Revocation {
    fn in_epoch(&self, epoch: Epoch) -> RevokeOwnPermissions {
        RevokeOwnPermissions {
            account: self.account.clone(),
            user: self.user.clone(),
            permissions: self.permissions,
            // What is not known may be under way: a no to it holds.
            under_way: self.attempts.as_ref().map_or(self.permissions, |attempts| {
                attempts.under_way(epoch, self.at)
            }),
        }
    }
}

async fn revoke(
    gateway: &Gateway,
    revocation: &Revocation,
    seen: Kinds,
) -> Result<Recorded, Failure> {
    gateway
        .executor
        .execute_on_user(&revocation.account, &revocation.user, |company, state| {
            own_consent::revoke(company, state, seen, revocation.in_epoch(company.epoch))
        })
        .await
}

/// The log holds nothing to revoke. Where the view says otherwise, the log has lost a grant.
async fn revoke_what_is_seen(
    gateway: &Gateway,
    revocation: &Revocation,
    decided: &Recorded,
) -> Result<(), Failure> {
    if revocation.permissions.is_empty() {
        return Ok(());
    }
    let at_least = decided.account.last_sequence.max(decided.sequence);
    let (account, user) = (&revocation.account, &revocation.user);
    let Some(seen) = view::effective(&gateway.connection, account, user, at_least).await else {
        return Ok(());
    };
    let seen = seen.intersection(revocation.permissions);
    if seen.is_empty() {
        return Ok(());
    }
    tracing::error!(
        operator_alarm = "event_log_lost_a_grant",
        account.id = %account,
        user.id = %user,
        "the view says that something is effective which the event log holds no grant of; its revocation is recorded"
    );
    revoke(gateway, revocation, seen).await.map(drop)
}

/// The log can't be read in full. What is asked is recorded after whatever can be.
async fn revoke_past_damage(
    gateway: &Gateway,
    revocation: &Revocation,
    failure: Failure,
) -> Result<(Account, User), Failure> {
    let executor = gateway.executor.beyond_trouble();
    let is_believed = matches!(failure, Failure::Damaged(_));
    // What can't be told by anybody is refused by the trouble that was met first.
    let mut failure = Some(failure);
    for _ in 0..ATTEMPTS {
        let (account, user) = (&revocation.account, &revocation.user);
        let company = match executor.account(account).await {
            Ok(company) => company,
            Err(Failure::Damaged(damage)) => {
                let seen = view::company(&gateway.connection, account, end_of(&damage)).await;
                let Some(state) = seen else {
                    return Err(failure.take().unwrap_or(Failure::Damaged(damage)));
                };
                Account::seen(state)
            }
            Err(other) => return Err(other),
        };
        let (user, tail, is_all) = match executor.user(account, user).await {
            Ok(user) => {
                let tail = user.history.tail;
                (user, tail, is_believed)
            }
            Err(Failure::Damaged(damage)) => (User::of_latest(&damage)?, damage.tail, false),
            Err(other) => return Err(other),
        };
        // The view may lag behind the log, but no user's event is of an epoch that the company was not in.
        let state = AccountState {
            epoch: company.state.epoch.max(user.state.epoch),
            ..company.state.clone()
        };
        let no = revocation.in_epoch(state.epoch);
        let events = if is_all {
            own_consent::revoke(&state, &user.state, Kinds::NONE, no)?
        } else {
            own_consent::revoke_unread(&state, &user.state, no)?
        };
        if let Some(recorded) = executor.append(tail, &events).await? {
            let user = user.with_events(&recorded)?;
            return Ok((company, user));
        }
    }
    Err(Failure::ConcurrentChange)
}

/// The last place at which an event of a damaged history can be.
fn end_of(damage: &Damage) -> Sequence {
    let missing = match &damage.missing {
        Missing::At(sequences) => sequences.iter().max().copied(),
        Missing::Between(_, before) => Some(Sequence(before.0.saturating_sub(1))),
    };
    missing.unwrap_or_default().max(damage.tail.sequence)
}

#[cfg(test)]
mod tests;
