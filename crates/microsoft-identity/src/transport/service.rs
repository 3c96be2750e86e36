//! Calls of one service: when they are repeated, and what is counted.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rand::Rng as _;
use reqwest::header::{DATE, HeaderMap};
use reqwest::{Method, Request};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};
use url::Url;

use super::circuit::CallOutcome;
use super::gate::Gate;
use super::response::{Received, Response};
use super::{CallError, retry_after};
use crate::health::{HealthReporter, ServiceName};
use crate::metrics;

/// Microsoft's largest answer that we read, a key set, is a few dozen kilobytes.
const LARGEST_BODY: usize = 1024 * 1024;

const MOST_ATTEMPTS: u32 = 3;

/// The longest pause before the second attempt; it doubles from there. Which part of it is waited is left to chance,
/// so that many callers do not come back all at once.
const BACKOFF: Duration = Duration::from_millis(200);

/// One service of Microsoft's. Clones share its gate.
#[derive(Clone)]
pub(crate) struct Service(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    patience: Duration,
    gate: Gate,
}

impl Service {
    pub(super) fn new(
        name: ServiceName,
        http: reqwest::Client,
        patience: Duration,
        health: HealthReporter,
    ) -> Self {
        Self(Arc::new(Inner {
            http,
            patience,
            gate: Gate::new(name, health),
        }))
    }

