//! Trying a token for its own sake: is what is effective still consented to at Microsoft?

use std::sync::Arc;

use assent_contract::command::Reach;
use assent_domain::permissions::Permission;
use assent_token_vault::Held;
use jiff::Timestamp;

use crate::budget::Budget;
use crate::custody::{Attempt, Custody, Reason, Tried};
use crate::endings;
use crate::failure::Failure;
use crate::permissions::Permitted;
use crate::standing::{ending, mailbox};
use crate::user_key::UserKey;
use crate::withdrawals::Withdrawal;

/// What was found.
#[derive(Debug)]
pub(crate) enum Verified {
    /// Nothing is held (any more), or nothing that opens.
    NotHeld,
    /// Somebody has tried it meanwhile.
    Already,
    /// Microsoft said yes to all that is effective.
    Stands,
    /// The user has to sign in again; the consent stands.
    SignInAgain,
    /// Something is gone, and what of it was recorded.
    Gone(Vec<Permission>),
}

/// Tries what is held of a user, with all that is effective; where that is refused, permission by permission. With `since`,
/// only if nobody has since then. The first try is in the caller's budget already.
pub(crate) async fn verify(
    custody: &Arc<Custody>,
    whose: &UserKey,
    since: Option<Timestamp>,
    budget: Option<&Budget>,
) -> Result<Verified, Failure> {
    let _flight = custody.flights.begin(whose).await;
    let Some(held) = custody.held(whose).await? else {
        return Ok(Verified::NotHeld);
    };
    if since.is_some_and(|since| since <= held.record.verified_at) {
        return Ok(Verified::Already);
    }
    let sequence = held.record.sequence;
    let permitted = custody.permissions.of(whose, Some(sequence)).await?;
    if ending(&permitted, &held.record).is_some() {
        endings::destroy_if_over(custody, &held, sequence).await?;
        return Ok(Verified::NotHeld);
    }
    let effective = permitted.effective;
    if effective.is_nothing() {
        // Nobody knows: it is kept, and there is nothing to try it for.
        return Ok(Verified::NotHeld);
    }
    let attempt = Attempt {
        wanted: effective,
        permitted: &permitted,
        reason: Reason::Verification,
        budget,
    };
    let tried = custody.try_held(held, attempt).await?;
    let Some((tried, held)) = tried else {
        return Ok(Verified::NotHeld);
    };
    match tried {
        Tried::Yes { .. } => Ok(Verified::Stands),
        Tried::SignInAgain => Ok(Verified::SignInAgain),
        Tried::No(failure) => Err(failure),
        Tried::Gone(evidence) => {
            let gone = Withdrawal {
                permissions: effective.kinds().iter().collect(),
                mailbox: mailbox(&held.record),
                evidence,
                as_of: permitted.sequence.max(sequence),
            };
            gone_of(custody, whose, held, &permitted, gone, budget).await
        }
    }
}

/// Which of them it is.
async fn gone_of(
    custody: &Arc<Custody>,
    whose: &UserKey,
    mut held: Held,
    permitted: &Permitted,
    all: Withdrawal,
    budget: Option<&Budget>,
) -> Result<Verified, Failure> {
    if all.evidence.reach == Reach::Tenant || all.permissions.len() == 1 {
        return Ok(record(custody, whose, all).await);
    }
    let mut gone: Option<Withdrawal> = None;
    for permission in all.permissions.iter().copied() {
        wait(budget, held.record.tenant_id).await;
        let attempt = Attempt {
            wanted: permitted.effective.only([permission].into_iter().collect()),
            permitted,
            reason: Reason::Narrowing,
            budget,
        };
        let tried = custody.try_held(held, attempt).await?;
        let Some((tried, now_held)) = tried else {
            return Ok(Verified::NotHeld);
        };
        held = now_held;
        match tried {
            Tried::Yes { .. } => {}
            Tried::SignInAgain => return Ok(Verified::SignInAgain),
            Tried::No(failure) => return Err(failure),
            Tried::Gone(evidence) => match &mut gone {
                Some(gone) => gone.permissions.push(permission),
                None => {
                    gone = Some(Withdrawal {
                        permissions: Vec::from([permission]),
                        evidence,
                        ..all_but_evidence(&all)
                    });
                }
            },
        }
    }
    match gone {
        Some(gone) => Ok(record(custody, whose, gone).await),
        // Each alone, and not together: nobody has withdrawn anything.
        None => Ok(Verified::Stands),
    }
}

fn all_but_evidence(all: &Withdrawal) -> Withdrawal {
    Withdrawal {
        permissions: Vec::new(),
        mailbox: all.mailbox,
        evidence: all.evidence.clone(),
        as_of: all.as_of,
    }
}

async fn record(custody: &Custody, whose: &UserKey, gone: Withdrawal) -> Verified {
    let recorded = custody.withdrawals.record(whose, gone).await;
    Verified::Gone(recorded.unwrap_or_default())
}

async fn wait(budget: Option<&Budget>, tenant: uuid::Uuid) {
    if let Some(budget) = budget {
        budget.wait(tenant).await;
    }
}
