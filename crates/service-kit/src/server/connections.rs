//! Taking connections, and no more of them than the process can bear.
//!
//! Up to the cap each connection is served. A few more are answered at `/livez`, `/readyz` and `/metrics` and told 503
//! anywhere else, so that whoever watches the program sees it while somebody holds all the rest; of those the newest
//! takes the oldest's place. So none is left hanging, and none can be kept from being seen.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::limits::{ConnectionLimits, RESERVE};
use super::write_timeout::WriteTimeout;
use crate::error_chain::with_sources;
use crate::metrics;

/// A head has to come sooner while few places are free.
const HEAD_WITHIN_IN_A_CROWD: Duration = Duration::from_secs(2);
/// A connection of the reserve is for one short question.
const RESERVE_WITHIN: Duration = Duration::from_secs(5);
/// What a connection may have the server keep before a request's head is complete. More than the longest address that
/// there may be, so that a longer one is told to be too long.
const LARGEST_HEAD: usize = 128 * 1024;
/// When no connection can be accepted (no file is left, say), trying again at once would only spin.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the log says so.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What is answered where.
pub(super) struct Routes {
    pub(super) all: Router,
    /// Beyond the cap.
    pub(super) reserve: Router,
}

/// Serves until `stop`, then lets the requests in flight finish.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Routes,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    metrics::connection_limit(limits.most);
    let server = Server {
        routes,
        free: Arc::new(Semaphore::new(limits.most)),
        stopping: CancellationToken::new(),
        connections: TaskTracker::new(),
        limits,
    };
    tokio::select! {
        () = server.accept(&listener) => {}
        () = stop => {}
    }
    // Whoever connects from here on is refused by the system, and tries another replica.
    drop(listener);
    server.stopping.cancel();
    server.connections.close();
    server.connections.wait().await;
}

struct Server {
    routes: Routes,
    /// A permit for each connection that may be served.
    free: Arc<Semaphore>,
    stopping: CancellationToken,
    connections: TaskTracker,
    limits: ConnectionLimits,
}

impl Server {
    async fn accept(&self, listener: &TcpListener) {
        let mut reserve = Reserve::default();
        let mut told: Option<Instant> = None;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.take(stream, &mut reserve).await,
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    metrics::accept_failed();
                    if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
                        tracing::error!(error = %with_sources(&error), "no connection can be accepted");
                        told = Some(Instant::now());
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn take(&self, stream: TcpStream, reserve: &mut Reserve) {
        // Small answers must not wait for more bytes to fill a packet.
        let _slower_at_worst = stream.set_nodelay(true);
        let stopping = self.stopping.clone();
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            metrics::connection_refused();
            let connection = self.connection(stream, &self.routes.reserve, |http| {
                http.keep_alive(false)
                    .header_read_timeout(self.limits.head_within.min(HEAD_WITHIN_IN_A_CROWD));
            });
            let answered = tokio::time::timeout(RESERVE_WITHIN, run(connection, stopping));
            let task = self.connections.spawn(async { drop(answered.await) });
            return reserve.put(task).await;
        };
        let few_are_free = self.free.available_permits() < self.limits.most / 4;
        let head_within = if few_are_free {
            self.limits.head_within.min(HEAD_WITHIN_IN_A_CROWD)
        } else {
            self.limits.head_within
        };
        let connection = self.connection(stream, &self.routes.all, |http| {
            http.header_read_timeout(head_within);
        });
        self.connections.spawn(async move {
            let _open = metrics::ConnectionOpen::new();
            let _permit = permit;
            run(connection, stopping).await;
        });
    }

    fn connection(
        &self,
        stream: TcpStream,
        routes: &Router,
        set: impl FnOnce(&mut http1::Builder),
    ) -> Connection {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).max_buf_size(LARGEST_HEAD);
        set(&mut http);
        let stream = TokioIo::new(WriteTimeout::new(stream, self.limits.read_within));
        http.serve_connection(stream, TowerToHyperService::new(routes.clone()))
    }
}

type Connection = http1::Connection<TokioIo<WriteTimeout<TcpStream>>, TowerToHyperService<Router>>;

/// Answers what comes on a connection until it ends; once the server stops, only what has begun.
async fn run(connection: Connection, stopping: CancellationToken) {
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        metrics::connection_failed(if error.is_timeout() {
            "timeout"
        } else {
            "broken"
        });
        tracing::trace!(error = %with_sources(&error), "a connection failed");
    }
}

/// The connections beyond the cap, the oldest first.
#[derive(Default)]
struct Reserve(VecDeque<JoinHandle<()>>);

impl Reserve {
    async fn put(&mut self, connection: JoinHandle<()>) {
        self.0.retain(|connection| !connection.is_finished());
        if self.0.len() >= RESERVE
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
            // Until its file is closed: connections may come faster than tasks end.
            let _aborted = oldest.await;
        }
        self.0.push_back(connection);
    }
}

/// Whether only this connection went wrong, before it was taken.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
