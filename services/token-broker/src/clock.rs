//! The withdrawal clock: Microsoft tells nobody when a consent is withdrawn, so every token that is held is tried in its
//! turn.
//!
//! Each user's turn is at a moment of the period that follows from the user alone, so the turns spread evenly, and are the
//! same at every broker. Whoever comes first (each a little later than that, by chance) tries; the others see a newer
//! `verified_at`. What syncs is tried by that, and has its turn only if it was not since the last one.

mod schedule;

use std::sync::Arc;
use std::time::Duration;

use assent_contract::custody::CustodyCount;
use assent_metrics::tokens::{AWAITING_SIGN_IN, HELD, OLDEST_VERIFIED};
use assent_service_kit::Runtime;
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::StoreError;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::budget::Budget;
use crate::custody::Custody;
use crate::failure::Failure;
use crate::user_key::UserKey;
use crate::verify::{Verified, verify};
use schedule::{Schedule, Turn};

/// How many are tried at once.
const AT_ONCE: usize = 256;
/// How many records are read at a time.
const PAGE: usize = 500;
/// The shortest time between two counts of all that is held.
const COUNT_AGAIN: Duration = Duration::from_millis(500);
/// After how long a try that failed is made again, at the latest.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// How many turns are put off in one go, where a budget is used up, and for how long the clock stops then.
const PUT_OFF: usize = 1_000;
const BREATH: Duration = Duration::from_millis(20);
/// For how long the clock rests where nothing is due.
const REST: Duration = Duration::from_secs(1);

/// One who is held, as it was counted.
#[derive(Debug, Clone)]
struct Counted {
    whose: UserKey,
    tenant: Uuid,
    verified_at: Timestamp,
}

/// Goes until the program stops.
pub(crate) async fn run(custody: Arc<Custody>, budget: Budget, runtime: Runtime) {
    let every = custody.verify_every;
    let (counts, mut counted) = mpsc::channel(1);
    runtime.spawn(count_again_and_again(
        Arc::clone(&custody),
        every / 4,
        counts,
        runtime.clone(),
    ));
    let budget = Arc::new(budget);
    let mut schedule = Schedule::new(every);
    let mut under_way: JoinSet<(UserKey, Uuid, Result<Verified, Failure>)> = JoinSet::new();
    let mut pause = Instant::now();
    loop {
        let now = Timestamp::now();
        let is_free = under_way.len() < AT_ONCE && pause <= Instant::now();
        let mut rest = REST;
        if is_free {
            match next(&mut schedule, &budget, now) {
                Next::Turn(turn) => {
                    let (custody, budget) = (Arc::clone(&custody), Arc::clone(&budget));
                    under_way.spawn(async move {
                        let since = Some(turn.since);
                        let verified = verify(&custody, &turn.whose, since, Some(&budget)).await;
                        (turn.whose, turn.tenant, verified)
                    });
                    continue;
                }
                Next::Rest(until) => rest = until.min(REST),
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            count = counted.recv() => {
                let Some(count) = count else { return };
                schedule.take_count(count, Timestamp::now());
            }
            Some(tried) = under_way.join_next() => {
                if let Ok((whose, tenant, verified)) = tried {
                    let wait = after(&verified, every);
                    if let Err(Failure::MicrosoftUnavailable(Some(asked))) = &verified {
                        // Microsoft wants to be left alone.
                        pause = Instant::now() + *asked;
                    }
                    schedule.tried(whose, tenant, wait, Timestamp::now());
                }
            }
            () = tokio::time::sleep(rest) => {}
        }
    }
}

enum Next {
    Turn(Turn),
    Rest(Duration),
}

/// Whose turn it is, as far as the budgets allow.
fn next(schedule: &mut Schedule, budget: &Budget, now: Timestamp) -> Next {
    for _ in 0..PUT_OFF {
        let turn = match schedule.pop(now) {
            Ok(turn) => turn,
            Err(wait) => return Next::Rest(wait),
        };
        match budget.take(turn.tenant) {
            Ok(()) => return Next::Turn(turn),
            Err(wait) => schedule.put_off(turn, wait, now),
        }
    }
    Next::Rest(BREATH)
}

/// What is next for whoever was tried.
fn after(verified: &Result<Verified, Failure>, every: Duration) -> Again {
    match verified {
        Ok(Verified::NotHeld) => Again::Never,
        Ok(Verified::Already | Verified::Stands | Verified::SignInAgain | Verified::Gone(_)) => {
            Again::NextTurn
        }
        Err(failure) => {
            tracing::debug!(code = %failure.code(), "a token was not tried");
            let asked = match failure {
                Failure::MicrosoftUnavailable(asked) => asked.unwrap_or_default(),
                Failure::Invalid(_)
                | Failure::NoScope(_)
                | Failure::AnotherAccount
                | Failure::NotPermitted
                | Failure::NoRefreshToken
                | Failure::ReauthenticationRequired
                | Failure::ConsentWithdrawn
                | Failure::MicrosoftNonsense(_)
                | Failure::TooManyReports(_)
                | Failure::Unknown(_)
                | Failure::Store(_)
                | Failure::Internal(_) => Duration::ZERO,
            };
            Again::After(asked.max((every / 10).min(TRY_AGAIN)))
        }
    }
}

/// When somebody is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Never,
    NextTurn,
    After(Duration),
}

async fn count_again_and_again(
    custody: Arc<Custody>,
    every: Duration,
    counts: mpsc::Sender<Vec<Counted>>,
    runtime: Runtime,
) {
    loop {
        match count(&custody).await {
            Ok(count) => {
                if counts.send(count).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(error = %with_sources(&error), "what is held can't be counted");
            }
        }
        tokio::select! {
            () = runtime.shutdown_requested() => return,
            () = tokio::time::sleep(every.clamp(COUNT_AGAIN, TRY_AGAIN * 5)) => {}
        }
    }
}

async fn count(custody: &Custody) -> Result<Vec<Counted>, StoreError> {
    let mut counted = Vec::new();
    let now = Timestamp::now();
    let (mut awaiting, mut oldest) = (0_u64, None::<Timestamp>);
    let mut from = Some(0);
    while let Some(place) = from {
        let page = custody.store.page(place, PAGE).await?;
        for held in page.held {
            if held.record.reauthentication_required {
                awaiting += 1;
            } else {
                let verified_at = held.record.verified_at;
                oldest = Some(oldest.map_or(verified_at, |oldest| oldest.min(verified_at)));
            }
            counted.push(Counted {
                whose: UserKey {
                    account: held.account,
                    user: held.user,
                },
                tenant: held.record.tenant_id,
                verified_at: held.record.verified_at,
            });
        }
        if !page.unreadable.is_empty() {
            tracing::error!(
                operator_alarm = "token_does_not_open",
                records = page.unreadable.len(),
                "there are records in the bucket of tokens that can't be read"
            );
        }
        from = page.next;
    }
    let held = u64::try_from(counted.len()).unwrap_or(u64::MAX);
    HELD.set_count(held);
    AWAITING_SIGN_IN.set_count(awaiting);
    let since_1970 = oldest.unwrap_or(now).duration_since(Timestamp::UNIX_EPOCH);
    OLDEST_VERIFIED.set(since_1970.as_secs_f64());
    custody.count.note(CustodyCount {
        at: now,
        held,
        awaiting_sign_in: awaiting,
        oldest_verified_at: oldest,
    });
    Ok(counted)
}
