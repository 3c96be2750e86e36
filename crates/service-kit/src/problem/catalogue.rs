//! The problems that mean the same at every service.

use std::borrow::Cow;
use std::error::Error;

use axum::http::StatusCode;

use super::{Problem, bearer_challenge};

impl Problem {
    /// 400: the request cannot be read, or breaks the call's rules.
    pub fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The request is not valid",
        )
        .detail(detail)
    }

    /// 401: nobody known is calling.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        let (name, value) = bearer_challenge();
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "A valid bearer token is needed",
        )
        .detail(detail)
        .header(name, value)
    }

    /// 403: the caller is known and may not do this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "The caller may not do this",
        )
        .detail(detail)
    }

    /// 404: there is no such thing, or not for this caller.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing").detail(detail)
    }

    /// 409: somebody else kept changing the same thing.
    pub fn concurrent_change() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "concurrent_change",
            "It was changed at the same time",
        )
        .detail("somebody else changed it at the same time; read it again and decide anew")
    }

    /// 410: it was there and is over.
    pub fn gone(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, "gone", "It is over").detail(detail)
    }

    /// 429: too many calls; when to try again.
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests",
        )
        .retry_after(retry_after)
    }

    /// 502: Microsoft answered something nobody can use.
    pub fn microsoft_nonsense() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "microsoft_unavailable",
            "Microsoft gave no usable answer",
        )
    }

    /// 503: Microsoft did not answer; when to try again.
    pub fn microsoft_unavailable(retry_after: u32) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "microsoft_unavailable",
            "Microsoft cannot be reached",
        )
        .retry_after(retry_after)
    }

    /// 503: the event log did not answer; when to try again.
    pub fn event_log_unavailable(retry_after: u32) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "event_log_unavailable",
            "The event log cannot be reached",
        )
        .retry_after(retry_after)
    }

    /// 504: the view has not reached the position asked for.
    pub fn not_yet_applied() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "not_yet_applied",
            "The position asked for is not applied yet",
        )
        .retry_after(1)
    }

    /// 500: our mistake. The cause goes to the log.
    pub fn bug(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::internal_error().internal(error)
    }

    /// 500 without a cause to log.
    pub(crate) fn internal_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong here",
        )
    }

    /// 503: the keys that would prove a token cannot be had.
    pub(crate) fn host_keys_unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "host_keys_unavailable",
            "The keys that prove a token cannot be fetched",
        )
        .retry_after(2)
    }
}
