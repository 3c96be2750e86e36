//! How much room JetStream has for our account, as far as it says.

use std::time::Duration;

use serde::Deserialize;

use super::JetStreamError;
use crate::connection::Connection;

/// What is used and reserved on disk, of all streams of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// How many streams there are.
    pub streams: u64,
    /// The bytes that they hold.
    pub used: u64,
    /// The bytes that they have reserved: the limits of those that have one.
    pub reserved: u64,
    /// The bytes that the account may hold; `None` where only the server's own limit counts, which it tells nobody here.
    pub most: Option<u64>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    streams: u64,
    #[serde(default)]
    storage: u64,
    #[serde(default)]
    reserved_storage: u64,
    #[serde(default)]
    limits: Limits,
}

#[derive(Deserialize, Default)]
struct Limits {
    #[serde(default)]
    max_storage: i64,
}

impl Connection {
    /// What JetStream says about the account's storage.
    pub async fn storage(&self, deadline: Duration) -> Result<Storage, JetStreamError> {
        let reply: Reply = self.call("INFO", &serde_json::json!({}), deadline).await?;
        Ok(Storage {
            streams: reply.streams,
            used: reply.storage,
            reserved: reply.reserved_storage,
            most: u64::try_from(reply.limits.max_storage)
                .ok()
                .filter(|most| 0 < *most),
        })
    }
}
