//! A key-value bucket in JetStream: the last value of each key, changed by compare-and-set.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use bytes::Bytes;

use crate::connection::{Connection, ConnectionState};
use crate::jetstream::{DEADLINE, difference};
pub use crate::jetstream::{Full, JetStreamError};
use crate::stream_state::{MADE_ANEW, StreamState};

mod space;

pub use space::{BucketSpace, Room};

const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
const OPERATION: &str = "KV-Operation";
/// The key of a value that says nothing: it is written to find out whether anything can be.
const PROBE: &str = "probe";

/// What a bucket is like.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// After how long a value disappears by itself; zero for never.
    pub max_age: Duration,
    /// On how many servers it is kept.
    pub replicas: usize,
    /// How much it may hold; beyond that a write is refused. One that is there keeps the limit that it has: see
    /// [`Bucket::resize`].
    pub max_bytes: i64,
    /// Where it is created: whether there was one before that is lost, which whoever asks is told by
    /// [`BucketOrigin::is_made_anew`].
    pub anew: bool,
}

/// A value, and the revision to name when it is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// Its revision.
    pub revision: u64,
}

/// Where a bucket comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketOrigin {
    /// When the server created it, as the server writes it: no two of one name have the same.
    pub created: String,
    /// Whether there was one before that was lost.
    pub is_made_anew: bool,
}

/// Why a bucket did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The bucket's name, or the key, has characters it may not have.
    #[error("{0:?} cannot name a bucket or a key")]
    BadName(String),
    /// The bucket is there, with other settings. It is never changed behind its owner's back.
    #[error("the bucket {bucket} is configured otherwise: {difference}")]
    ConfiguredOtherwise {
        /// The bucket.
        bucket: String,
        /// What differs.
        difference: String,
    },
    /// The key has a value already.
    #[error("the key has a value already")]
    AlreadyExists,
    /// The value was changed, or has disappeared, since it was read.
    #[error("the value is no longer at revision {expected}")]
    WrongRevision {
        /// The revision it was read at.
        expected: u64,
    },
    /// It holds more than it should be allowed to.
    #[error("the bucket {bucket} holds {bytes} bytes, which is more than {max_bytes}")]
    HoldsMore {
        /// The bucket.
        bucket: String,
        /// What it holds.
        bytes: u64,
        /// What it should be allowed to.
        max_bytes: i64,
    },
    /// JetStream could not be asked, or refused.
    #[error("the bucket {bucket} cannot be used")]
    JetStream {
        /// The bucket.
        bucket: String,
        /// Why.
        #[source]
        source: JetStreamError,
    },
}

impl BucketError {
    /// Whether the bucket, or what it is kept on, holds as much as it may.
    pub fn full(&self) -> Option<Full> {
        match self {
            Self::JetStream { source, .. } => source.full(),
            Self::BadName(_)
            | Self::ConfiguredOtherwise { .. }
            | Self::AlreadyExists
            | Self::HoldsMore { .. }
            | Self::WrongRevision { .. } => None,
        }
    }
}

/// The first setting in which a stream is not the bucket of this name, if there is one. For how long and on how many
/// servers it keeps what, and how much, is the deployment's business; but it has to have a limit.
pub fn difference_from_a_bucket(found: &StreamState, name: &str) -> Option<String> {
    let found = found.config();
    if found.max_bytes <= 0 {
        return Some("max_bytes is without limit".to_owned());
    }
    let wanted = stream_config(&BucketSettings {
        name: name.to_owned(),
        max_age: found.max_age,
        replicas: found.num_replicas,
        max_bytes: found.max_bytes,
        anew: false,
    });
    difference(&wanted, found)
}

/// The stream that is a bucket to any NATS key-value client, so that the usual tools read it.
fn stream_config(settings: &BucketSettings) -> Config {
    Config {
        name: format!("KV_{}", settings.name),
        subjects: vec![format!("$KV.{}.>", settings.name)],
        max_messages_per_subject: 1,
        max_age: settings.max_age,
        max_bytes: settings.max_bytes,
        storage: StorageType::File,
        num_replicas: settings.replicas,
        // A full bucket refuses the newest rather than forgets the oldest, which somebody
        // is in the middle of.
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        // JetStream wants the window no longer than the age; we do not use it.
        duplicate_window: settings.max_age.min(Duration::from_mins(2)),
        metadata: HashMap::from_iter(
            settings
                .anew
                .then(|| (MADE_ANEW.to_owned(), "true".to_owned())),
        ),
        ..Config::default()
    }
}

