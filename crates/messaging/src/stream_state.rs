//! How a stream stands: whether it is there, as it was, and how full.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use serde::Deserialize;

use crate::api_error::ApiError;
use crate::connection::Connection;
use crate::jetstream::{JetStreamError, difference};

/// In the metadata of a stream: it was created in the place of one that was lost.
pub(crate) const MADE_ANEW: &str = "assent.made-anew";

/// JetStream's number for a stream that is not there.
const STREAM_NOT_FOUND: u64 = 10_059;

/// A stream, as its leader describes it.
#[derive(Debug, Clone)]
pub struct StreamState {
    /// How many messages it holds.
    pub messages: u64,
    /// How much space they take.
    pub bytes: u64,
    /// How much they may take; `None` without a limit.
    pub max_bytes: Option<u64>,
    /// The last message that was ever stored in it; 0 if there never was one.
    pub last_sequence: u64,
    /// When it was created, as the server writes it.
    pub created: String,
    config: Config,
}

impl StreamState {
    /// The first setting in which it is not what it was, if there is one. A limit of its size may be another one, but
    /// where there was none there must be none.
    pub fn difference_from(&self, before: &Self) -> Option<String> {
        let mut before_now = before.config.clone();
        if before.max_bytes.is_some() && self.max_bytes.is_some() {
            before_now.max_bytes = self.config.max_bytes;
        }
        difference(&before_now, &self.config)
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it was created in the place of one that was lost.
    pub fn is_made_anew(&self) -> bool {
        self.config.metadata.contains_key(MADE_ANEW)
    }
}

#[derive(Deserialize)]
struct Reply {
    config: Option<Config>,
    #[serde(default)]
    created: String,
    state: Option<State>,
    cluster: Option<Cluster>,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct State {
    messages: u64,
    bytes: u64,
    last_seq: u64,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    leader: Option<String>,
    #[serde(default)]
    replicas: Option<Vec<serde::de::IgnoredAny>>,
}

impl Connection {
    /// How a stream stands; `None` when it is not there.
    pub async fn stream_state(
        &self,
        stream: &str,
        deadline: Duration,
    ) -> Result<Option<StreamState>, JetStreamError> {
        let api = format!("$JS.API.STREAM.INFO.{stream}");
        let answer = self.request(&api, Vec::new(), None, deadline).await?;
        let misunderstood = |source| JetStreamError::Misunderstood {
            what: stream.to_owned(),
            source,
        };
        let reply: Reply =
            serde_json::from_slice(&answer).map_err(|error| misunderstood(error.into()))?;
        let clustered = reply.cluster.filter(|cluster| cluster.replicas.is_some());
        if clustered.is_some_and(|cluster| cluster.leader.is_none_or(|leader| leader.is_empty())) {
            return Err(JetStreamError::Refused {
                code: 0,
                description: "the stream has no leader".to_owned(),
            });
        }
        match (reply.config, reply.state, reply.error) {
            (_, _, Some(error)) if error.err_code == STREAM_NOT_FOUND => Ok(None),
            (_, _, Some(error)) => Err(error.into()),
            (Some(config), Some(state), None) => Ok(Some(StreamState {
                messages: state.messages,
                bytes: state.bytes,
                max_bytes: u64::try_from(config.max_bytes).ok().filter(|max| 0 < *max),
                last_sequence: state.last_seq,
                created: reply.created,
                config,
            })),
            _ => Err(misunderstood("neither a stream nor an error".into())),
        }
    }
}
