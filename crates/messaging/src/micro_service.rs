//! Answering requests as a NATS micro service (ADR-32).
//!
//! The replicas of a service share its requests (queue group `q`), answer to `$SRV.PING`,
//! `$SRV.INFO` and `$SRV.STATS` as any NATS tool expects, and report errors in the headers
//! `Nats-Service-Error` and `Nats-Service-Error-Code`, with a body.
//!
//! The protocol is spoken here rather than by the client library's own service module, which
//! cannot send a body with an error and still count it as one, and on stopping drops the requests
//! that the server has already handed over: each rolling restart would cost some callers a
//! time-out. Ours stops taking, answers what it has, and only then ends.

mod discovery;
mod reply;
mod statistics;
mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::connection::Connection;
use crate::message::SubscribeError;
use discovery::Discovery;
use statistics::Statistics;
use worker::Worker;

/// The queue group that NATS micro services share by default.
const QUEUE_GROUP: &str = "q";

/// How long what was begun may take after the service was told to stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

/// What the service is, to those who list services.
#[derive(Clone, Copy, Debug)]
pub struct ServiceDefinition {
    /// The service's name: letters, digits, `-` and `_`.
    pub name: &'static str,
    /// The service's version, semantic.
    pub version: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
}

/// A request to answer.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub payload: Bytes,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// The subject it was sent to.
    pub subject: String,
}

/// An answer that says why there is no better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The status, as in HTTP.
    pub status: u16,
    /// A word for the error, sent in `Nats-Service-Error`. Fixed words only, never the caller's text.
    pub code: String,
    /// What the caller is told: a JSON problem.
    pub body: Vec<u8>,
}

pub(crate) type Answer = Result<Vec<u8>, ServiceError>;
type Handling = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Handler = Arc<dyn Fn(Request) -> Handling + Send + Sync>;

/// One subject a service answers on.
#[derive(Clone)]
pub struct Endpoint {
    name: String,
    subject: String,
    /// Whether one of the replicas answers, or each.
    is_shared: bool,
    handler: Handler,
}

impl Endpoint {
    /// An endpoint. A handler that does not await anything unready is run where requests are
    /// read, one after another, so it should take microseconds; one that waits runs on its own.
    pub fn new<F, Fut>(name: impl Into<String>, subject: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>, ServiceError>> + Send + 'static,
    {
        Self {
            name: name.into(),
            subject: subject.into(),
            is_shared: true,
            handler: Arc::new(move |request| handler(request).boxed()),
        }
    }

    /// Has each replica answer every request, instead of one of them.
    #[must_use]
    pub fn for_every_replica(mut self) -> Self {
        self.is_shared = false;
        self
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Why a service does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A name has characters it may not have.
    #[error("{0:?} cannot name a service or an endpoint")]
    BadName(String),
    /// A subject cannot be subscribed.
    #[error("the service {service} cannot listen")]
    Subscribe {
        /// The service.
        service: &'static str,
        /// Why.
        #[source]
        source: SubscribeError,
    },
    /// The connection was closed under the service.
    #[error("the NATS connection of the service {service} was closed")]
    ConnectionClosed {
        /// The service.
        service: &'static str,
    },
    /// Told to stop, the service could not finish what it had begun in time.
    #[error("the service {service} did not finish its requests within {deadline:?}")]
    NotDrained {
        /// The service.
        service: &'static str,
        /// The time it had.
        deadline: Duration,
    },
}

/// What is wrong with the service, by what it needs: told in its statistics, so that whoever looks after it need not reach
/// its own port. Nothing in it may be secret.
pub type Troubles = Arc<dyn Fn() -> BTreeMap<String, String> + Send + Sync>;

/// A service that takes requests already: what is asked from now on is answered as soon as it runs.
#[derive(Debug)]
pub struct Listening {
    connection: Connection,
    service: &'static str,
    workers: JoinSet<()>,
    shutdown: CancellationToken,
    /// Discovery ends with the service: one that drains still says what it is.
    _discovery: AbortOnDropHandle<()>,
}

/// Serves until `shutdown`, with nothing to tell; see [`listen`].
pub async fn serve(
    connection: &Connection,
    definition: ServiceDefinition,
    endpoints: Vec<Endpoint>,
    max_in_flight: usize,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let nothing: Troubles = Arc::new(BTreeMap::new);
    let listening = listen(
        connection,
        definition,
        endpoints,
        max_in_flight,
        shutdown,
        nothing,
    );
    listening.await?.run().await
}

/// Subscribes to everything, and returns once the server has been told: whoever then says that it is ready is not asked in
/// vain. At most `max_in_flight` requests are handled at once, over all endpoints; more wait in the subscriptions, which are
/// bounded too.
pub async fn listen(
    connection: &Connection,
    definition: ServiceDefinition,
    endpoints: Vec<Endpoint>,
    max_in_flight: usize,
    shutdown: CancellationToken,
    troubles: Troubles,
) -> Result<Listening, ServeError> {
    let service = definition.name;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    for name in
        std::iter::once(service).chain(endpoints.iter().map(|endpoint| endpoint.name.as_str()))
    {
        if name.is_empty() || !name.chars().all(valid) {
            return Err(ServeError::BadName(name.to_owned()));
        }
    }
    let permits = Arc::new(Semaphore::new(
        max_in_flight.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let mut statistics = Vec::new();
    let mut workers = JoinSet::new();
    for endpoint in endpoints {
        let subject = endpoint.subject.clone();
        let queue_group = if endpoint.is_shared { QUEUE_GROUP } else { "" };
        let subscription = if endpoint.is_shared {
            connection.queue_subscribe(&subject, QUEUE_GROUP).await
        } else {
            connection.plain_subscribe(&subject).await
        };
        let subscription =
            subscription.map_err(|source| ServeError::Subscribe { service, source })?;
        let counted = Arc::new(Statistics::new(&endpoint.name, &subject, queue_group));
        statistics.push(Arc::clone(&counted));
        let worker = Worker::new(connection, endpoint.handler, counted, Arc::clone(&permits));
        workers.spawn(worker.run(subscription, shutdown.clone()));
    }
    let discovery = Discovery::start(connection, definition, statistics, troubles)
        .await
        .map_err(|source| ServeError::Subscribe { service, source })?;
    connection.settle_if_there().await;
    Ok(Listening {
        connection: connection.clone(),
        service,
        workers,
        shutdown,
        _discovery: AbortOnDropHandle::new(tokio::spawn(discovery.run())),
    })
}

impl Listening {
    /// Serves until the shutdown, then stops taking requests, answers those it has, and returns.
    pub async fn run(mut self) -> Result<(), ServeError> {
        let service = self.service;
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            // A worker ends by itself only when its subscription does.
            _ = self.workers.join_next(), if !self.workers.is_empty() => {
                if !self.shutdown.is_cancelled() {
                    return Err(ServeError::ConnectionClosed { service });
                }
            }
        }
        let drained = async {
            while self.workers.join_next().await.is_some() {}
            // The last answers are only queued, and a connection that is dropped forgets its queue.
            self.connection.flush_if_there().await;
        };
        tokio::time::timeout(DRAIN_DEADLINE, drained)
            .await
            .map_err(|_| ServeError::NotDrained {
                service,
                deadline: DRAIN_DEADLINE,
            })
    }
}
