//! Why JetStream did not do as asked.

use async_nats::jetstream::ErrorCode;
use serde::Deserialize;

use super::full::Full;
use crate::request::RequestError;

/// Status of an API error that passes: JetStream is starting, or the stream has no leader at the moment.
const UNAVAILABLE: u16 = 503;

/// Why a call of JetStream's API failed, or a message was not stored.
#[derive(Debug, thiserror::Error)]
pub enum JetStreamError {
    /// There is no connection, or it takes nothing more; nothing was sent.
    #[error("not connected to NATS")]
    NotConnected,
    /// No answer in time: what was asked may have been done.
    #[error("JetStream did not answer about {what} in time")]
    TimedOut {
        /// The API subject or the subject of the message.
        what: String,
    },
    /// Nothing answers: JetStream is off, or no stream takes the subject.
    #[error("no stream takes {subject}")]
    NobodyThere {
        /// The subject concerned.
        subject: String,
    },
    /// JetStream can't at the moment: it is starting, or the stream has no leader.
    #[error("JetStream is not available: {description}")]
    Unavailable {
        /// Its explanation.
        description: String,
    },
    /// There is no such stream.
    #[error("the stream is not there ({what})")]
    StreamNotFound {
        /// The API subject that was asked.
        what: String,
    },
    /// The server does not permit it to this user.
    #[error("this user may not ask that of JetStream: {complaint}")]
    NotPermitted {
        /// What the server said.
        complaint: String,
    },
    /// The message is larger than the server takes. It was not stored.
    #[error("a message to {what} is too large for the server")]
    TooLarge {
        /// The subject of the message.
        what: String,
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
    pub(crate) fn misunderstood(
        what: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Misunderstood {
            what: what.to_owned(),
            source: source.into(),
        }
    }

    /// JetStream's number of the refusal, where it is one that stands for nothing else here.
    pub const fn code(&self) -> Option<u64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NotConnected
            | Self::TimedOut { .. }
            | Self::NobodyThere { .. }
            | Self::Unavailable { .. }
            | Self::StreamNotFound { .. }
            | Self::NotPermitted { .. }
            | Self::TooLarge { .. }
            | Self::Misunderstood { .. } => None,
        }
    }

    /// Whether the stream, or what it is kept on, holds as much as it may.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::Refused { code, description } => Full::from_refusal(*code, description),
            Self::NotConnected
            | Self::TimedOut { .. }
            | Self::NobodyThere { .. }
            | Self::Unavailable { .. }
            | Self::StreamNotFound { .. }
            | Self::NotPermitted { .. }
            | Self::TooLarge { .. }
            | Self::Misunderstood { .. } => None,
        }
    }

    /// Whether asking again later may succeed without anybody mending anything.
    pub const fn is_out_of_reach(&self) -> bool {
        match self {
            Self::NotConnected
            | Self::TimedOut { .. }
            | Self::NobodyThere { .. }
            | Self::Unavailable { .. } => true,
            Self::StreamNotFound { .. }
            | Self::NotPermitted { .. }
            | Self::TooLarge { .. }
            | Self::Refused { .. }
            | Self::Misunderstood { .. } => false,
        }
    }

    /// Whether another message was stored where none was expected.
    pub fn is_wrong_last_sequence(&self) -> bool {
        // The second is what a stream with several replicas may answer instead.
        self.code().is_some_and(|code| {
            code == ErrorCode::STREAM_WRONG_LAST_SEQUENCE.0
                || code == ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT.0
        })
    }

    /// Whether the same message is being stored at this moment.
    pub fn is_duplicate_under_way(&self) -> bool {
        self.code() == Some(ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT.0)
    }

    /// Whether a message of a batch has an id that the stream has seen.
    pub fn is_duplicate_in_batch(&self) -> bool {
        self.code() == Some(ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE.0)
    }

    pub(super) fn is_no_message(&self) -> bool {
        self.code() == Some(ErrorCode::NO_MESSAGE_FOUND.0)
    }

    pub(super) fn is_name_taken(&self) -> bool {
        self.code() == Some(ErrorCode::STREAM_NAME_EXIST.0)
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
            RequestError::TooLarge { subject } => Self::TooLarge { what: subject },
            RequestError::CannotBeSent { subject, source } => Self::Misunderstood {
                what: subject,
                source,
            },
        }
    }
}

/// The member `error` of an answer.
#[derive(Deserialize)]
pub(super) struct ApiError {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl ApiError {
    pub(super) fn into_error(self, what: &str) -> JetStreamError {
        let Self {
            code: status,
            err_code: code,
            description,
        } = self;
        let what = what.to_owned();
        if code == ErrorCode::STREAM_NOT_FOUND.0 {
            JetStreamError::StreamNotFound { what }
        } else if code == ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM.0
            || code == ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM.0
        {
            JetStreamError::TooLarge { what }
        } else if status == UNAVAILABLE && Full::from_refusal(code, &description).is_none() {
            // A server without room says 503, too.
            JetStreamError::Unavailable { description }
        } else {
            JetStreamError::Refused { code, description }
        }
    }
}
