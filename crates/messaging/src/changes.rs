//! The derived stream: the last change per subject, each change of the source exactly once and
//! in order, whichever and however many replicas publish it.
//!
//! Every replica derives the same changes from the same source and publishes them all. Which one
//! succeeds is decided by the stream: each message names the sequence it expects to follow, so a
//! second one finds its place taken. Each message of ours carries how far the source has been
//! published ([`Position`]), so nothing has to be remembered elsewhere, and no time window bounds
//! the guarantee.
//!
//! Somebody else's message in the stream stops nobody: a publisher that meets one says that it was
//! overtaken, and its caller, who knows the source, looks past it for the last message that is true.
//!
//! A plain subscriber must not hear the attempts that the stream then refused. So replicas
//! publish on subjects of their own (*announcements*), the stream stores what it takes under the
//! public subject, and the server republishes exactly that to whoever listens.

mod publisher;
mod told;

use assent_contract::names::{CHANGE_STREAM, CHANGE_SUBJECTS};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Republish, StorageType, SubjectTransform,
};

use crate::connection::Connection;
use crate::jetstream::{DEADLINE, Full, JetStreamError, LISTING_DEADLINE, StreamState, Subjects};
pub use publisher::{Anew, Change, ChangePublisher, PublishChangesError, Published};
pub use told::{Position, SEQUENCE, SOURCE, Stamp, Told};

/// Where changes are told: the public subjects begin with this.
const TOLD: &str = "consent.changes.";
/// Where replicas announce them to the stream; only they may.
const ANNOUNCED: &str = "consent.announce.";

/// The subject on which the change of a public subject is announced.
fn announcement(subject: &str) -> Option<String> {
    subject
        .strip_prefix(TOLD)
        .map(|rest| format!("{ANNOUNCED}{rest}"))
}

/// What a change stream is like.
#[derive(Clone, Debug)]
pub struct ChangeStreamSettings {
    /// The stream's name.
    pub name: String,
    /// On how many servers it is kept.
    pub replicas: usize,
}

impl ChangeStreamSettings {
    /// The stream of consent changes.
    pub fn consent_changes(replicas: usize) -> Self {
        Self {
            name: CHANGE_STREAM.to_owned(),
            replicas,
        }
    }
}

/// Why the change stream cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChangeStreamError {
    /// The stream is not there (yet).
    #[error("the stream {stream} is not there")]
    NotThere {
        /// The stream.
        stream: String,
    },
    /// The stream is there, with other settings.
    #[error("the stream {stream} is configured otherwise: {difference}")]
    ConfiguredOtherwise {
        /// The stream.
        stream: String,
        /// What differs.
        difference: String,
    },
    /// JetStream could not be asked, or refused.
    #[error("the stream {stream} cannot be used")]
    JetStream {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: JetStreamError,
    },
}

impl ChangeStreamError {
    /// Whether there is no room for it.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::JetStream { source, .. } => source.full(),
            Self::NotThere { .. } | Self::ConfiguredOtherwise { .. } => None,
        }
    }
}

/// The stream of derived changes.
#[derive(Clone, Debug)]
pub struct ChangeStream {
    connection: Connection,
    name: String,
}

impl ChangeStream {
    /// Creates the stream, or checks that the one which is there is as it must be.
    pub async fn create_or_check(
        connection: &Connection,
        settings: ChangeStreamSettings,
    ) -> Result<Self, ChangeStreamError> {
        let wanted = Config {
            name: settings.name.clone(),
            subjects: vec![format!("{ANNOUNCED}v1.>")],
            subject_transform: Some(SubjectTransform {
                source: format!("{ANNOUNCED}v1.>"),
                destination: CHANGE_SUBJECTS.to_owned(),
            }),
            republish: Some(Republish {
                source: CHANGE_SUBJECTS.to_owned(),
                destination: CHANGE_SUBJECTS.to_owned(),
                headers_only: false,
            }),
            max_messages_per_subject: 1,
            discard: DiscardPolicy::Old,
            storage: StorageType::File,
            num_replicas: settings.replicas,
            deny_delete: true,
            allow_direct: true,
            ..Config::default()
        };
        let stream = Self {
            connection: connection.clone(),
            name: settings.name,
        };
        let state = if let Some(state) = stream.state().await? {
            state
        } else {
            let created = connection.create_stream(&wanted, DEADLINE).await;
            created.map_err(|source| stream.failed(source))?
        };
        match state.difference(&wanted) {
            Some(difference) => Err(ChangeStreamError::ConfiguredOtherwise {
                stream: stream.name,
                difference,
            }),
            None => Ok(stream),
        }
    }

    /// Opens the stream of consent changes, which somebody else creates.
    pub async fn open(connection: &Connection) -> Result<Self, ChangeStreamError> {
        let stream = Self::unchecked(connection);
        match stream.state().await? {
            Some(_) => Ok(stream),
            None => Err(ChangeStreamError::NotThere {
                stream: stream.name,
            }),
        }
    }

    /// The stream of consent changes, without making sure that it is there.
    pub fn unchecked(connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
            name: CHANGE_STREAM.to_owned(),
        }
    }

    /// When it was created, as the server writes it: another time is another stream. `None`: it is not there.
    pub async fn created(&self) -> Result<Option<String>, JetStreamError> {
        let state = self.connection.stream_state(&self.name, DEADLINE).await?;
        Ok(state.map(|state| state.created))
    }

    /// The stream's last message, whosever it is.
    pub async fn last(&self) -> Result<Option<Told>, JetStreamError> {
        self.last_on(">").await
    }

    /// The stream's last message on a subject.
    pub async fn last_on(&self, subject: &str) -> Result<Option<Told>, JetStreamError> {
        let last = self.connection.last_message(&self.name, subject, DEADLINE);
        Ok(last.await?.as_ref().map(Told::kept))
    }

    /// The message at this place; `None` where a later one on its subject took its place.
    pub async fn at(&self, sequence: u64) -> Result<Option<Told>, JetStreamError> {
        let found = self.connection.message_at(&self.name, sequence, DEADLINE);
        Ok(found.await?.as_ref().map(Told::kept))
    }

    /// The sequence of its last message. A stream without messages counts on from those it had.
    pub async fn end(&self) -> Result<u64, JetStreamError> {
        let state = self.connection.stream_state(&self.name, DEADLINE).await?;
        let state = state.ok_or_else(|| JetStreamError::StreamNotFound {
            what: self.name.clone(),
        })?;
        Ok(state.last_sequence)
    }

    /// Some of the subjects that it keeps a message of, in order, after the first `offset` of them.
    pub async fn subjects(&self, offset: usize) -> Result<Subjects, JetStreamError> {
        self.connection
            .subjects(&self.name, ">", offset, LISTING_DEADLINE)
            .await
    }

    async fn state(&self) -> Result<Option<StreamState>, ChangeStreamError> {
        let state = self.connection.stream_state(&self.name, DEADLINE).await;
        state.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: JetStreamError) -> ChangeStreamError {
        ChangeStreamError::JetStream {
            stream: self.name.clone(),
            source,
        }
    }
}
