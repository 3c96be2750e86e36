//! A bucket of which nothing can be read: for whoever may only write.

use super::{Bucket, BucketError, subject};
use crate::connection::Connection;
use crate::jetstream::{Append, NewMessage};

/// Writes into a bucket of another account, and reads nothing of it.
#[derive(Clone, Debug)]
pub struct BucketWriter {
    connection: Connection,
    name: String,
}

impl BucketWriter {
    /// Of the bucket of this name. Nothing is asked: whether it is there shows when something is put.
    pub fn new(connection: &Connection, name: impl Into<String>) -> Self {
        Self {
            connection: connection.clone(),
            name: name.into(),
        }
    }

    /// Gives a key a value, whatever it had before; the revision, once the server has stored it.
    pub async fn put(&self, key: &str, value: Vec<u8>) -> Result<u64, BucketError> {
        let message = NewMessage {
            subject: subject(&self.name, key)?,
            payload: value.into(),
            ..NewMessage::default()
        };
        let append = Append {
            messages: Vec::from([message]),
            ..Append::default()
        };
        let stored = self.connection.append(append).await;
        stored.map_err(|source| BucketError::JetStream {
            bucket: self.name.clone(),
            source,
        })
    }
}

impl Bucket {
    /// To write without a look at what is there.
    pub fn writer(&self) -> BucketWriter {
        BucketWriter::new(&self.connection, &self.name)
    }
}
