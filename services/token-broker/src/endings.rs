//! Nothing effective, nothing kept.

use std::collections::HashMap;
use std::sync::Arc;

use assent_domain::ids::AccountId;
use assent_metrics::tokens::DESTROYED;
use assent_service_kit::Runtime;
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::{Held, StoreError};
use tokio::sync::mpsc;

use crate::custody::Custody;
use crate::failure::Failure;
use crate::permissions::Told;
use crate::standing::ending;
use crate::user_key::UserKey;

/// How many records are read at a time.
const PAGE: usize = 200;
/// How many companies may wait to be looked through. More are left to the clock.
const WAITING: usize = 1_000;

/// Looks once more, as of `at_least`, and destroys what is held if it has no use.
pub(crate) async fn destroy_if_over(
    custody: &Custody,
    held: &Held,
    at_least: u64,
) -> Result<bool, Failure> {
    let whose = UserKey {
        account: held.account.clone(),
        user: held.user.clone(),
    };
    let at_least = at_least.max(held.record.sequence);
    let permitted = custody.permissions.of(&whose, Some(at_least)).await?;
    let Some(ending) = ending(&permitted, &held.record) else {
        return Ok(false);
    };
    match custody.store.destroy(held).await {
        Ok(()) => {}
        // There is another one by now, which is judged by itself.
        Err(StoreError::Conflict) => return Ok(false),
        Err(error @ (StoreError::Unreadable(_) | StoreError::Bucket(_))) => {
            return Err(Failure::Store(error.into()));
        }
    }
    DESTROYED.with([ending.as_str()]).increment(1);
    tracing::info!(
        account.id = %whose.account,
        user.id = %whose.user,
        reason = ending.as_str(),
        sequence = permitted.sequence,
        "a refresh token is destroyed"
    );
    Ok(true)
}

/// Destroys what has no use any more as soon as a change is told. What is missed here, the clock finds.
pub(crate) async fn watch(custody: Arc<Custody>, mut told: mpsc::Receiver<Told>, runtime: Runtime) {
    let mut accounts = HashMap::new();
    loop {
        let next = tokio::select! {
            () = runtime.shutdown_requested() => return,
            next = told.recv() => next,
        };
        let Some(next) = next else { return };
        let mut next = Some(next);
        // All that was told by now: a company that changed several times is looked through once.
        while let Some(change) = next {
            match change {
                Told::Account(account, sequence) => {
                    if accounts.len() < WAITING {
                        let as_of: &mut u64 = accounts.entry(account).or_default();
                        *as_of = sequence.unwrap_or_default().max(*as_of);
                    }
                }
                Told::User(whose, sequence) => look_at(&custody, &whose, sequence).await,
            }
            next = told.try_recv().ok();
        }
        if !accounts.is_empty() {
            look_through(&custody, &accounts).await;
            accounts.clear();
        }
    }
}

async fn look_at(custody: &Custody, whose: &UserKey, sequence: Option<u64>) {
    let looked = async {
        match custody.held(whose).await? {
            Some(held) => destroy_if_over(custody, &held, sequence.unwrap_or_default()).await,
            None => Ok(false),
        }
    };
    if let Err(failure) = looked.await {
        tracing::debug!(code = %failure.code(), "what is held of a user is looked at later");
    }
}

async fn look_through(custody: &Custody, accounts: &HashMap<AccountId, u64>) {
    let mut from = Some(0);
    while let Some(place) = from {
        let page = match custody.store.page(place, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(error = %with_sources(&error), "what is held is looked through later");
                return;
            }
        };
        for held in &page.held {
            if let Some(as_of) = accounts.get(&held.account)
                && let Err(failure) = destroy_if_over(custody, held, *as_of).await
            {
                tracing::debug!(code = %failure.code(), "what is held of a user is looked at later");
            }
        }
        from = page.next;
    }
}
