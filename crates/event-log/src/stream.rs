//! The stream: what it must be configured as, and opening it.

use std::fmt;
use std::time::Duration;

use assent_contract::names::{EVENT_STREAM, EVENT_SUBJECTS};
use assent_domain::ids::Sequence;
use assent_messaging::jetstream::AppendOnlyStream;
use assent_messaging::{Connection, Full, JetStreamError, ServerVersionError, StreamState};

use crate::{DEFAULT_DEADLINE, EventLog, ReadError};

/// How long the server remembers the ids of events, to store a repeated append once. Longer than
/// anybody repeats one; after it, the expected sequence still keeps the event from being stored
/// twice.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

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
    /// The server that leads the stream, by its name, where it says.
    pub leader: Option<String>,
    /// Since when it leads, where it says: one that stepped down and was elected again leads anew.
    pub leads_since: Option<String>,
    /// On how many servers it is kept.
    pub replicas: usize,
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
    /// The log can't be asked, or refused.
    #[error("the event log can't be opened")]
    JetStream(#[source] JetStreamError),
}

impl OpenError {
    /// Whether there is no room for it.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::JetStream(error) => error.full(),
            Self::NotThere | Self::ConfiguredOtherwise { .. } | Self::ServerTooOld(_) => None,
        }
    }
}

impl From<JetStreamError> for OpenError {
    fn from(error: JetStreamError) -> Self {
        Self::JetStream(error)
    }
}

impl EventLog {
    /// Creates the stream, or checks the one that is there. Only the gateway may.
    pub async fn create_or_check(
        connection: &Connection,
        settings: StreamSettings,
    ) -> Result<Self, OpenError> {
        require_version(connection)?;
        let state = create_or_check(connection, &wanted(settings)).await?;
        Ok(Self::new(connection, StreamIdentity(state.created)))
    }

    /// Opens the log as it is. The number of replicas is the deployment's business, everything
    /// else is checked.
    pub async fn open(connection: &Connection) -> Result<Self, OpenError> {
        require_version(connection)?;
        let found = connection
            .stream_state(EVENT_STREAM, DEFAULT_DEADLINE)
            .await?;
        let found = found.ok_or(OpenError::NotThere)?;
        let replicas = found.replicas();
        require(&found, &wanted(StreamSettings { replicas }))?;
        Ok(Self::new(connection, StreamIdentity(found.created)))
    }

    /// Where the log stands now.
    pub async fn status(&self) -> Result<StreamStatus, ReadError> {
        let state = self
            .connection
            .stream_state(EVENT_STREAM, self.deadline)
            .await?;
        Ok(state.ok_or(ReadError::NotThere)?.into())
    }
}

impl From<StreamState> for StreamStatus {
    fn from(state: StreamState) -> Self {
        let replicas = state.replicas();
        Self {
            created: StreamIdentity(state.created),
            first_sequence: Sequence(state.first_sequence),
            last_sequence: Sequence(state.last_sequence),
            messages: state.messages,
            missing: state.deleted,
            leader: state.leader,
            leads_since: state.leads_since,
            replicas,
        }
    }
}

fn wanted(settings: StreamSettings) -> AppendOnlyStream {
    AppendOnlyStream {
        name: EVENT_STREAM,
        description: "Every consent that was given or taken back",
        subjects: EVENT_SUBJECTS.map(str::to_owned).to_vec(),
        replicas: settings.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        allow_atomic_publish: true,
    }
}

fn require_version(connection: &Connection) -> Result<(), OpenError> {
    match connection.require_server_version() {
        Ok(_) => Ok(()),
        Err(ServerVersionError::NotConnected) => Err(JetStreamError::NotConnected.into()),
        Err(
            error @ (ServerVersionError::TooOld { .. } | ServerVersionError::Unreadable { .. }),
        ) => Err(OpenError::ServerTooOld(error)),
    }
}

/// Creates a stream, or finds it as it must be.
pub(crate) async fn create_or_check(
    connection: &Connection,
    wanted: &AppendOnlyStream,
) -> Result<StreamState, OpenError> {
    let state = connection.create_or_find(wanted, DEFAULT_DEADLINE).await?;
    require(&state, wanted)?;
    Ok(state)
}

fn require(found: &StreamState, wanted: &AppendOnlyStream) -> Result<(), OpenError> {
    let differences = found.differences_from(wanted);
    if differences.is_empty() {
        Ok(())
    } else {
        Err(OpenError::ConfiguredOtherwise { differences })
    }
}
