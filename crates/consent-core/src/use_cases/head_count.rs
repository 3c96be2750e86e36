//! How many users of a company have what, as the projection knows it.

use std::time::Duration;

use assent_contract::names;
use assent_contract::query::{UsersPage, UsersQuery};
use assent_contract::values::{EmailLevel, PermissionSet};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_messaging::RequestError;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::{current_traceparent, sending};
use tracing::Instrument as _;

use crate::gateway::Gateway;

/// How long a page waits for the count. It is good to know, and no reason to keep anybody waiting.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How many users are asked for at once, the most that the projection gives.
const PAGE: u16 = 1000;
/// How many pages are counted. Of larger companies it is said that there are more.
const MOST_PAGES: usize = 10;

/// The count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadCount {
    /// Everybody of whom anything was ever recorded.
    pub users: usize,
    /// How many users have at least one permission now.
    pub connected: usize,
    /// How many users' calendars are synced.
    pub calendar: usize,
    /// How many users' contacts are synced.
    pub contacts: usize,
    /// How many users' e-mail is synced, at whatever level.
    pub email: usize,
    /// How many users' replies are synced.
    pub full_email: usize,
    /// There are more users than were counted.
    pub is_partial: bool,
}

/// Counts, no earlier than this event of the company. `None` where nobody can tell just now.
pub async fn head_count(
    gateway: &Gateway,
    account: &AccountId,
    at_least: Sequence,
) -> Option<HeadCount> {
    let counted = count(gateway, account, at_least).instrument(sending(names::QUERY_USERS));
    let counted = tokio::time::timeout(PATIENCE, counted);
    match counted.await {
        Ok(Ok(counted)) => Some(counted),
        Ok(Err(error)) => {
            tracing::warn!(error = %with_sources(&error), "the users of a company were not counted");
            None
        }
        Err(_) => {
            tracing::warn!("the users of a company were not counted in time");
            None
        }
    }
}

/// Why there is no count.
#[derive(Debug, thiserror::Error)]
enum CountError {
    #[error("the projection did not answer")]
    Request(#[from] RequestError),
    #[error("the projection's answer can't be read")]
    Unreadable(#[from] serde_json::Error),
}

async fn count(
    gateway: &Gateway,
    account: &AccountId,
    at_least: Sequence,
) -> Result<HeadCount, CountError> {
    let mut counted = HeadCount::default();
    let traceparent = current_traceparent();
    let mut after: Option<UserId> = None;
    for _ in 0..MOST_PAGES {
        let query = UsersQuery {
            account_id: account.clone(),
            after,
            limit: Some(PAGE),
            at_least: Some(at_least.0),
        };
        let question = serde_json::to_vec(&query)?;
        let answer = gateway
            .connection
            .request(
                names::QUERY_USERS,
                question,
                traceparent.as_deref(),
                PATIENCE,
            )
            .await?;
        let page: UsersPage = serde_json::from_slice(&answer)?;
        counted.add(&page);
        after = page.next;
        if after.is_none() {
            return Ok(counted);
        }
    }
    counted.is_partial = true;
    Ok(counted)
}

impl HeadCount {
    fn add(&mut self, page: &UsersPage) {
        let count = |has: fn(&PermissionSet) -> bool| {
            page.users
                .iter()
                .filter(|user| has(&user.effective))
                .count()
        };
        self.users += page.users.len();
        self.calendar += count(|set| set.calendar);
        self.contacts += count(|set| set.contacts);
        self.email += count(|set| set.email != EmailLevel::None);
        self.full_email += count(|set| set.email == EmailLevel::Full);
        self.connected +=
            count(|set| set.calendar || set.contacts || set.email != EmailLevel::None);
    }
}
