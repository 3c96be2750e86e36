//! The few calls of the JetStream API that the log needs.
//!
//! They go over the connection's own requests and not over the client library's JetStream
//! context, which keeps a place for every answer that never comes.

use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_messaging::{Connection, RequestError};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, RawMessage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::entry::LogEntry;
use crate::read::ReadError;

/// A stream, as the server describes it. `created` stays text: it is only ever compared.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) config: Config,
    pub(crate) created: String,
    pub(crate) state: State,
}

#[derive(Debug, Deserialize)]
pub(crate) struct State {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    #[serde(default)]
    pub(crate) num_deleted: u64,
}

/// Which message to get. The stream's leader answers, so what was acknowledged before is seen.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Get<'a> {
    /// The message with this sequence.
    At { seq: u64 },
    /// The last one on a subject.
    Last { last_by_subj: &'a str },
    /// The first one on a subject from this sequence on.
    Next { seq: u64, next_by_subj: &'a str },
}

#[derive(Deserialize)]
struct Got {
    message: RawMessage,
}

pub(crate) async fn create_stream(
    connection: &Connection,
    config: &Config,
    deadline: Duration,
) -> Result<StreamInfo, ReadError> {
    create_stream_of(connection, EVENT_STREAM, config, deadline).await
}

/// As [`create_stream`], for the stream named.
pub(crate) async fn create_stream_of(
    connection: &Connection,
    stream: &str,
    config: &Config,
    deadline: Duration,
) -> Result<StreamInfo, ReadError> {
    let subject = subject_of("STREAM.CREATE", stream);
    ask(connection, &subject, config, deadline).await
}

pub(crate) async fn stream_info(
    connection: &Connection,
    deadline: Duration,
) -> Result<StreamInfo, ReadError> {
    stream_info_of(connection, EVENT_STREAM, deadline).await
}

/// As [`stream_info`], of the stream named.
pub(crate) async fn stream_info_of(
    connection: &Connection,
    stream: &str,
    deadline: Duration,
) -> Result<StreamInfo, ReadError> {
    let subject = subject_of("STREAM.INFO", stream);
    ask(connection, &subject, &serde_json::json!({}), deadline).await
}

pub(crate) async fn get(
    connection: &Connection,
    which: &Get<'_>,
    deadline: Duration,
) -> Result<Option<LogEntry>, ReadError> {
    get_of(connection, EVENT_STREAM, which, deadline).await
}

/// As [`get`], from the stream named.
pub(crate) async fn get_of(
    connection: &Connection,
    stream: &str,
    which: &Get<'_>,
    deadline: Duration,
) -> Result<Option<LogEntry>, ReadError> {
    let subject = subject_of("STREAM.MSG.GET", stream);
    let got: Result<Got, _> = ask(connection, &subject, which, deadline).await;
    match got {
        Ok(Got { message }) => {
            let message = StreamMessage::try_from(message).map_err(ReadError::Nonsense)?;
            Ok(Some(LogEntry::from_stream(message)))
        }
        Err(ReadError::Refused { code, .. }) if code == ErrorCode::NO_MESSAGE_FOUND.0 => Ok(None),
        Err(error) => Err(error),
    }
}

/// A consumer that pushes to us whatever is stored from a sequence on.
#[derive(Debug, Serialize)]
pub(crate) struct PushConsumer<'a> {
    pub(crate) deliver_subject: &'a str,
    pub(crate) deliver_policy: &'static str,
    pub(crate) opt_start_seq: u64,
    pub(crate) ack_policy: &'static str,
    pub(crate) replay_policy: &'static str,
    pub(crate) max_deliver: i64,
    pub(crate) flow_control: bool,
    /// In nanoseconds, like every duration here.
    pub(crate) idle_heartbeat: u128,
    pub(crate) inactive_threshold: u128,
    pub(crate) mem_storage: bool,
    pub(crate) num_replicas: usize,
}

#[derive(Serialize)]
struct CreateConsumer<'a> {
    stream_name: &'static str,
    config: &'a PushConsumer<'a>,
}

/// What the server says of a consumer that it created; nothing of it is needed.
#[derive(Deserialize)]
struct Created {
    #[serde(rename = "name")]
    _name: String,
}

pub(crate) async fn create_consumer(
    connection: &Connection,
    config: &PushConsumer<'_>,
    deadline: Duration,
) -> Result<(), ReadError> {
    let question = CreateConsumer {
        stream_name: EVENT_STREAM,
        config,
    };
    let created: Result<Created, _> =
        ask(connection, &subject("CONSUMER.CREATE"), &question, deadline).await;
    created.map(drop)
}

/// The subject of a call about the log's stream.
fn subject(call: &str) -> String {
    subject_of(call, EVENT_STREAM)
}

fn subject_of(call: &str, stream: &str) -> String {
    format!("$JS.API.{call}.{stream}")
}

/// One call.
async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    question: &impl Serialize,
    deadline: Duration,
) -> Result<T, ReadError> {
    let nonsense = |error: serde_json::Error| ReadError::Nonsense(error.into());
    let question = serde_json::to_vec(question).map_err(nonsense)?;
    let answer = connection
        .request(subject, question, None, deadline)
        .await?;
    match serde_json::from_slice(&answer).map_err(nonsense)? {
        Response::Ok(answer) => Ok(answer),
        Response::Err { error } if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
            Err(ReadError::NotThere)
        }
        // JetStream is starting, or the stream has no leader at the moment.
        Response::Err { error } if error.code() == 503 => Err(ReadError::NotReachable),
        Response::Err { error } => Err(ReadError::Refused {
            code: error.error_code().0,
            description: error.to_string(),
        }),
    }
}

impl From<RequestError> for ReadError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NotConnected | RequestError::NoResponders { .. } => Self::NotReachable,
            RequestError::TimedOut { .. } => Self::TimedOut,
            RequestError::NotPermitted { complaint, .. } => Self::NotPermitted { complaint },
            error @ (RequestError::Service { .. } | RequestError::CannotBeSent { .. }) => {
                Self::Nonsense(error.into())
            }
        }
    }
}
