//! Nothing effective, nothing kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use assent_contract::names::QUERY_LOGIN_STATE;
use assent_contract::query::{LoginState, UserQuery};
use assent_domain::ids::AccountId;
use assent_messaging::Connection;
use assent_metrics::tokens::DESTROYED;
use assent_service_kit::Runtime;
use assent_service_kit::error_chain::with_sources;
use assent_token_vault::{Held, StoreError};
use tokio::sync::mpsc;

use crate::custody::{Custody, mailbox};
use crate::failure::Failure;
use crate::permissions::{PermissionsUnknown, Permitted, Told};
use crate::user_key::UserKey;

const DEADLINE: Duration = Duration::from_secs(4);
/// How many records are read at a time.
const PAGE: usize = 200;
/// How many companies may wait to be looked through. More are left to the clock.
const WAITING: usize = 1_000;

/// Why a token is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    NothingEffective,
    AnotherMailbox,
}

impl Ending {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NothingEffective => "nothing_effective",
            Self::AnotherMailbox => "another_mailbox",
        }
    }
}

/// Whether what is held has no use any more, by what is known. `permitted` reflects the consent that it came with.
pub(crate) fn reason_to_destroy(permitted: &Permitted, held: &Held) -> Option<Ending> {
    if permitted.effective().is_nothing() {
        return Some(Ending::NothingEffective);
    }
    let mailbox = mailbox(&held.record);
    (permitted.answer.microsoft_identity != Some(mailbox)).then_some(Ending::AnotherMailbox)
}

/// Looks once more, as of `at_least`, and destroys what is held if it has no use. A user who can't be judged because an event
/// can't be read has nothing effective for now, and keeps it.
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
    let Some(ending) = reason_to_destroy(&permitted, held) else {
        return Ok(false);
    };
    if is_blocked(custody.permissions.connection(), &whose, at_least).await? {
        return Ok(false);
    }
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
        sequence = permitted.answer.sequence,
        "a refresh token is destroyed"
    );
    Ok(true)
}

async fn is_blocked(
    connection: &Connection,
    whose: &UserKey,
    at_least: u64,
) -> Result<bool, Failure> {
    let query = UserQuery {
        account_id: whose.account.clone(),
        user_id: whose.user.clone(),
        at_least: Some(at_least),
    };
    let payload = serde_json::to_vec(&query).map_err(|error| Failure::Internal(error.into()))?;
    let answer = connection
        .request(QUERY_LOGIN_STATE, payload, None, DEADLINE)
        .await
        .map_err(PermissionsUnknown::Request)?;
    let state: LoginState =
        serde_json::from_slice(&answer).map_err(PermissionsUnknown::Unreadable)?;
    Ok(state.blocked)
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
