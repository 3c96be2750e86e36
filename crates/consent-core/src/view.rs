//! What the projection's view says, where the log alone does not tell: asked once, with a short deadline. No answer is
//! no knowledge.

use std::time::Duration;

use assent_contract::names;
use assent_contract::query::{AccountAnswer, AccountQuery, PermissionsAnswer, UserQuery};
use assent_domain::account::AccountState;
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::{Kinds, PermissionSet};
use assent_messaging::{Connection, RequestError};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::{current_traceparent, sending};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

/// How long somebody who takes something back waits for it.
const PATIENCE: Duration = Duration::from_millis(750);

/// Why the view did not tell.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the projection did not answer")]
    Request(#[from] RequestError),
    #[error("the projection's answer can't be read")]
    Unreadable(#[from] serde_json::Error),
}

/// What of a user's permissions is effective, by a view no older than this event.
pub(crate) async fn effective(
    connection: &Connection,
    account: &AccountId,
    user: &UserId,
    at_least: Sequence,
) -> Option<Kinds> {
    let query = UserQuery {
        account_id: account.clone(),
        user_id: user.clone(),
        at_least: Some(at_least.0),
    };
    let answer: PermissionsAnswer = ask(connection, names::QUERY_PERMISSIONS, &query).await?;
    Some(PermissionSet::from(answer.effective).kinds())
}

/// A company's state, by a view no older than this event. `None` also where the view does not believe the company's
/// events either.
pub(crate) async fn company(
    connection: &Connection,
    account: &AccountId,
    at_least: Sequence,
) -> Option<AccountState> {
    let query = AccountQuery {
        account_id: account.clone(),
        at_least: Some(at_least.0),
    };
    let answer: AccountAnswer = ask(connection, names::QUERY_ACCOUNT, &query).await?;
    if answer.blocked {
        return None;
    }
    AccountState::try_from(&answer.facts).ok()
}

/// How much of a log the view holds; `None` where no view answers.
pub async fn position(connection: &Connection) -> Option<Sequence> {
    // Any account will do: an answer names its place in the log also for one that has no events.
    let query = AccountQuery {
        account_id: AccountId::parse("assent").ok()?,
        at_least: None,
    };
    let answer: AccountAnswer = ask(connection, names::QUERY_ACCOUNT, &query).await?;
    Some(Sequence(answer.sequence))
}

async fn ask<A: DeserializeOwned>(
    connection: &Connection,
    subject: &'static str,
    query: &impl Serialize,
) -> Option<A> {
    let asked = async {
        let traceparent = current_traceparent();
        let question = serde_json::to_vec(query)?;
        let answer = connection
            .request(subject, question, traceparent.as_deref(), PATIENCE)
            .await?;
        Ok::<_, AskError>(serde_json::from_slice(&answer)?)
    };
    match asked.instrument(sending(subject)).await {
        Ok(answer) => Some(answer),
        Err(error) => {
            tracing::info!(error = %with_sources(&error), "the view did not tell");
            None
        }
    }
}
