//! What the bucket and the change stream need of JetStream.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Config, Info, RawMessageError, RawMessageErrorKind};
use async_nats::jetstream::{Context, ErrorCode, context::ContextBuilder};
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use crate::api_error::ApiError;
use crate::connection::{Connection, ConnectionState};
pub use crate::full::Full;
use crate::replies::ExpectedReply;
use crate::request::{RequestError, reply_to};

/// How long JetStream may take for one operation.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// How long it may take to list very many subjects: the server sorts all of them for every page.
pub(crate) const LISTING_DEADLINE: Duration = Duration::from_secs(15);

/// An error of JetStream's own, or of reaching it. Public because other errors carry it as their source.
#[derive(Debug, thiserror::Error)]
pub enum JetStreamError {
    /// There is no connection; nothing was sent.
    #[error("not connected to NATS")]
    NotConnected,
    /// No answer in time: what was asked may have been done.
    #[error("JetStream did not answer about {what} in time")]
    TimedOut {
        /// The stream or subject concerned.
        what: String,
    },
    /// Nothing answers: JetStream is off, or no stream takes the subject.
    #[error("no stream takes {subject}")]
    NobodyThere {
        /// The subject concerned.
        subject: String,
    },
    /// The server does not permit it to this user.
    #[error("not permitted: {complaint}")]
    NotPermitted {
        /// What the server said.
        complaint: String,
    },
    /// JetStream refused.
    #[error("JetStream refused ({code}): {description}")]
    Refused {
        /// JetStream's error code.
        code: u64,
        /// Its explanation.
        description: String,
    },
    /// The message cannot be sent, or the answer cannot be read.
    #[error("JetStream and we do not understand each other about {what}")]
    Misunderstood {
        /// The stream or subject concerned.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl JetStreamError {
    /// Whether the stream, or what it is kept on, holds as much as it may.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::Refused { code, description } => Full::of(*code, description),
            Self::NotConnected
            | Self::TimedOut { .. }
            | Self::NobodyThere { .. }
            | Self::NotPermitted { .. }
            | Self::Misunderstood { .. } => None,
        }
    }

    /// Whether another message was stored where none was expected.
    pub(crate) fn is_wrong_last_sequence(&self) -> bool {
        match self {
            // The second is what a stream with several replicas may answer instead.
            Self::Refused { code, .. } => matches!(code, 10_071 | 10_164),
            Self::NotConnected
            | Self::TimedOut { .. }
            | Self::NobodyThere { .. }
            | Self::NotPermitted { .. }
            | Self::Misunderstood { .. } => false,
        }
    }
}

impl From<RequestError> for JetStreamError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NotConnected => Self::NotConnected,
            RequestError::NoResponders { subject } => Self::NobodyThere { subject },
            RequestError::TimedOut { subject, .. } => Self::TimedOut { what: subject },
            RequestError::NotPermitted { complaint, .. } => Self::NotPermitted { complaint },
            RequestError::Service {
                status,
                description,
                ..
            } => Self::Refused {
                code: status.into(),
                description,
            },
            RequestError::CannotBeSent { subject, source } => Self::Misunderstood {
                what: subject,
                source,
            },
        }
    }
}

/// An append on its way.
#[derive(Debug)]
pub(crate) struct Append {
    subject: String,
    reply: ExpectedReply,
}

#[derive(Deserialize)]
struct AppendReply {
    seq: Option<u64>,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct InfoReply {
    state: Option<InfoState>,
    error: Option<ApiError>,
    /// How many subjects there are in all.
    #[serde(default)]
    total: usize,
}

#[derive(Deserialize)]
struct UpdateReply {
    error: Option<ApiError>,
}

/// Some of a stream's subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// The subjects, in order.
    pub subjects: Vec<String>,
    /// Where the next ones begin; `None` after the last.
    pub next: Option<usize>,
}

#[derive(Deserialize)]
struct InfoState {
    #[serde(default)]
    subjects: BTreeMap<String, u64>,
}

impl Connection {
    pub(crate) fn jetstream(&self) -> Context {
        ContextBuilder::new()
            .timeout(DEADLINE)
            .ack_timeout(DEADLINE)
            .build(self.client().clone())
    }

