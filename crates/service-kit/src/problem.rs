//! Errors as RFC 9457 `application/problem+json`.
//!
//! What the caller may read ([`Problem::detail`]) and what only the log may
//! hold ([`Problem::internal`]) are different things from the start. The
//! request middleware adds the request's id as `instance` and logs the internal
//! error, once.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::request_id::RequestId;

mod http;

pub use http::HttpProblem;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem type (RFC 9457): what is the same at every occurrence of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemType {
    /// The stable name, in snake case.
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// The code in words.
    pub title: &'static str,
    /// The seconds of `Retry-After`, where trying again helps and the occurrence does not know better.
    pub retry_after: Option<u32>,
}

impl From<(u16, &'static str, &'static str, Option<u32>)> for ProblemType {
    /// From status, code, title and `Retry-After`.
    fn from(definition: (u16, &'static str, &'static str, Option<u32>)) -> Self {
        let (status, code, title, retry_after) = definition;
        Self {
            code,
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            title,
            retry_after,
        }
    }
}

/// A refusal or a failure, as the caller sees it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    kind: ProblemType,
    detail: Option<Cow<'static, str>>,
    instance: Option<RequestId>,
    extensions: Vec<(&'static str, serde_json::Value)>,
    headers: HeaderMap,
    internal: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem of this type.
    pub fn new(kind: impl Into<ProblemType>) -> Self {
        let kind = kind.into();
        let problem = Self(Box::new(Parts {
            kind,
            detail: None,
            instance: None,
            extensions: Vec::new(),
            headers: HeaderMap::new(),
            internal: None,
        }));
        match kind.retry_after {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
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
        self.0.kind.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.kind.code
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
        problem.serialize_entry("type", &format_args!("/problems/{}", parts.kind.code))?;
        problem.serialize_entry("title", parts.kind.title)?;
        problem.serialize_entry("status", &parts.kind.status.as_u16())?;
        if let Some(detail) = &parts.detail {
            problem.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &parts.instance {
            problem.serialize_entry("instance", &format_args!("{instance}"))?;
        }
        problem.serialize_entry("code", parts.kind.code)?;
        for (name, value) in &parts.extensions {
            problem.serialize_entry(name, value)?;
        }
        problem.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        let mut response = (self.0.kind.status, [content_type], self.body()).into_response();
        response.headers_mut().extend(self.0.headers.clone());
        // The middleware takes it from here: it knows the request's id.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_problem_shows_its_public_half_only() {
        let cause = std::io::Error::other("password hunter2 refused");
        let problem = Problem::new(HttpProblem::Timeout)
            .retry_after(3)
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
                "type": "/problems/timeout",
                "title": "The answer took too long",
                "status": 503,
                "detail": "try again",
                "code": "timeout",
                "candidates": ["one", "two"],
            })
        );
    }
}
