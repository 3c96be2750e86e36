//! What the token broker says of a user: asked once, with a short deadline. No answer is no knowledge.

use std::time::Duration;

use assent_contract::custody::{CustodyQuery, CustodyStatus};
use assent_contract::names::CUSTODY_STATUS;
use assent_domain::ids::{AccountId, UserId};
use assent_messaging::{Connection, RequestError};
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::telemetry::{current_traceparent, sending};
use tracing::Instrument as _;

/// How long somebody who looks at a user waits for it. Without a broker it is known at once that there is none.
const PATIENCE: Duration = Duration::from_millis(300);

/// What the broker holds of a user and has handed out; `None` where it does not say.
pub(crate) async fn status(
    connection: &Connection,
    account: &AccountId,
    user: &UserId,
) -> Option<CustodyStatus> {
    let query = CustodyQuery {
        account_id: account.clone(),
        user_id: user.clone(),
    };
    match ask(connection, &query).await {
        Ok(status) => Some(status),
        // Most installations that have none have none for long.
        Err(AskError::Request(RequestError::NoResponders { .. })) => None,
        Err(error) => {
            tracing::info!(error = %with_sources(&error), "the token broker did not tell");
            None
        }
    }
}

/// Why the broker did not tell.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("the token broker did not answer")]
    Request(#[from] RequestError),
    #[error("the token broker's answer can't be read")]
    Unreadable(#[from] serde_json::Error),
}

async fn ask(connection: &Connection, query: &CustodyQuery) -> Result<CustodyStatus, AskError> {
    let asked = async {
        let traceparent = current_traceparent();
        let question = serde_json::to_vec(query)?;
        let answer = connection
            .request(CUSTODY_STATUS, question, traceparent.as_deref(), PATIENCE)
            .await?;
        Ok(serde_json::from_slice(&answer)?)
    };
    asked.instrument(sending(CUSTODY_STATUS)).await
}
