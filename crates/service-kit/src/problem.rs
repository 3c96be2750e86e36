//! Errors as RFC 9457 `application/problem+json`.
//!
//! What the caller may read ([`Problem::detail`]) and what only the log may
//! hold ([`Problem::internal`]) are different things from the start. The
//! request middleware adds the request's id as `instance` and logs the internal
//! error, once.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::request::RequestId;

mod catalogue;

/// The media type of a problem.
const MEDIA_TYPE: &str = "application/problem+json";

/// A refusal or a failure, as the caller sees it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<Cow<'static, str>>,
    instance: Option<RequestId>,
    extensions: Vec<(&'static str, serde_json::Value)>,
    headers: HeaderMap,
    internal: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with its stable code (snake case) and its title.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title,
            detail: None,
            instance: None,
            extensions: Vec::new(),
            headers: HeaderMap::new(),
            internal: None,
        }))
    }

    /// Says more to the caller. The text is public: no secret, no value the
    /// caller did not send, no internal error.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a member of this problem's own, for programs that know what to do with it.
    pub fn extension(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.0.extensions.push((name, value.into()));
        self
    }

    /// Says after how many seconds trying again makes sense.
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Keeps the cause for the log; it never reaches the caller.
    pub fn internal(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.internal = Some(Arc::from(error.into()));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What the caller is told beyond the title.
    pub fn public_detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// After how many seconds trying again makes sense, if that is said.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        let seconds = self.0.headers.get(RETRY_AFTER)?;
        seconds.to_str().ok()?.parse().ok()
    }

    /// The cause kept for the log.
    pub fn internal_cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.internal.as_deref()
    }

    pub(crate) fn at(mut self, request: RequestId) -> Self {
        self.0.instance = Some(request);
        self
    }

    /// The JSON text of the answer.
    pub(crate) fn body(&self) -> String {
        // All of it has a JSON form already: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = &*self.0;
        let mut problem = serializer.serialize_map(None)?;
        problem.serialize_entry("type", &format_args!("/problems/{}", parts.code))?;
        problem.serialize_entry("title", parts.title)?;
        problem.serialize_entry("status", &parts.status.as_u16())?;
        if let Some(detail) = &parts.detail {
            problem.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &parts.instance {
            problem.serialize_entry("instance", &format_args!("{instance}"))?;
        }
        problem.serialize_entry("code", parts.code)?;
        for (name, value) in &parts.extensions {
            problem.serialize_entry(name, value)?;
        }
        problem.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        let mut response = (self.0.status, [content_type], self.body()).into_response();
        response.headers_mut().extend(self.0.headers.clone());
        // The middleware takes it from here: it knows the request's id.
        response.extensions_mut().insert(self);
        response
    }
}

/// The challenge every 401 carries.
fn bearer_challenge() -> (HeaderName, HeaderValue) {
    (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_problem_shows_its_public_half_only() {
        let cause = std::io::Error::other("password hunter2 refused");
        let problem = Problem::event_log_unavailable(3)
            .detail("try again")
            .extension("candidates", vec!["one", "two"])
            .internal(cause);
        assert!(problem.internal_cause().is_some());
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "3");
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
            json!({
                "type": "/problems/event_log_unavailable",
                "title": "The event log cannot be reached",
                "status": 503,
                "detail": "try again",
                "code": "event_log_unavailable",
                "candidates": ["one", "two"],
            })
        );
    }

    #[test]
    fn every_code_has_its_status() {
        for (problem, status, code) in [
            (Problem::invalid_request("x"), 400, "invalid_request"),
            (Problem::unauthenticated("x"), 401, "unauthenticated"),
            (Problem::forbidden("x"), 403, "forbidden"),
            (Problem::not_found("x"), 404, "not_found"),
            (Problem::concurrent_change(), 409, "concurrent_change"),
            (Problem::gone("x"), 410, "gone"),
            (Problem::too_many_requests(1), 429, "too_many_requests"),
            (Problem::microsoft_nonsense(), 502, "microsoft_unavailable"),
            (
                Problem::microsoft_unavailable(1),
                503,
                "microsoft_unavailable",
            ),
            (
                Problem::event_log_unavailable(1),
                503,
                "event_log_unavailable",
            ),
            (Problem::not_yet_applied(), 504, "not_yet_applied"),
            (Problem::internal_error(), 500, "internal_error"),
        ] {
            assert_eq!(problem.status().as_u16(), status);
            assert_eq!(problem.code(), code);
        }
    }
}
