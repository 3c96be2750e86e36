//! JetStream, as far as Assent uses it: streams, stored messages, appends.
//!
//! Everything goes over the connection's own requests ([`crate::request`]). The client library's JetStream context keeps
//! a place for every answer that never comes (see `replies.rs`), and compares no configuration.

mod append;
mod batches;
mod configuration;
mod error;
mod full;
mod storage;
mod stored;
mod stream_state;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connection::Connection;
use error::ApiError;

pub use append::{Acknowledgement, Append, Expected, NewMessage, PendingAck};
pub use batches::{Batched, Batches};
pub use configuration::AppendOnlyStream;
pub(crate) use configuration::differences;
pub use error::JetStreamError;
pub use full::Full;
pub use storage::Storage;
pub use stored::{Place, StoredMessage};
pub(crate) use stream_state::RECREATED;
pub use stream_state::{StreamState, SubjectCount, Subjects};

/// How long JetStream may take for one operation.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// How long it may take to list very many subjects: the server sorts all of them for every page.
pub(crate) const LISTING_DEADLINE: Duration = Duration::from_secs(15);

impl Connection {
    /// One call of JetStream's API, such as `STREAM.INFO.CONSENT_EVENTS`.
    async fn call<T: DeserializeOwned>(
        &self,
        api: &str,
        question: &impl Serialize,
        deadline: Duration,
    ) -> Result<T, JetStreamError> {
        let api = format!("$JS.API.{api}");
        let question = serde_json::to_vec(question)
            .map_err(|error| JetStreamError::misunderstood(&api, error))?;
        let answer = self.request(&api, question, None, deadline).await?;
        parse_answer(&api, &answer)
    }
}

fn parse_answer<T: DeserializeOwned>(what: &str, answer: &[u8]) -> Result<T, JetStreamError> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: Option<ApiError>,
    }
    let unreadable = |error| JetStreamError::misunderstood(what, error);
    let refusal: Refusal = serde_json::from_slice(answer).map_err(unreadable)?;
    match refusal.error {
        Some(error) => Err(error.into_error(what)),
        None => serde_json::from_slice(answer).map_err(unreadable),
    }
}
