//! The few calls of the JetStream API that the log needs.
//!
//! They go over the connection's own requests and not over the client library's JetStream
//! context, which keeps a place for every answer that never comes.

use std::collections::BTreeMap;
use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_messaging::{Connection, Full, RequestError};
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
    /// Which these are, where that was asked for.
    #[serde(default)]
    pub(crate) deleted: Option<Vec<u64>>,
    #[serde(default)]
    pub(crate) messages: u64,
    /// How many messages each subject has, of those that were asked for.
    #[serde(default)]
    pub(crate) subjects: BTreeMap<String, u64>,
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

/// What the server counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// How many messages a subject has.
    pub(crate) messages: u64,
    /// How many messages of the whole stream the server knows to be gone. It counts these on no
    /// subject any more.
    pub(crate) lost: u64,
}

/// How many messages the server counts on a subject. It does not look at them, so it counts those
/// as well that it can't read any more.
pub(crate) async fn count(
    connection: &Connection,
    counted: &str,
    deadline: Duration,
) -> Result<Counted, ReadError> {
    let filter = serde_json::json!({ "subjects_filter": counted });
    let info: StreamInfo = ask(connection, &subject("STREAM.INFO"), &filter, deadline).await?;
    Ok(Counted {
        messages: info.state.subjects.get(counted).copied().unwrap_or(0),
        lost: info.state.lost(),
    })
}

/// The last message of the stream that the server knows to be gone.
pub(crate) async fn last_lost(
    connection: &Connection,
    deadline: Duration,
) -> Result<u64, ReadError> {
    let details = serde_json::json!({ "deleted_details": true });
    let info: StreamInfo = ask(connection, &subject("STREAM.INFO"), &details, deadline).await?;
    let deleted = info.state.deleted.iter().flatten().max().copied();
    let before_the_first = info.state.first_seq.saturating_sub(1);
    // Where it does not say which, it may be any.
    let any = (info.state.num_deleted != 0 && deleted.is_none()).then_some(info.state.last_seq);
    Ok(deleted.or(any).unwrap_or_default().max(before_the_first))
}

impl State {
    /// No message is ever removed, so that each number up to the last has one.
    fn lost(&self) -> u64 {
        let before_the_first = self.first_seq.saturating_sub(1);
        let is_empty = self.last_seq == 0;
        let all = before_the_first.saturating_add(self.num_deleted);
        if is_empty { 0 } else { all }
    }
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

/// Which messages to get: what is stored from a sequence on, up to a number.
#[derive(Debug, Serialize)]
pub(crate) struct Batch {
    pub(crate) seq: u64,
    pub(crate) batch: usize,
}

/// Whether batches may be asked for. Nothing is heard of a batch that is denied.
pub(crate) async fn may_ask_for_batches(
    connection: &Connection,
    deadline: Duration,
) -> Result<(), ReadError> {
    let question = serde_json::json!({ "seq": 1 }).to_string();
    connection
        .request(&subject("DIRECT.GET"), question.into(), None, deadline)
        .await?;
    Ok(())
}

/// Asks for a batch. The messages come to `reply`, one by one, then one that ends them. Any server
/// that keeps the stream answers, so what was acknowledged a moment ago may be missing.
pub(crate) async fn ask_for_batch(
    connection: &Connection,
    batch: &Batch,
    reply: String,
) -> Result<(), ReadError> {
    let question = serde_json::to_vec(batch).map_err(|error| ReadError::Nonsense(error.into()))?;
    connection
        .dangerous_client()
        .publish_with_reply(subject("DIRECT.GET"), reply, question.into())
        .await
        .map_err(|_| ReadError::NotReachable)
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
        Response::Err { error } if Full::of(error.error_code().0, "").is_some() => {
            Err(ReadError::Refused {
                code: error.error_code().0,
                description: error.to_string(),
            })
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
