//! The host application's sync worker: it reads mailboxes, and must hear at once when it may not any more.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::reply::{ActorError, permissions_in_words};
use crate::nats_server::{NatsServer, NatsUser};

const PATIENCE: Duration = Duration::from_secs(10);
const HELD: usize = 65_536;

/// A subscriber to every change, with the permissions such a service has.
#[derive(Debug)]
pub struct SyncWorker {
    heard: mpsc::Receiver<Heard>,
    listener: JoinHandle<()>,
}

/// A change it was told.
#[derive(Debug, Clone)]
pub struct Heard {
    /// On which subject.
    pub subject: String,
    /// The change.
    pub body: Value,
    /// When.
    pub at: Instant,
}

impl Heard {
    /// The event that made the change.
    pub fn sequence(&self) -> u64 {
        self.body
            .get("sequence")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// What is effective now, in words.
    pub fn effective(&self) -> String {
        permissions_in_words(self.body.get("effective").unwrap_or(&Value::Null))
    }
}

impl SyncWorker {
    pub(crate) async fn start(nats: &NatsServer) -> Result<Self, ActorError> {
        let (user, password) = nats.credentials(NatsUser::SyncWorker);
        let client = async_nats::ConnectOptions::with_user_and_password(user.clone(), password)
            .custom_inbox_prefix(format!("_INBOX_{user}"))
            .connect(nats.url())
            .await
            .map_err(|error| ActorError::Nats(error.into()))?;
        let mut changes = client
            .subscribe("consent.changes.v1.>")
            .await
            .map_err(|error| ActorError::Nats(error.into()))?;
        // From here on nothing is missed.
        client
            .flush()
            .await
            .map_err(|error| ActorError::Nats(error.into()))?;
        let (sender, heard) = mpsc::channel(HELD);
        let listener = tokio::spawn(async move {
            // The connection lives as long as somebody holds it.
            let _client = client;
            while let Some(message) = changes.next().await {
                let heard = Heard {
                    subject: message.subject.to_string(),
                    body: serde_json::from_slice(&message.payload).unwrap_or_default(),
                    at: Instant::now(),
                };
                if sender.send(heard).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { heard, listener })
    }

    /// The change that the event `sequence` made; what comes before it is passed over.
    pub async fn hear(&mut self, sequence: u64) -> Result<Heard, ActorError> {
        let mut others = Vec::new();
        let found = async {
            while let Some(heard) = self.heard.recv().await {
                if heard.sequence() == sequence {
                    return Some(heard);
                }
                others.push(format!("{} at {}", heard.subject, heard.sequence()));
            }
            None
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Some(heard)) => Ok(heard),
            Ok(None) | Err(_) => Err(ActorError::NotTold {
                what: format!("of event {sequence}"),
                within: PATIENCE,
                heard: others,
            }),
        }
    }

    /// All it has heard and nobody took.
    pub fn rest(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

impl Drop for SyncWorker {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
