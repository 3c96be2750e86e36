//! Serving HTTP: bind, announce, answer, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, STRICT_TRANSPORT_SECURITY};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::json;
use tokio::net::TcpListener;

use crate::config::ListenAddress;
use crate::error_pages::{self, ErrorPages};
use crate::health::Health;
use crate::problem::{HttpProblem, Problem};
use crate::runtime::Runtime;
use crate::{extract, metrics, request, systemd};

mod connections;
mod limits;
mod write_timeout;

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

/// Where a program answers, and what it says of itself in each answer.
#[derive(Debug, Clone, Copy)]
pub struct Listen {
    /// Where.
    pub address: SocketAddr,
    /// Where the metrics are, if they are not to be where everything else is.
    pub metrics: Option<SocketAddr>,
    /// Whether the world knows this program by an https address: then browsers are told to come by
    /// no other.
    pub is_https: bool,
}

impl From<ListenAddress> for Listen {
    fn from(address: ListenAddress) -> Self {
        SocketAddr::from(address).into()
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            metrics: None,
            is_https: false,
        }
    }
}

/// Listens, answers until the runtime's shutdown, then lets the requests in
/// flight finish.
///
/// Adds `/livez`, `/readyz`, `/metrics` (on a port of its own, if it has one), the answers for unknown routes and
/// methods, and all that every answer has in common (see `with_middleware_and_fallbacks`).
pub async fn serve(
    runtime: &Runtime,
    listen: impl Into<Listen>,
    router: Router,
    health: Health,
) -> Result<(), ServeError> {
    bind(listen).await?.serve(runtime, router, health).await
}

/// Takes the ports without answering on them yet.
pub async fn bind(listen: impl Into<Listen>) -> Result<Bound, ServeError> {
    let listen = listen.into();
    let (listener, address) = take(listen.address).await?;
    let metrics = match listen.metrics {
        Some(metrics) => Some(take(metrics).await?),
        None => None,
    };
    Ok(Bound {
        listener,
        address,
        metrics,
        is_https: listen.is_https,
        limits: ConnectionLimits::for_this_process(None, ConnectionLimits::default().head_within),
        pages: None,
    })
}

async fn take(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Bind {
        address: wanted,
        source,
    };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A port that is taken; the address is known even where any port was asked for.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<(TcpListener, SocketAddr)>,
    is_https: bool,
    limits: ConnectionLimits,
    pages: Option<ErrorPages>,
}

impl Bound {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Limits what connects to the port.
    #[must_use]
    pub fn limited(self, limits: ConnectionLimits) -> Self {
        Self { limits, ..self }
    }

    /// Answers people with pages.
    #[must_use]
    pub fn with_error_pages(self, pages: ErrorPages) -> Self {
        Self {
            pages: Some(pages),
            ..self
        }
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
        runtime.spawn(systemd::tell(health.clone(), runtime.clone()));
        let (mut watched, metrics) = (observation(health.clone()), self.metrics);
        if metrics.is_none() {
            watched = watched.merge(exposition());
        }
        let by_https = |router: Router| {
            if self.is_https {
                router.layer(middleware::map_response(by_https_only))
            } else {
                router
            }
        };
        let answered = connections::Routes {
            all: by_https(with_middleware_and_fallbacks(
                router.merge(watched.clone()),
                self.pages.clone(),
            )),
            reserve: by_https(with_middleware(
                watched.fallback(async || Problem::new(HttpProblem::TooManyConnections)),
                self.pages,
            )),
        };
        if let Some((listener, address)) = metrics {
            tracing::info!(%address, "metrics have a port of their own");
            let shown = connections::Routes {
                all: with_middleware_and_fallbacks(exposition(), None),
                reserve: with_middleware(
                    exposition().fallback(async || Problem::new(HttpProblem::TooManyConnections)),
                    None,
                ),
            };
            let stop = runtime.shutdown_token().cancelled_owned();
            runtime.spawn(connections::serve(listener, shown, self.limits, stop));
        }
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
fn with_middleware_and_fallbacks(router: Router, pages: Option<ErrorPages>) -> Router {
    let exact = router
        .fallback(extract::unknown_route)
        .method_not_allowed_fallback(extract::method_not_allowed);
    let all = match &pages {
        Some(pages) => error_pages::with_lenient_paths(exact, pages),
        None => exact,
    };
    with_middleware(all, pages)
}

fn with_middleware(router: Router, pages: Option<ErrorPages>) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(pages, request::surround))
}

/// Liveness and readiness.
fn observation(health: Health) -> Router {
    Router::new()
        .route("/livez", get(async || Json(json!({"status": "ok"}))))
        .route("/readyz", get(async move || health.readiness()))
}

/// Metrics.
fn exposition() -> Router {
    let text = "text/plain; version=0.0.4; charset=utf-8";
    Router::new().route(
        "/metrics",
        get(async move || ([(CONTENT_TYPE, text)], metrics::render())),
    )
}

/// For a year, of this host alone: what else lives under the domain is not ours to say.
async fn by_https_only(mut response: Response) -> Response {
    let year = HeaderValue::from_static("max-age=31536000");
    response
        .headers_mut()
        .insert(STRICT_TRANSPORT_SECURITY, year);
    response
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
