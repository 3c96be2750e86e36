//! The stream: what it must be configured as, and opening it.

mod configuration;

use std::fmt;
use std::sync::Arc;

use assent_domain::ids::Sequence;
use assent_messaging::{Connection, Full, ServerVersionError};
use async_nats::jetstream::ErrorCode;

use crate::acks::Acks;
use crate::api::{self, StreamInfo};
use crate::operations::Remembered;
use crate::{DEFAULT_DEADLINE, EventLog, ReadError};
use configuration::configuration;
pub(crate) use configuration::differences;

/// What may differ between one deployment's stream and another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// How many servers keep the stream: 1, 3 or 5.
    pub replicas: usize,
}

/// Tells a stream from another one of the same name: when it was created, as the server writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamIdentity(String);

impl StreamIdentity {
    /// An identity that was kept as text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStatus {
    /// Which stream it is.
    pub created: StreamIdentity,
    /// The first event. Anything but 1 means that events are gone.
    pub first_sequence: Sequence,
    /// The last event; 0 in an empty log.
    pub last_sequence: Sequence,
    /// How many events the server counts.
    pub messages: u64,
    /// How many events in between the server says it lost. Anything but 0 is an incident. The
    /// server does not notice every loss, so whoever follows the log watches for gaps all the same.
    pub missing: u64,
}

/// Why the log is not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such stream; the gateway creates it.
    #[error("the stream of consent events is not there")]
    NotThere,
    /// The stream is not what this program relies on. It is never changed from here.
    #[error("the stream of consent events is configured otherwise: {}", differences.join("; "))]
    ConfiguredOtherwise {
        /// Every setting that differs: how it is, and how it must be.
        differences: Vec<String>,
    },
    /// The server can't keep what the log promises.
    #[error("nats-server can't hold the log of consent events")]
    ServerTooOld(#[source] ServerVersionError),
    /// There is no connection, or no JetStream behind it.
    #[error("the event log can't be reached")]
    NotReachable,
    /// No answer in time.
    #[error("the event log did not answer in time")]
    TimedOut,
    /// The server denies it to this user.
    #[error("this user may not open the event log: {complaint}")]
    NotPermitted {
        /// What the server said.
        complaint: String,
    },
    /// The server answered something else.
    #[error("the event log can't be opened")]
    Refused(#[source] ReadError),
}

impl OpenError {
    /// Whether there is no room for it.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::Refused(ReadError::Refused { code, description }) => Full::of(*code, description),
            Self::Refused(_)
            | Self::NotThere
            | Self::ConfiguredOtherwise { .. }
            | Self::ServerTooOld(_)
            | Self::NotReachable
            | Self::TimedOut
            | Self::NotPermitted { .. } => None,
        }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotThere => Self::NotThere,
            ReadError::NotReachable => Self::NotReachable,
            ReadError::TimedOut => Self::TimedOut,
            ReadError::NotPermitted { complaint } => Self::NotPermitted { complaint },
            error @ (ReadError::Refused { .. }
            | ReadError::Nonsense(_)
            | ReadError::Unreadable { .. }
            | ReadError::BrokenChain { .. }
            | ReadError::Damaged(_)) => Self::Refused(error),
        }
    }
}

impl EventLog {
    /// Creates the stream, or checks the one that is there. Only the gateway may.
    pub async fn create_or_check(
        connection: &Connection,
        settings: StreamSettings,
    ) -> Result<Self, OpenError> {
        require_version(connection)?;
        let wanted = configuration(settings);
        let info = match api::create_stream(connection, &wanted, DEFAULT_DEADLINE).await {
            // There is one already that differs; the complaint does not say in what.
            Err(ReadError::Refused { code, .. }) if code == ErrorCode::STREAM_NAME_EXIST.0 => {
                api::stream_info(connection, DEFAULT_DEADLINE).await?
            }
            other => other?,
        };
        refuse(differences(&wanted, &info.config))?;
        Self::with(connection, info).await
    }

    /// Opens the log as it is. The number of replicas is the deployment's business, everything
    /// else is checked.
    pub async fn open(connection: &Connection) -> Result<Self, OpenError> {
        require_version(connection)?;
        let info = api::stream_info(connection, DEFAULT_DEADLINE).await?;
        let wanted = configuration(StreamSettings {
            replicas: info.config.num_replicas,
        });
        refuse(differences(&wanted, &info.config))?;
        Self::with(connection, info).await
    }

    /// Where the log stands now.
    pub async fn status(&self) -> Result<StreamStatus, ReadError> {
        let info = api::stream_info(&self.connection, self.deadline).await?;
        Ok(info.into())
    }

    async fn with(connection: &Connection, info: StreamInfo) -> Result<Self, OpenError> {
        let acks = Acks::start(connection)
            .await
            .map_err(|_| OpenError::NotReachable)?;
        Ok(Self {
            connection: connection.clone(),
            acks: Arc::new(acks),
            voids: Remembered::default(),
            identity: StreamIdentity(info.created),
            deadline: DEFAULT_DEADLINE,
        })
    }
}

impl From<StreamInfo> for StreamStatus {
    fn from(info: StreamInfo) -> Self {
        Self {
            created: StreamIdentity(info.created),
            first_sequence: Sequence(info.state.first_seq),
            last_sequence: Sequence(info.state.last_seq),
            messages: info.state.messages,
            missing: info.state.num_deleted,
        }
    }
}

fn require_version(connection: &Connection) -> Result<(), OpenError> {
    match connection.require_server_version() {
        Ok(_) => Ok(()),
        Err(ServerVersionError::NotConnected) => Err(OpenError::NotReachable),
        Err(
            error @ (ServerVersionError::TooOld { .. } | ServerVersionError::Unreadable { .. }),
        ) => Err(OpenError::ServerTooOld(error)),
    }
}

pub(crate) fn refuse(differences: Vec<String>) -> Result<(), OpenError> {
    if differences.is_empty() {
        Ok(())
    } else {
        Err(OpenError::ConfiguredOtherwise { differences })
    }
}