    /// When an operation that begins now has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.0.patience
    }

    /// A GET, which is repeated where that may help.
    pub(crate) async fn get(
        &self,
        address: &Url,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        self.call(self.request(address, None)?, deadline).await
    }

    /// A GET with a bearer token, which is repeated where that may help.
    pub(crate) async fn get_as(
        &self,
        address: &Url,
        bearer: &str,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let request = self.request(address, Some(bearer))?;
        self.call(request, deadline).await
    }

    fn request(&self, address: &Url, bearer: Option<&str>) -> Result<Request, CallError> {
        let mut request = self
            .0
            .http
            .get(address.clone())
            .header("accept", "application/json");
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        request
            .build()
            .map_err(|error| CallError::Request(error.into()))
    }

    /// For the token endpoint: once anything was sent it is not repeated, because a code can be redeemed only once.
    pub(crate) async fn post_once(
        &self,
        request: oauth2::HttpRequest,
        deadline: Instant,
    ) -> Result<oauth2::HttpResponse, CallError> {
        let request =
            Request::try_from(request).map_err(|error| CallError::Request(error.into()))?;
        let answer = self.call(request, deadline).await?;
        if (300..400).contains(&answer.status) {
            return Err(CallError::Redirected);
        }
        oauth2::http::Response::builder()
            .status(answer.status)
            .body(answer.body)
            .map_err(|error| CallError::Request(error.into()))
    }

    async fn call(&self, request: Request, deadline: Instant) -> Result<Response, CallError> {
        let mut longest_pause = BACKOFF;
        for attempt in 1..MOST_ATTEMPTS {
            let error = match self.attempt(attempt, &request, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let asked = error.retry_after();
            let pause =
                asked.unwrap_or_else(|| rand::rng().random_range(Duration::ZERO..=longest_pause));
            if !may_be_repeated(&request, &error) || Instant::now() + pause >= deadline {
                return Err(error);
            }
            // Whoever is to wait does so at the gate, with all others.
            if asked.is_none() {
                tokio::time::sleep(pause).await;
            }
            longest_pause = longest_pause.saturating_mul(2);
        }
        self.attempt(MOST_ATTEMPTS, &request, deadline).await
    }

    async fn attempt(
        &self,
        number: u32,
        request: &Request,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let gate = &self.0.gate;
        let result = match gate.pass(deadline).await {
            Ok(permit) => {
                if number > 1 {
                    metrics::count_retry(&gate.label);
                }
                let begun = Instant::now();
                let span = span(&gate.label, number, request);
                let receiving = self.receive(request).instrument(span.clone());
                let received = tokio::time::timeout_at(deadline, receiving)
                    .await
                    .unwrap_or(Err(CallError::TimedOut));
                if let Ok(received) = &received {
                    span.record("http.response.status_code", received.response.status);
                }
                metrics::record_duration(&gate.label, begun.elapsed());
                let (result, outcome) = match received {
                    Ok(received) => {
                        if let Some(pause) = received.retry_after {
                            gate.pause(pause);
                        }
                        received.classify(*request.method() == Method::GET)
                    }
                    Err(error @ (CallError::TooLarge | CallError::Request(_))) => {
                        (Err(error), CallOutcome::Inconclusive)
                    }
                    Err(error) => (Err(error), CallOutcome::Failed),
                };
                permit.settle(outcome);
                result
            }
            Err(error) => Err(error),
        };
        metrics::count_request(&gate.label, outcome_label(&result));
        result
    }

    async fn receive(&self, request: &Request) -> Result<Received, CallError> {
        let request = request
            .try_clone()
            .ok_or_else(|| CallError::Request("its body cannot be sent twice".into()))?;
        let mut response = self.0.http.execute(request).await.map_err(call_error)?;
        let status = response.status().as_u16();
        note_clock(response.headers(), SystemTime::now());
        let retry_after = match status {
            429 | 503 => retry_after::requested_pause(response.headers(), SystemTime::now()),
            _ => None,
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(call_error)? {
            if body.len().saturating_add(chunk.len()) > LARGEST_BODY {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Received {
            response: Response { status, body },
            retry_after,
        })
    }
}

/// The span of one request. It says which service is asked and not what: addresses hold tenants and users.
fn span(service: &str, attempt: u32, request: &Request) -> Span {
    let method = request.method();
    tracing::info_span!(
        "call",
        otel.name = %format_args!("{method} {service}"),
        otel.kind = "client",
        http.request.method = %method,
        http.request.resend_count = attempt.saturating_sub(1),
        server.address = request.url().host_str(),
        http.response.status_code = tracing::field::Empty,
    )
}

/// Compares our clock with the one that the answer was made by.
fn note_clock(headers: &HeaderMap, now: SystemTime) {
    let said = headers.get(DATE).and_then(|date| date.to_str().ok());
    if let Some(then) = said.and_then(|date| httpdate::parse_http_date(date).ok()) {
        metrics::set_clock_offset(then, now);
    }
}

/// A GET may be, where that can help. Anything else only if it never left.
fn may_be_repeated(request: &Request, error: &CallError) -> bool {
    match error {
        CallError::NotConnected(_) => true,
        CallError::Broken(_) | CallError::Unavailable(_) | CallError::Throttled { .. } => {
            request.method() == Method::GET
        }
        CallError::TimedOut
        | CallError::CircuitOpen { .. }
        | CallError::TooLarge
        | CallError::Redirected
        | CallError::Request(_) => false,
    }
}

/// The outcome of a call as a metric's label.
fn outcome_label(result: &Result<Response, CallError>) -> &'static str {
    match result {
        Ok(answer) if answer.status < 400 => "answered",
        Ok(_) => "refused",
        Err(CallError::TimedOut) => "timed_out",
        Err(CallError::NotConnected(_) | CallError::Broken(_)) => "unreachable",
        Err(CallError::Unavailable(429) | CallError::Throttled { .. }) => "throttled",
        Err(CallError::Unavailable(_)) => "unavailable",
        Err(CallError::CircuitOpen { .. }) => "circuit_open",
        Err(CallError::TooLarge | CallError::Redirected | CallError::Request(_)) => "nonsense",
    }
}

fn call_error(error: reqwest::Error) -> CallError {
    // The address may carry a code or a filter: it has no place in an error.
    let error = error.without_url();
    if error.is_connect() {
        CallError::NotConnected(error.into())
    } else if error.is_timeout() {
        CallError::TimedOut
    } else {
        CallError::Broken(error.into())
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.0.gate.label).finish()
    }
}
