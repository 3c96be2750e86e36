//! A key-value bucket in JetStream: the last value of each key, changed by compare-and-set.

mod error;
mod settings;
mod space;
mod walk;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::jetstream::stream::Config;
use bytes::Bytes;

use crate::connection::{Connection, ConnectionState};
use crate::jetstream::{
    Append, DEADLINE, Expected, JetStreamError, NewMessage, StoredMessage, StreamState,
};
use settings::stream_config;

pub use error::BucketError;
pub use settings::{BucketSettings, difference_from_a_bucket};
pub use space::{BucketSpace, Room};
pub use walk::BucketPage;
pub use writer::BucketWriter;

const OPERATION: &str = "KV-Operation";
/// The key of a value that says nothing: it is written to find out whether anything can be.
const PROBE: &str = "probe";

/// A value, and the revision to name when it is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// The revision to name when the value is replaced.
    pub revision: u64,
}

/// Where a bucket comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketOrigin {
    /// When the server created it, as the server writes it: no two of one name have the same.
    pub created: String,
    /// Whether there was one before that was lost.
    pub is_recreated: bool,
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
    /// The bucket of this name, whether it is there or not: nothing is asked. What is asked of one that is not there fails.
    pub fn of(connection: &Connection, name: &str) -> Self {
        Self {
            connection: connection.clone(),
            stream: format!("KV_{name}"),
            name: name.to_owned(),
            takes_nothing: Arc::default(),
        }
    }

    /// Opens the bucket, creating it if it is not there.
    pub async fn open_or_create(
        connection: &Connection,
        settings: BucketSettings,
    ) -> Result<Self, BucketError> {
        let bucket = Self::of(connection, &settings.name);
        bucket.create_or_check(&settings).await?;
        Ok(bucket)
    }

    /// Creates the bucket if it is not there, and else compares it. Whether it was created.
    pub async fn create_or_check(&self, settings: &BucketSettings) -> Result<bool, BucketError> {
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || !self.name.chars().all(valid) || self.name != settings.name {
            return Err(BucketError::BadName(settings.name.clone()));
        }
        let wanted = stream_config(settings);
        let (state, is_new) = match self.state().await? {
            Some(state) => (state, false),
            None => match self.connection.create_stream(&wanted, DEADLINE).await {
                Ok(state) => (state, true),
                // Somebody else made it at this moment, maybe of another size, which it keeps.
                Err(source) => {
                    let made = self.state().await.ok().flatten();
                    (made.ok_or_else(|| self.failed(source))?, false)
                }
            },
        };
        let wanted = Config {
            max_bytes: state.config().max_bytes,
            ..wanted
        };
        match state.difference(&wanted) {
            Some(difference) => Err(BucketError::ConfiguredOtherwise {
                bucket: self.name.clone(),
                difference,
            }),
            None => Ok(is_new),
        }
    }

    /// Opens a bucket that is there, of whatever size; `None` where it is not.
    pub async fn open(connection: &Connection, name: &str) -> Result<Option<Self>, BucketError> {
        let bucket = Self::of(connection, name);
        let Some(state) = bucket.state().await? else {
            return Ok(None);
        };
        match difference_from_a_bucket(&state, name) {
            Some(difference) => Err(BucketError::ConfiguredOtherwise {
                bucket: bucket.name,
                difference,
            }),
            None => Ok(Some(bucket)),
        }
    }

    /// The bucket's name.
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
        let written = self.append(PROBE, Expected::Anything, Operation::Put(Bytes::new()));
        written.await.map(drop)
    }

    /// Lets it hold more or less; never less than it holds. Whether that is a change.
    pub async fn resize(&self, max_bytes: i64) -> Result<bool, BucketError> {
        let state = self.require_state().await?;
        if state.config().max_bytes == max_bytes {
            return Ok(false);
        }
        if u64::try_from(max_bytes).is_ok_and(|max_bytes| max_bytes < state.bytes) {
            return Err(BucketError::HoldsMore {
                bucket: self.name.clone(),
                bytes: state.bytes,
                max_bytes,
            });
        }
        let config = state.config().clone();
        let resized = self.connection.set_max_bytes(config, max_bytes).await;
        resized.map_err(|source| self.failed(source))?;
        Ok(true)
    }

    /// When it was created, and after what.
    pub async fn origin(&self) -> Result<BucketOrigin, BucketError> {
        let state = self.require_state().await?;
        Ok(BucketOrigin {
            is_recreated: state.is_recreated(),
            created: state.created,
        })
    }

    /// The value of a key, as the bucket's leader has it.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, BucketError> {
        let last = self.last(key).await?;
        let last = last.filter(|message| !is_removal(message));
        Ok(last.map(|message| Entry {
            value: message.payload().to_vec(),
            revision: message.sequence(),
        }))
    }

    /// The keys of one token that stand below `prefix`, as far as the server lists them in one answer. A key that was
    /// removed may be among them.
    pub async fn keys_below(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let filter = format!("{}.*", self.subject(prefix)?);
        let subjects = self.subjects(&filter).await?;
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
        Ok(!self.subjects(&subject).await?.is_empty())
    }

    /// Gives a value to a key that has none; the revision. One that is damaged on the server's disk counts as none:
    /// where that matters, ask [`Bucket::holds`] first.
    pub async fn create(&self, key: &str, value: Vec<u8>) -> Result<u64, BucketError> {
        let value = Bytes::from(value);
        match self.put(key, value.clone(), 0).await {
            Err(BucketError::WrongRevision { .. }) => {}
            done => return done,
        }
        // A removed key has a last message, its removal, which is what must be replaced then.
        let removal = self.last(key).await?.filter(is_removal);
        let Some(removal) = removal else {
            return Err(BucketError::AlreadyExists);
        };
        match self.put(key, value, removal.sequence()).await {
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
        self.put(key, value.into(), expected_revision).await
    }

    /// Removes the value of a key, whatever it is.
    pub async fn delete(&self, key: &str) -> Result<(), BucketError> {
        let removed = self.append(key, Expected::Anything, Operation::Remove);
        removed.await.map(drop)
    }

    /// Removes a value that is still at the given revision. What is left is a note that it was there.
    pub async fn remove(&self, key: &str, expected_revision: u64) -> Result<(), BucketError> {
        let expected = Expected::LastOnSubject(expected_revision);
        let removed = self.append(key, expected, Operation::Remove).await;
        removed
            .map(drop)
            .map_err(|error| error.of_a_revision(expected_revision))
    }

    async fn put(&self, key: &str, value: Bytes, expected: u64) -> Result<u64, BucketError> {
        let put = self.append(
            key,
            Expected::LastOnSubject(expected),
            Operation::Put(value),
        );
        put.await.map_err(|error| error.of_a_revision(expected))
    }

    async fn append(
        &self,
        key: &str,
        expected: Expected,
        operation: Operation,
    ) -> Result<u64, BucketError> {
        let (headers, payload) = match operation {
            Operation::Put(value) => (Vec::new(), value),
            Operation::Remove => (
                Vec::from([(OPERATION.into(), "DEL".to_owned())]),
                Bytes::new(),
            ),
        };
        let message = NewMessage {
            subject: self.subject(key)?,
            expected,
            headers,
            payload,
            id: None,
        };
        let append = Append {
            stream: None,
            messages: Vec::from([message]),
            batch: None,
        };
        let appended = self.connection.append(append).await;
        let is_refused = appended
            .as_ref()
            .is_err_and(|error| !error.is_wrong_last_sequence());
        self.takes_nothing.store(is_refused, Ordering::Relaxed);
        appended.map_err(|source| self.failed(source))
    }

    async fn last(&self, key: &str) -> Result<Option<StoredMessage>, BucketError> {
        let subject = self.subject(key)?;
        let last = self
            .connection
            .last_message(&self.stream, &subject, DEADLINE);
        last.await.map_err(|source| self.failed(source))
    }

    async fn subjects(&self, filter: &str) -> Result<Vec<String>, BucketError> {
        let listed = self.connection.subjects(&self.stream, filter, 0, DEADLINE);
        let listed = listed.await.map_err(|source| self.failed(source))?;
        Ok(listed.subjects)
    }

    async fn state(&self) -> Result<Option<StreamState>, BucketError> {
        let state = self.connection.stream_state(&self.stream, DEADLINE).await;
        state.map_err(|source| self.failed(source))
    }

    async fn require_state(&self) -> Result<StreamState, BucketError> {
        let state = self.state().await?;
        state.ok_or_else(|| {
            let what = self.stream.clone();
            self.failed(JetStreamError::StreamNotFound { what })
        })
    }

    fn subject(&self, key: &str) -> Result<String, BucketError> {
        subject(&self.name, key)
    }

    fn failed(&self, source: JetStreamError) -> BucketError {
        BucketError::JetStream {
            bucket: self.name.clone(),
            source,
        }
    }
}

fn subject(bucket: &str, key: &str) -> Result<String, BucketError> {
    let valid =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '=' | '.' | '%');
    let tokens = key.split('.').all(|token| !token.is_empty());
    if !tokens || !key.chars().all(valid) {
        return Err(BucketError::BadName(key.to_owned()));
    }
    Ok(format!("$KV.{bucket}.{key}"))
}

/// What is done to a key.
enum Operation {
    Put(Bytes),
    Remove,
}

fn is_removal(message: &StoredMessage) -> bool {
    matches!(message.header(OPERATION), Some("DEL" | "PURGE"))
}