/// A key-value bucket. Each operation ends within a few seconds.
#[derive(Clone, Debug)]
pub struct Bucket {
    connection: Connection,
    name: String,
    stream: String,
    /// Clones share it.
    takes_nothing: Arc<AtomicBool>,
}

impl Bucket {
    /// Opens the bucket, creating it if it is not there.
    pub async fn open_or_create(
        connection: &Connection,
        settings: BucketSettings,
    ) -> Result<Self, BucketError> {
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if settings.name.is_empty() || !settings.name.chars().all(valid) {
            return Err(BucketError::BadName(settings.name));
        }
        let bucket = Self {
            connection: connection.clone(),
            stream: format!("KV_{}", settings.name),
            name: settings.name.clone(),
            takes_nothing: Arc::default(),
        };
        let wanted = stream_config(&settings);
        let found = connection.stream_info(&bucket.stream).await;
        let info = match found.map_err(|source| bucket.failed(source))? {
            Some(info) => info,
            None => match connection.create_stream(wanted.clone()).await {
                Ok(info) => info,
                // Somebody else made it at this moment, maybe of another size, which it keeps.
                Err(source) => {
                    let made = connection.stream_info(&bucket.stream).await.ok().flatten();
                    made.ok_or_else(|| bucket.failed(source))?
                }
            },
        };
        let wanted = Config {
            max_bytes: info.config.max_bytes,
            ..wanted
        };
        match difference(&wanted, &info.config) {
            Some(difference) => Err(BucketError::ConfiguredOtherwise {
                bucket: bucket.name,
                difference,
            }),
            None => Ok(bucket),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a failure may be that of the connection, and not the bucket's own.
    pub fn is_out_of_reach(&self, error: &BucketError) -> bool {
        let is_sent = !matches!(
            error,
            BucketError::JetStream {
                source: JetStreamError::NotConnected,
                ..
            }
        );
        !is_sent || self.connection.state() == ConnectionState::Disconnected
    }

    /// Whether what was written last was not taken, for whatever reason but that somebody else was first.
    pub fn took_nothing(&self) -> bool {
        self.takes_nothing.load(Ordering::Relaxed)
    }

    /// Writes something that says nothing, to find out whether anything can be written.
    pub async fn probe(&self) -> Result<(), BucketError> {
        let written = self.append(PROBE, HeaderMap::new(), Bytes::new()).await;
        written.map(drop)
    }

    /// Lets it hold more or less; never less than it holds. Whether that is a change.
    pub async fn resize(&self, max_bytes: i64) -> Result<bool, BucketError> {
        let info = self.connection.stream_info(&self.stream).await;
        let info = info.map_err(|source| self.failed(source))?.ok_or_else(|| {
            self.failed(JetStreamError::NobodyThere {
                subject: self.stream.clone(),
            })
        })?;
        if info.config.max_bytes == max_bytes {
            return Ok(false);
        }
        let bytes = info.state.bytes;
        if u64::try_from(max_bytes).is_ok_and(|max_bytes| max_bytes < bytes) {
            return Err(BucketError::HoldsMore {
                bucket: self.name.clone(),
                bytes,
                max_bytes,
            });
        }
        let resized = self.connection.set_max_bytes(info.config, max_bytes).await;
        resized.map_err(|source| self.failed(source))?;
        Ok(true)
    }

    /// When it was created, and after what.
    pub async fn origin(&self) -> Result<BucketOrigin, BucketError> {
        let state = self.connection.stream_state(&self.stream, DEADLINE).await;
        let state = state.map_err(|source| self.failed(source))?;
        let state = state.ok_or_else(|| {
            self.failed(JetStreamError::NobodyThere {
                subject: self.stream.clone(),
            })
        })?;
        Ok(BucketOrigin {
            is_made_anew: state.is_made_anew(),
            created: state.created,
        })
    }

    /// The value of a key, as the bucket's leader has it.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, BucketError> {
        let last = self.last(key).await?;
        Ok(last
            .filter(|message| !is_removal(message))
            .map(|message| Entry {
                value: message.payload.into(),
                revision: message.sequence,
            }))
    }

    /// The keys of one token that stand below `prefix`, as far as the server lists them in one answer. A key that was
    /// removed may be among them.
    pub async fn keys_below(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let filter = format!("{}.*", self.subject(prefix)?);
        let subjects = self.connection.subjects(&self.stream, &filter).await;
        let subjects = subjects.map_err(|source| self.failed(source))?;
        let own = format!("$KV.{}.", self.name);
        let keys = subjects
            .iter()
            .filter_map(|subject| subject.strip_prefix(&own));
        Ok(keys.map(str::to_owned).collect())
    }

    /// Whether the bucket holds anything for a key: a value, the note of its removal, or what was a value and is damaged
    /// on the server's disk, which reading it would not show.
    pub async fn holds(&self, key: &str) -> Result<bool, BucketError> {
        let subject = self.subject(key)?;
        let subjects = self.connection.subjects(&self.stream, &subject).await;
        Ok(!subjects.map_err(|source| self.failed(source))?.is_empty())
    }

    /// Gives a value to a key that has none; the revision. One that is damaged on the server's disk counts as none:
    /// where that matters, ask [`Bucket::holds`] first.
    pub async fn create(&self, key: &str, value: Vec<u8>) -> Result<u64, BucketError> {
        let value = Bytes::from(value);
        match self.put(key, value.clone(), 0, None).await {
            Err(BucketError::WrongRevision { .. }) => {}
            done => return done,
        }
        // A removed key has a last message, its removal, which is what must be replaced then.
        let removed_at = self
            .last(key)
            .await?
            .filter(is_removal)
            .map(|message| message.sequence);
        let Some(removed_at) = removed_at else {
            return Err(BucketError::AlreadyExists);
        };
        match self.put(key, value, removed_at, None).await {
            Err(BucketError::WrongRevision { .. }) => Err(BucketError::AlreadyExists),
            done => done,
        }
    }

    /// Replaces a value that is still at the given revision; the new revision.
    ///
    /// After [`JetStreamError::TimedOut`] it may have been replaced: read it to know.
    pub async fn update(
        &self,
        key: &str,
        value: Vec<u8>,
        expected_revision: u64,
    ) -> Result<u64, BucketError> {
        self.put(key, value.into(), expected_revision, None).await
    }

    /// Removes the value of a key, whatever it is.
    pub async fn delete(&self, key: &str) -> Result<(), BucketError> {
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, "DEL");
        self.append(key, headers, Bytes::new()).await.map(drop)
    }