    /// Sends a message to the stream that takes its subject; several may be on their way.
    pub(crate) async fn send_append(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Append, JetStreamError> {
        let sent = self.send_expecting_reply(&subject, Some(headers), payload);
        match tokio::time::timeout(DEADLINE, sent).await {
            Ok(sent) => Ok(Append {
                reply: sent?,
                subject,
            }),
            Err(_) => Err(JetStreamError::TimedOut { what: subject }),
        }
    }

    /// The sequence the stream gave to an append. Several on their way share one deadline, or
    /// waiting for a server that has gone would take as many deadlines as there are messages.
    pub(crate) async fn appended(
        &self,
        append: Append,
        deadline: Instant,
    ) -> Result<u64, JetStreamError> {
        let Append { subject, mut reply } = append;
        let message = match tokio::time::timeout_at(deadline, reply_to(&subject, &mut reply)).await
        {
            Ok(message) => message?,
            Err(_) => return Err(self.unanswered(&subject, DEADLINE).into()),
        };
        let reply: AppendReply = serde_json::from_slice(&message.payload).map_err(|error| {
            JetStreamError::Misunderstood {
                what: subject.clone(),
                source: error.into(),
            }
        })?;
        match (reply.seq, reply.error) {
            (_, Some(error)) => Err(error.into()),
            (Some(sequence), None) => Ok(sequence),
            (None, None) => Err(JetStreamError::Misunderstood {
                what: subject,
                source: "neither a sequence nor an error".into(),
            }),
        }
    }

    pub(crate) async fn append(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, JetStreamError> {
        let append = self.send_append(subject, headers, payload).await?;
        self.appended(append, Instant::now() + DEADLINE).await
    }

    /// What the stream is, or `None` when it is not there.
    pub(crate) async fn stream_info(&self, name: &str) -> Result<Option<Info>, JetStreamError> {
        self.require_connected()?;
        match self.jetstream().get_stream(name).await {
            Ok(stream) => Ok(Some(stream.cached_info().clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(refusal)
                    if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                GetStreamErrorKind::JetStream(refusal) => Err(refused(&refusal)),
                GetStreamErrorKind::Request => {
                    Err(self.no_answer(&format!("$JS.API.STREAM.INFO.{name}"), name))
                }
                GetStreamErrorKind::EmptyName | GetStreamErrorKind::InvalidStreamName => {
                    Err(misunderstood(name, error))
                }
            },
        }
    }

    /// Creates a stream that is not there. One that is there with these settings counts as created.
    pub(crate) async fn create_stream(&self, config: Config) -> Result<Info, JetStreamError> {
        use async_nats::jetstream::context::CreateStreamErrorKind as Kind;
        self.require_connected()?;
        let name = config.name.clone();
        match self.jetstream().create_stream(config).await {
            Ok(stream) => Ok(stream.cached_info().clone()),
            Err(error) => match error.kind() {
                Kind::JetStream(refusal) => Err(refused(&refusal)),
                Kind::TimedOut => {
                    Err(self.no_answer(&format!("$JS.API.STREAM.CREATE.{name}"), &name))
                }
                Kind::JetStreamUnavailable => Err(JetStreamError::NobodyThere { subject: name }),
                Kind::EmptyStreamName
                | Kind::InvalidStreamName
                | Kind::DomainAndExternalSet
                | Kind::Response
                | Kind::NotFound
                | Kind::ResponseParse => Err(misunderstood(&name, error)),
            },
        }
    }

    /// Gives a stream another limit of its size, and leaves all else as it is.
    pub(crate) async fn set_max_bytes(
        &self,
        mut config: Config,
        max_bytes: i64,
    ) -> Result<(), JetStreamError> {
        config.max_bytes = max_bytes;
        let api = format!("$JS.API.STREAM.UPDATE.{}", config.name);
        let ask =
            serde_json::to_vec(&config).map_err(|error| misunderstood(&config.name, error))?;
        let answer = self.request(&api, ask, None, DEADLINE).await?;
        let reply: UpdateReply =
            serde_json::from_slice(&answer).map_err(|error| misunderstood(&config.name, error))?;
        reply.error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The last message of a stream on a subject, read from the stream's leader: a direct read
    /// might be answered by a replica that has not heard of it yet.
    pub(crate) async fn last_message(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<Option<StreamMessage>, JetStreamError> {
        self.require_connected()?;
        let handle = self
            .jetstream()
            .get_stream_no_info(stream)
            .await
            .map_err(|error| misunderstood(stream, error))?;
        let read = handle.raw_message_builder().last_by_subject(subject).send();
        self.read_message(stream, read).await
    }

    /// The message of a stream at this place, read from the stream's leader.
    pub(crate) async fn message_at(
        &self,
        stream: &str,
        sequence: u64,
    ) -> Result<Option<StreamMessage>, JetStreamError> {
        self.require_connected()?;
        let handle = self
            .jetstream()
            .get_stream_no_info(stream)
            .await
            .map_err(|error| misunderstood(stream, error))?;
        let read = handle.raw_message_builder().sequence(sequence).send();
        self.read_message(stream, read).await
    }

    async fn read_message(
        &self,
        stream: &str,
        read: impl Future<Output = Result<StreamMessage, RawMessageError>>,
    ) -> Result<Option<StreamMessage>, JetStreamError> {
        let api = format!("$JS.API.STREAM.MSG.GET.{stream}");
        let read = tokio::time::timeout(DEADLINE, read)
            .await
            .map_err(|_| self.no_answer(&api, stream))?;
        match read {
            Ok(message) => Ok(Some(message)),
            Err(error) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                RawMessageErrorKind::JetStream(refusal) => Err(refused(&refusal)),
                RawMessageErrorKind::InvalidSubject => Err(misunderstood(stream, error)),
                RawMessageErrorKind::Other => Err(self.no_answer(&api, stream)),
            },
        }
    }

    /// The subjects below `filter` of which a stream holds messages, as far as one answer lists them.
    pub(crate) async fn subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<Vec<String>, JetStreamError> {
        let page = self.subjects_page(stream, filter, 0, DEADLINE).await?;
        Ok(page.subjects)
    }

    /// The same after the first `offset` of them.
    pub(crate) async fn subjects_page(
        &self,
        stream: &str,
        filter: &str,
        offset: usize,
        deadline: Duration,
    ) -> Result<Subjects, JetStreamError> {
        let ask = serde_json::json!({ "subjects_filter": filter, "offset": offset }).to_string();
        let api = format!("$JS.API.STREAM.INFO.{stream}");
        let asked = self.request(&api, ask.into_bytes(), None, deadline);
        let answer = asked.await?;
        let reply: InfoReply =
            serde_json::from_slice(&answer).map_err(|error| misunderstood(stream, error))?;
        match (reply.state, reply.error) {
            (_, Some(error)) => Err(error.into()),
            (Some(state), None) => {
                let subjects: Vec<_> = state.subjects.into_keys().collect();
                let seen = offset.saturating_add(subjects.len());
                let more = !subjects.is_empty() && seen < reply.total;
                Ok(Subjects {
                    subjects,
                    next: more.then_some(seen),
                })
            }
            (None, None) => Err(JetStreamError::Misunderstood {
                what: stream.to_owned(),
                source: "neither a state nor an error".into(),
            }),
        }
    }

    fn require_connected(&self) -> Result<(), JetStreamError> {
        match self.state() {
            ConnectionState::Connected => Ok(()),
            ConnectionState::Disconnected => Err(JetStreamError::NotConnected),
        }
    }

    fn no_answer(&self, api: &str, what: &str) -> JetStreamError {
        match self.denials().of_publishing(api) {
            Some(complaint) => JetStreamError::NotPermitted { complaint },
            None => JetStreamError::TimedOut {
                what: what.to_owned(),
            },
        }
    }
}

fn refused(error: &async_nats::jetstream::Error) -> JetStreamError {
    JetStreamError::Refused {
        code: error.error_code().0,
        description: error.to_string(),
    }
}

fn misunderstood(
    what: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> JetStreamError {
    JetStreamError::Misunderstood {
        what: what.to_owned(),
        source: error.into(),
    }
}

/// The first setting in which a stream is not what was wanted, if there is one.
pub(crate) fn difference(wanted: &Config, found: &Config) -> Option<String> {
    let differs = |name: &str, wanted: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
        let (wanted, found) = (format!("{wanted:?}"), format!("{found:?}"));
        (wanted != found).then(|| format!("{name} is {found} and must be {wanted}"))
    };
    differs("subjects", &wanted.subjects, &found.subjects)
        .or_else(|| {
            differs(
                "subject_transform",
                &wanted.subject_transform,
                &found.subject_transform,
            )
        })
        .or_else(|| differs("republish", &wanted.republish, &found.republish))
        .or_else(|| differs("storage", &wanted.storage, &found.storage))
        .or_else(|| differs("num_replicas", &wanted.num_replicas, &found.num_replicas))
        .or_else(|| differs("deny_delete", &wanted.deny_delete, &found.deny_delete))
        .or_else(|| differs("retention", &wanted.retention, &found.retention))
        .or_else(|| differs("discard", &wanted.discard, &found.discard))
        .or_else(|| {
            differs(
                "max_msgs_per_subject",
                &wanted.max_messages_per_subject,
                &found.max_messages_per_subject,
            )
        })
        .or_else(|| {
            differs(
                "max_msgs",
                &unlimited(wanted.max_messages),
                &unlimited(found.max_messages),
            )
        })
        .or_else(|| {
            differs(
                "max_bytes",
                &unlimited(wanted.max_bytes),
                &unlimited(found.max_bytes),
            )
        })
        .or_else(|| differs("max_age", &wanted.max_age, &found.max_age))
        .or_else(|| {
            differs(
                "max_msg_size",
                &wanted.max_message_size.max(0),
                &found.max_message_size.max(0),
            )
        })
        .or_else(|| differs("sealed", &wanted.sealed, &found.sealed))
}

/// No limit is written as 0 in what we ask for and as -1 in what the server tells.
fn unlimited(limit: i64) -> i64 {
    limit.max(0)
}
