//! The problems that are of HTTP itself, and mean the same at every service.

use std::borrow::Cow;
use std::error::Error;

use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;

use super::Problem;

crate::problem_types! {
    /// A problem of HTTP itself: with the request as such, with who sends it, or with answering at all.
    pub enum HttpProblem {
        /// The request can't be read, or breaks the call's rules.
        InvalidRequest = BAD_REQUEST, "invalid_request", "The request is not valid";
        /// Nobody known is calling.
        Unauthenticated = UNAUTHORIZED, "unauthenticated", "A valid bearer token is needed";
        /// The caller is known and may not do this.
        Forbidden = FORBIDDEN, "forbidden", "The caller may not do this";
        /// There is no such thing, or not for this caller.
        NotFound = NOT_FOUND, "not_found", "There is no such thing";
        /// The path is there, and does not take this method.
        MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "The path does not take this method";
        /// What was asked for was there and is over.
        Gone = GONE, "gone", "It is over";
        /// The body is larger than [`BODY_LIMIT`](crate::BODY_LIMIT).
        PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large";
        /// The body is in another format than the call takes.
        UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's media type is not taken here";
        /// The caller does this too often.
        TooManyRequests = TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", retry after 60;
        /// A fault of ours.
        InternalError = INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong here";
        /// The keys that would prove a bearer token can't be fetched.
        HostKeysUnavailable = SERVICE_UNAVAILABLE, "host_keys_unavailable",
            "The keys that prove a token cannot be fetched", retry after 2;
        /// The answer took too long.
        Timeout = SERVICE_UNAVAILABLE, "timeout", "The answer took too long", retry after 5;
        /// The program serves as much as it can.
        TooManyConnections = SERVICE_UNAVAILABLE, "too_many_connections", "Too many connections are open",
            retry after 2;
    }
}

impl Problem {
    /// 400: the request cannot be read, or breaks the call's rules.
    pub fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::from(HttpProblem::InvalidRequest).detail(detail)
    }

    /// 401, with the challenge: nobody known is calling.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::from(HttpProblem::Unauthenticated)
            .detail(detail)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the caller is known and may not do this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::from(HttpProblem::Forbidden).detail(detail)
    }

    /// 404: there is no such thing, or not for this caller.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::from(HttpProblem::NotFound).detail(detail)
    }

    /// 410: it was there and is over.
    pub fn gone(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::from(HttpProblem::Gone).detail(detail)
    }

    /// 429: too many calls; when to try again.
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::from(HttpProblem::TooManyRequests).retry_after(retry_after)
    }

    /// 500: our mistake. The cause goes to the log.
    pub fn bug(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::from(HttpProblem::InternalError).internal(error)
    }
}
