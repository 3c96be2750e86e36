//! Microsoft Graph, asked with somebody's token: what can go wrong, and whose token it is.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::client::Entra;
use crate::endpoints::extend_path;
use crate::redemption::AccessToken;
use crate::transport::{CallError, NoAnswer, Response, parse, retry_after};

/// Why Microsoft Graph gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The token was not accepted, or the request was.
    #[error("Microsoft Graph refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// Microsoft Graph could not be reached or is unwell.
    #[error("Microsoft Graph could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Microsoft Graph did not answer in time.
    #[error("Microsoft Graph did not answer in time")]
    TimedOut,
    /// The answer is not what was asked for.
    #[error("the answer made no sense: {0}")]
    Nonsense(&'static str),
}

impl From<CallError> for GraphError {
    fn from(error: CallError) -> Self {
        match error.into() {
            NoAnswer::TimedOut => Self::TimedOut,
            NoAnswer::Nonsense(what) => Self::Nonsense(what),
            NoAnswer::Unreachable(error) => Self::Unreachable(error.into()),
        }
    }
}

impl GraphError {
    /// After how long it makes sense to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}

#[derive(Deserialize)]
struct GraphUser {
    id: Uuid,
}

impl Entra {
    /// Asks Microsoft Graph for the object id of the person to whom a token was given. Graph's tokens are not for us to read.
    pub async fn token_owner(&self, token: &AccessToken) -> Result<Uuid, GraphError> {
        let address = self.graph_address(&["me"], &[("$select", "id")]);
        let deadline = self.shared.transport.graph.deadline();
        let answer = self.ask_graph(&address, token, deadline).await?;
        match answer.status {
            200 => read::<GraphUser>(&answer)
                .map(|person| person.id)
                .ok_or(GraphError::Nonsense("not a person")),
            status => Err(GraphError::Refused { status }),
        }
    }

    /// `{graph}/v1.0/{segments…}?{query}`.
    pub(crate) fn graph_address(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut address = extend_path(&extend_path(&self.shared.graph_url, &["v1.0"]), segments);
        address.query_pairs_mut().extend_pairs(query);
        address
    }

    pub(crate) async fn ask_graph(
        &self,
        address: &Url,
        token: &AccessToken,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let graph = &self.shared.transport.graph;
        graph.get_as(address, token.expose(), deadline).await
    }
}

/// Reads the body of a response; anything else than what is expected is `None`.
pub(crate) fn read<T: DeserializeOwned>(response: &Response) -> Option<T> {
    parse(&response.body)
}
