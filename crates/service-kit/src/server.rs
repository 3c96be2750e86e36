//! Serving HTTP: bind, announce, answer, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::json;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::problem::Problem;
use crate::runtime::Runtime;
use crate::{extract, metrics, request};

mod connections;
mod impatient;
mod limits;

pub use limits::ConnectionLimits;

/// How large a request's body may be unless a route says otherwise.
pub const BODY_LIMIT: usize = 64 * 1024;

/// How long requests in flight may take once the program shall stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Why a program does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address wanted.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Listens, answers until the runtime's shutdown, then lets the requests in
/// flight finish.
///
/// Adds `/livez`, `/readyz`, `/metrics`, the answers for unknown routes and
/// methods, and all that every answer has in common (see [`surrounded`]).
pub async fn serve(
    runtime: &Runtime,
    listen: SocketAddr,
    router: Router,
    health: Health,
) -> Result<(), ServeError> {
    bind(listen).await?.serve(runtime, router, health).await
}

/// Takes the port without answering on it yet.
pub async fn bind(listen: SocketAddr) -> Result<Bound, ServeError> {
    let failed = |source| ServeError::Bind {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound {
        listener,
        address,
        limits: ConnectionLimits::for_this_process(None, ConnectionLimits::default().head_within),
    })
}

/// A port that is taken; the address is known even where any port was asked for.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    limits: ConnectionLimits,
}

impl Bound {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same port, with these limits on what connects to it.
    #[must_use]
    pub fn limited(self, limits: ConnectionLimits) -> Self {
        Self { limits, ..self }
    }

    /// Answers until the runtime's shutdown; see [`serve`].
    pub async fn serve(
        self,
        runtime: &Runtime,
        router: Router,
        health: Health,
    ) -> Result<(), ServeError> {
        metrics::install();
        runtime.now_serving();
        runtime.spawn(fold_metrics(runtime.clone()));
        let answered = connections::Routes {
            all: surrounded(router.merge(observation(health.clone()))),
            reserve: around(observation(health.clone()).fallback(async || crowded())),
        };
        let drain = {
            let (runtime, health) = (runtime.clone(), health);
            async move {
                runtime.shutdown_requested().await;
                health.drain();
            }
        };
        tracing::info!(address = %self.address, connections = self.limits.most, "listening");
        let server = connections::serve(self.listener, answered, self.limits, drain);
        within_drain(runtime, server).await;
        Ok(())
    }
}

/// A router with everything around it that every answer has in common: request
/// id, span, metrics, time and size limits, problems, security headers.
///
/// [`serve`] does this; tests that call a router directly do it themselves.
pub fn surrounded(router: Router) -> Router {
    around(
        router
            .fallback(extract::unknown_route)
            .method_not_allowed_fallback(extract::method_not_allowed),
    )
}

fn around(router: Router) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(request::surround))
}

/// Liveness, readiness and metrics.
fn observation(health: Health) -> Router {
    let exposition = "text/plain; version=0.0.4; charset=utf-8";
    Router::new()
        .route("/livez", get(async || Json(json!({"status": "ok"}))))
        .route("/readyz", get(async move || health.readiness()))
        .route(
            "/metrics",
            get(async move || ([(CONTENT_TYPE, exposition)], metrics::render())),
        )
}

/// The answer where the program serves as many connections as it can, for all but those who watch it.
fn crowded() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_connections",
        "Too many connections are open",
    )
    .retry_after(2)
}

async fn within_drain(runtime: &Runtime, server: impl Future<Output = ()>) {
    let too_long = async {
        runtime.shutdown_requested().await;
        tokio::time::sleep(DRAIN_WITHIN).await;
    };
    tokio::select! {
        () = server => {}
        () = too_long => {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
    }
}

async fn fold_metrics(runtime: Runtime) {
    let mut tick = tokio::time::interval(metrics::UPKEEP_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => metrics::upkeep(),
            () = runtime.shutdown_requested() => return,
        }
    }
}
