//! Reading the requests of one endpoint and answering them.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::statistics::Statistics;
use super::{Answer, Handler, Request, ServiceError, reply};
use crate::connection::{Connection, ConnectionState};
use crate::message::parse_headers;
use crate::request::{SERVICE_ERROR, SERVICE_ERROR_CODE, TRACEPARENT};

/// How long handing an answer to the connection may take; it waits only while the connection
/// takes nothing, and then its caller is gone too.
const REPLY_DEADLINE: Duration = Duration::from_secs(5);

/// Requests still taken when leaving: more than the server can have sent that are not here yet.
const LAST_REQUESTS: u64 = 256;

/// How long these may take to come.
const LEAVING: Duration = Duration::from_secs(2);

/// After this long without a request, none is on its way.
const QUIET: Duration = Duration::from_millis(50);

const INTERNAL_ERROR: &str = "internal_error";

#[derive(Clone)]
pub(super) struct Worker {
    connection: Connection,
    handler: Handler,
    statistics: Arc<Statistics>,
    permits: Arc<Semaphore>,
    waiting: TaskTracker,
}

impl Worker {
    pub(super) fn new(
        connection: &Connection,
        handler: Handler,
        statistics: Arc<Statistics>,
        permits: Arc<Semaphore>,
    ) -> Self {
        Self {
            connection: connection.clone(),
            handler,
            statistics,
            permits,
            waiting: TaskTracker::new(),
        }
    }

    /// Answers requests until `shutdown` or the end of the subscription, then finishes those it has.
    pub(super) async fn run(self, mut subscription: Subscriber, shutdown: CancellationToken) {
        let connects = self.connects();
        let mut received = 0;
        let stop = shutdown.cancelled();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => {
                    let counts_agree = connects == self.connects();
                    self.leave(subscription, received, counts_agree).await;
                    break;
                }
                message = subscription.next() => match message {
                    Some(message) => {
                        received += 1;
                        self.take(message).await;
                    }
                    None => break,
                },
            }
        }
        self.waiting.close();
        self.waiting.wait().await;
    }

    /// Stops taking requests, without losing those that the server has already sent.
    ///
    /// The library's drain does not wait for these: it forgets the subscription, and drops what
    /// arrives for it later, which the callers learn by a time-out. So the server is first asked
    /// to end the subscription after a few more requests. A busy service reaches that number at
    /// once, and nothing is lost; one that is not busy has nothing on its way to lose.
    ///
    /// The server's count begins anew when the connection does. If it has, the number would mean
    /// different things to the two sides, and the library's drain has to do.
    async fn leave(&self, subscription: Subscriber, received: u64, counts_agree: bool) {
        let mut states = self.connection.state_changes();
        if self.connection.state() == ConnectionState::Disconnected {
            return;
        }
        tokio::select! {
            () = self.take_the_last(subscription, received, counts_agree) => {}
            // Nothing more comes, and nobody could be answered: the server may be told to stop at the same time as we.
            _ = states.wait_for(|state| *state == ConnectionState::Disconnected) => {}
        }
    }

    async fn take_the_last(&self, mut subscription: Subscriber, received: u64, counts_agree: bool) {
        if counts_agree
            && subscription
                .unsubscribe_after(received + LAST_REQUESTS)
                .await
                .is_ok()
        {
            let until = Instant::now() + LEAVING;
            while Instant::now() < until {
                match tokio::time::timeout(QUIET, subscription.next()).await {
                    Ok(Some(message)) => self.take(message).await,
                    Ok(None) => return,
                    Err(_) => break,
                }
            }
        }
        // It fails only if the connection is closed, and then the subscription has ended.
        drop(subscription.drain().await);
        while let Some(message) = subscription.next().await {
            self.take(message).await;
        }
    }

    fn connects(&self) -> u64 {
        self.connection
            .client()
            .statistics()
            .connects
            .load(Ordering::Relaxed)
    }

    /// Handles a request. The handler is tried on the spot first: one that has no need to wait,
    /// as a look into a local store, is then answered without a task of its own, which would
    /// cost more than such a handler does. Only one that has to wait moves to a task.
    async fn take(&self, message: async_nats::Message) {
        let Some(reply) = message.reply else {
            tracing::debug!(subject = %message.subject, "a request that wants no answer is ignored");
            return;
        };
        if !reply::is_inbox(&reply) {
            reply::refuse(&message.subject);
            return;
        }
        // Where there is no room, further requests wait in the subscription. The semaphore is never closed.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return;
        };
        let started = Instant::now();
        let traceparent = message
            .headers
            .as_ref()
            .and_then(|headers| headers.get(TRACEPARENT));
        let request = Request {
            traceparent: traceparent.map(|value| value.as_str().to_owned()),
            payload: message.payload,
            subject: message.subject.into_string(),
        };
        let handler = Arc::clone(&self.handler);
        let mut handling = AssertUnwindSafe(async move { handler(request).await })
            .catch_unwind()
            .boxed();
        if let Some(outcome) = (&mut handling).now_or_never() {
            self.reply(reply, outcome, started).await;
            return;
        }
        let worker = self.clone();
        drop(self.waiting.spawn(async move {
            let outcome = handling.await;
            worker.reply(reply, outcome, started).await;
            drop(permit);
        }));
    }

    async fn reply(
        &self,
        reply: async_nats::Subject,
        outcome: Result<Answer, Box<dyn Any + Send>>,
        started: Instant,
    ) {
        // The panic's own text is in the log, by way of the panic hook; the caller is told nothing of it.
        let answer = outcome.unwrap_or_else(|_| Err(failure()));
        self.statistics
            .count(started.elapsed(), answer.as_ref().err());
        let client = self.connection.client();
        let sent = async {
            match answer {
                Ok(payload) => client.publish(reply, payload.into()).await,
                Err(error) => {
                    let headers = error_headers(&error);
                    client
                        .publish_with_headers(reply, headers, error.body.into())
                        .await
                }
            }
        };
        match tokio::time::timeout(REPLY_DEADLINE, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "an answer cannot be sent"),
            Err(_) => tracing::warn!("an answer was not taken by the NATS connection in time"),
        }
    }
}

fn error_headers(error: &ServiceError) -> HeaderMap {
    let status = error.status.to_string();
    let headers =
        |code: &str| parse_headers(&[(SERVICE_ERROR, code), (SERVICE_ERROR_CODE, &status)]);
    // A code that cannot be a header is a mistake in the handler; the caller must hear of an
    // error all the same.
    headers(&error.code)
        .or_else(|_| headers(INTERNAL_ERROR))
        .unwrap_or_default()
}

fn failure() -> ServiceError {
    ServiceError {
        status: 500,
        code: INTERNAL_ERROR.to_owned(),
        body: br#"{"type":"about:blank","title":"Internal error","status":500,"code":"internal_error"}"#.to_vec(),
    }
}
