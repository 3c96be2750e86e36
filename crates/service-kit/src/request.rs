//! What happens around every request, in one middleware.
//!
//! One place rather than six layers: each boxed layer costs a little on every
//! login, and the steps need one another (the problem needs the id, the span
//! needs the status).

use assent_metrics::service::ERRORS;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use tracing::{Instrument as _, Level, Span, field};

use crate::error_chain::with_sources;
use crate::error_pages::{ErrorPages, is_call, prefers_page};
use crate::metrics;
use crate::problem::{HttpProblem, Problem};
use crate::request_id::{HEADER, RequestId};
use crate::telemetry::{adopt_traceparent, spans_are_exported};

/// How long a handler may take.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Surrounds a handler with all that every answer has in common.
pub(crate) async fn surround(
    State(pages): State<Option<ErrorPages>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = RequestId::from_headers(request.headers());
    let told = RequestId::told(request.headers());
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let matched = route.as_ref().map(MatchedPath::as_str);
    let route = matched.unwrap_or("unmatched");
    request.extensions_mut().insert(id);
    let pages = pages.filter(|_| prefers_page(request.headers()) && !is_call(&request));

    // The target is the matched route: paths hold ids, queries codes and states.
    let span = tracing::error_span!(
        "request", id = %id.as_uuid().as_hyphenated(), otel.kind = "server",
        otel.name = %format_args!("{method}{}{}", if matched.is_some() { " " } else { "" }, matched.unwrap_or_default()),
        http.request.method = method, http.route = matched,
        http.response.status_code = field::Empty, otel.status_code = field::Empty, duration_ms = field::Empty,
    );
    if let Some(traceparent) = request
        .headers()
        .get("traceparent")
        .and_then(|text| text.to_str().ok())
    {
        adopt_traceparent(&span, traceparent);
    }

    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request));
    let outcome = AssertUnwindSafe(answer)
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(_elapsed)) => Problem::new(HttpProblem::Timeout).into_response(),
        Err(panic) => panicked(panic.as_ref()).into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        log_problem(&problem, &span);
        let is_page = pages.is_some_and(|pages| pages.render_into(&problem, &mut response));
        if !is_page {
            *response.body_mut() = Body::from(problem.at(id).body());
        }
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    add_headers(id, told, &mut response);
    report(method, route, response.status(), began.elapsed(), &span);
    response
}

/// Puts the cause into the log.
fn log_problem(problem: &Problem, span: &Span) {
    let _entered = span.enter();
    let code = problem.code();
    ERRORS.with(["http", code]).increment(1);
    match problem.internal_cause() {
        Some(cause) if problem.status().is_server_error() => {
            tracing::error!(code, error = %with_sources(cause), "failed");
        }
        Some(cause) => tracing::info!(code, error = %with_sources(cause), "refused"),
        None => tracing::debug!(code, "refused"),
    }
}

fn add_headers(id: RequestId, told: Option<HeaderValue>, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let id = told.map_or_else(
        || HeaderValue::from_str(id.as_uuid().as_hyphenated().encode_lower(&mut [0; 36])),
        Ok,
    );
    if let Ok(id) = id {
        headers.insert(HEADER, id);
    }
}

fn report(method: &'static str, route: &str, status: StatusCode, took: Duration, span: &Span) {
    let milliseconds = took.as_secs_f64() * 1000.0;
    // Each field that a span is given later has its log form read and written anew: not for a span that nobody sees.
    if spans_are_exported() || status.is_server_error() || tracing::enabled!(Level::DEBUG) {
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        span.record("duration_ms", milliseconds);
    }
    metrics::http_request(method, route, status.as_u16(), took);
    // One line per answered request would cost more than most answers; the
    // metrics count those, the log speaks of failures.
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::warn!(
            status = status.as_u16(),
            duration_ms = milliseconds,
            "answered"
        );
    } else {
        tracing::debug!(
            status = status.as_u16(),
            duration_ms = milliseconds,
            "answered"
        );
    }
}

/// The payload of a panic may quote what the caller sent, so only text written
/// in the program is kept.
fn panicked(payload: &(dyn Any + Send)) -> Problem {
    let message = payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("see the panic message before this line");
    Problem::bug(format!("the handler panicked: {message}"))
}

/// The methods there are; what a caller invents must not become a metric.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
