//! Which reply belongs to which request.
//!
//! The client library has this too, but forgets nothing: a request that never gets an answer
//! stays in its table for the life of the connection, 0.45 KiB each (nats.rs issue #1617, still so in
//! async-nats 0.51; its fix is pull request #1618). Ours forgets a request as soon as its caller stops
//! waiting, so the table is never longer than the callers are many. Delete when fixed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{Client, Subscriber};
use futures::StreamExt as _;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

type Waiting = Mutex<HashMap<u64, oneshot::Sender<async_nats::Message>>>;

#[derive(Debug)]
pub(crate) struct Replies {
    inbox: String,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    _router: AbortOnDropHandle<()>,
}

impl Replies {
    pub(crate) async fn start(client: &Client) -> Result<Self, async_nats::SubscribeError> {
        let inbox = client.new_inbox();
        let subscription = client.subscribe(format!("{inbox}.*")).await?;
        let waiting = Arc::new(Waiting::default());
        let router = tokio::spawn(route(subscription, inbox.len() + 1, Arc::clone(&waiting)));
        Ok(Self {
            inbox,
            next: AtomicU64::new(0),
            waiting,
            _router: AbortOnDropHandle::new(router),
        })
    }

    /// A new place for one reply.
    pub(crate) fn expect(&self) -> ExpectedReply {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).insert(number, sender);
        ExpectedReply {
            subject: format!("{}.{number}", self.inbox),
            number,
            receiver,
            waiting: Arc::clone(&self.waiting),
        }
    }
}

/// One reply that may come. Dropping it forgets the request.
#[derive(Debug)]
pub(crate) struct ExpectedReply {
    pub(crate) subject: String,
    number: u64,
    receiver: oneshot::Receiver<async_nats::Message>,
    waiting: Arc<Waiting>,
}

impl ExpectedReply {
    /// The reply, or `None` when the connection was closed.
    pub(crate) async fn arrival(&mut self) -> Option<async_nats::Message> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for ExpectedReply {
    fn drop(&mut self) {
        drop(lock(&self.waiting).remove(&self.number));
    }
}

async fn route(mut subscription: Subscriber, prefix: usize, waiting: Arc<Waiting>) {
    while let Some(message) = subscription.next().await {
        let number = message
            .subject
            .get(prefix..)
            .and_then(|number| number.parse().ok());
        let sender = number.and_then(|number: u64| lock(&waiting).remove(&number));
        if let Some(sender) = sender {
            // A failure means that the caller has just stopped waiting.
            drop(sender.send(message));
        }
    }
    // The connection is closed: nobody need wait any longer.
    lock(&waiting).clear();
}

fn lock(
    waiting: &Waiting,
) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<async_nats::Message>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use assent_dev_stack::NatsServer;

    use super::lock;
    use crate::{Connection, ConnectionSettings, RequestError};

    #[tokio::test]
    async fn a_request_without_an_answer_is_forgotten() {
        let server = NatsServer::start_plain().await.unwrap();
        let connection = Connection::connect(ConnectionSettings::new(server.url(), "t"))
            .await
            .unwrap();
        // Somebody listens and never answers.
        let listener = connection.subscribe("silence").await.unwrap();
        for _ in 0..50 {
            let asked = connection
                .request("silence", Vec::new(), None, Duration::from_millis(2))
                .await;
            assert!(
                matches!(asked, Err(RequestError::TimedOut { .. })),
                "{asked:?}"
            );
        }
        let abandoned = connection.request("silence", Vec::new(), None, Duration::from_mins(1));
        assert!(
            tokio::time::timeout(Duration::from_millis(5), abandoned)
                .await
                .is_err()
        );
        assert!(lock(&connection.replies().waiting).is_empty());
        drop(listener);
    }
}
