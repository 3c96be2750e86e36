//! Which acknowledgement belongs to which append.
//!
//! One inbox for all appends, and a place in it that is forgotten as soon as its append stops
//! waiting. The client library's own bookkeeping keeps a place for every acknowledgement that
//! never comes, for the life of the connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assent_messaging::Connection;
use async_nats::{Message, SubscribeError, Subscriber};
use futures::StreamExt as _;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

type Waiting = Mutex<HashMap<u64, oneshot::Sender<Message>>>;

#[derive(Debug)]
pub(crate) struct Acks {
    inbox: String,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    _router: AbortOnDropHandle<()>,
}

impl Acks {
    pub(crate) async fn start(connection: &Connection) -> Result<Self, SubscribeError> {
        let client = connection.dangerous_client();
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

    /// A new place for one acknowledgement.
    pub(crate) fn expect(&self) -> ExpectedAck {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).insert(number, sender);
        ExpectedAck {
            subject: format!("{}.{number}", self.inbox),
            number,
            receiver,
            waiting: Arc::clone(&self.waiting),
        }
    }
}

/// One acknowledgement that may come. Dropping it forgets about it.
#[derive(Debug)]
pub(crate) struct ExpectedAck {
    pub(crate) subject: String,
    number: u64,
    receiver: oneshot::Receiver<Message>,
    waiting: Arc<Waiting>,
}

impl ExpectedAck {
    /// The acknowledgement, or `None` when the connection was closed.
    pub(crate) async fn arrival(&mut self) -> Option<Message> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for ExpectedAck {
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
            // A failure means that the append has just stopped waiting.
            drop(sender.send(message));
        }
    }
    // The connection is closed: nobody need wait any longer.
    lock(&waiting).clear();
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Message>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