    /// Removes a value that is still at the given revision, so that of several only one removes it.
    pub async fn delete_at(&self, key: &str, expected_revision: u64) -> Result<(), BucketError> {
        self.put(key, Bytes::new(), expected_revision, Some("DEL"))
            .await
            .map(drop)
    }

    async fn put(
        &self,
        key: &str,
        value: Bytes,
        expected: u64,
        operation: Option<&'static str>,
    ) -> Result<u64, BucketError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string());
        if let Some(operation) = operation {
            headers.insert(OPERATION, operation);
        }
        match self.append(key, headers, value).await {
            Err(BucketError::JetStream { source, .. }) if source.is_wrong_last_sequence() => {
                Err(BucketError::WrongRevision { expected })
            }
            done => done,
        }
    }

    async fn append(
        &self,
        key: &str,
        headers: HeaderMap,
        value: Bytes,
    ) -> Result<u64, BucketError> {
        let subject = self.subject(key)?;
        let appended = self.connection.append(subject, headers, value).await;
        let is_refused = appended
            .as_ref()
            .is_err_and(|error| !error.is_wrong_last_sequence());
        self.takes_nothing.store(is_refused, Ordering::Relaxed);
        appended.map_err(|source| self.failed(source))
    }

    async fn last(&self, key: &str) -> Result<Option<StreamMessage>, BucketError> {
        let subject = self.subject(key)?;
        let last = self.connection.last_message(&self.stream, &subject).await;
        last.map_err(|source| self.failed(source))
    }

    fn subject(&self, key: &str) -> Result<String, BucketError> {
        let valid =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '=' | '.' | '%');
        let tokens = key.split('.').all(|token| !token.is_empty());
        if !tokens || !key.chars().all(valid) {
            return Err(BucketError::BadName(key.to_owned()));
        }
        Ok(format!("$KV.{}.{key}", self.name))
    }

    fn failed(&self, source: JetStreamError) -> BucketError {
        BucketError::JetStream {
            bucket: self.name.clone(),
            source,
        }
    }
}

fn is_removal(message: &StreamMessage) -> bool {
    let operation = message.headers.get(OPERATION);
    operation.is_some_and(|operation| matches!(operation.as_str(), "DEL" | "PURGE"))
}
