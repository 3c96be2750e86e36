//! The host application's sync worker: reads mailboxes, and must know at once when it may not any more.

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
    received: mpsc::Receiver<ReceivedChange>,
    listener: JoinHandle<()>,
}

/// A change message that the sync worker received.
#[derive(Debug, Clone)]
pub struct ReceivedChange {
    /// The NATS subject.
    pub subject: String,
    /// The change.
    pub body: Value,
    /// The trace that it is a part of.
    pub traceparent: Option<String>,
    /// When the message came.
    pub at: Instant,
}

impl ReceivedChange {
    /// The event that made the change.
    pub fn sequence(&self) -> u64 {
        self.body
            .get("sequence")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// The permissions in force now, in words.
    pub fn effective(&self) -> String {
        permissions_in_words(self.body.get("effective").unwrap_or(&Value::Null))
    }
}

impl SyncWorker {
    pub(crate) async fn start(nats: &NatsServer) -> Result<Self, ActorError> {
        let client = nats.connect(NatsUser::SyncWorker).await;
        let client = client.map_err(|error| ActorError::Nats(error.into()))?;
        let mut changes = client
            .subscribe("consent.changes.v1.>")
            .await
            .map_err(|error| ActorError::Nats(error.into()))?;
        // From here on nothing is missed.
        client
            .flush()
            .await
            .map_err(|error| ActorError::Nats(error.into()))?;
        let (sender, received) = mpsc::channel(HELD);
        let listener = tokio::spawn(async move {
            // The connection lives as long as somebody holds it.
            let _client = client;
            while let Some(message) = changes.next().await {
                let received = ReceivedChange {
                    subject: message.subject.to_string(),
                    traceparent: message
                        .headers
                        .as_ref()
                        .and_then(|headers| headers.get("traceparent"))
                        .map(|value| value.as_str().to_owned()),
                    body: serde_json::from_slice(&message.payload).unwrap_or_default(),
                    at: Instant::now(),
                };
                if sender.send(received).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { received, listener })
    }

    /// Waits for the change that the event `sequence` made, and discards what comes before it.
    pub async fn receive(&mut self, sequence: u64) -> Result<ReceivedChange, ActorError> {
        let mut others = Vec::new();
        let found = async {
            while let Some(received) = self.received.recv().await {
                if received.sequence() == sequence {
                    return Some(received);
                }
                others.push(format!("{} at {}", received.subject, received.sequence()));
            }
            None
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Some(received)) => Ok(received),
            Ok(None) | Err(_) => Err(ActorError::NotTold {
                what: format!("of event {sequence}"),
                within: PATIENCE,
                received: others,
            }),
        }
    }

    /// Takes all that was received and not yet taken.
    pub fn drain(&mut self) -> Vec<ReceivedChange> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

impl Drop for SyncWorker {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
