//! The problems that are of HTTP itself, and mean the same at every service.

use std::borrow::Cow;
use std::error::Error;

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};

use super::{Problem, ProblemType};

macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident = $status:ident, $code:literal, $title:literal $(, retry after $seconds:literal)?;)+) => {
        /// A problem of HTTP itself: with the request as such, with who sends it, or with answering at all.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum HttpProblem {
            $($(#[$doc])* $variant,)+
        }

        impl HttpProblem {
            /// Every problem of HTTP itself.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];
        }

        impl From<HttpProblem> for ProblemType {
            fn from(problem: HttpProblem) -> Self {
                match problem {
                    $(HttpProblem::$variant => Self {
                        code: $code,
                        status: StatusCode::$status,
                        title: $title,
                        retry_after: [$($seconds)?].first().copied(),
                    },)+
                }
            }
        }
    };
}

problem_types! {
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
    /// The body is larger than [`BODY_LIMIT`](crate::BODY_LIMIT).
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large";
    /// The body is in another format than the call takes.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's media type is not taken here";
    /// A fault of ours.
    InternalError = INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong here";
    /// The keys that would prove a bearer token can't be fetched.
    HostKeysUnavailable = SERVICE_UNAVAILABLE, "host_keys_unavailable",
        "The keys that prove a token cannot be fetched", retry after 2;
    /// The answer took too long.
    Timeout = SERVICE_UNAVAILABLE, "timeout", "The answer took too long", retry after 5;
    /// The program serves as much as it can.
    TooManyConnections = SERVICE_UNAVAILABLE, "too_many_connections", "Too many connections are open", retry after 2;
}

impl Problem {
    /// 400: the request cannot be read, or breaks the call's rules.
    pub fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HttpProblem::InvalidRequest).detail(detail)
    }

    /// 401, with the challenge: nobody known is calling.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HttpProblem::Unauthenticated)
            .detail(detail)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the caller is known and may not do this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HttpProblem::Forbidden).detail(detail)
    }

    /// 404: there is no such thing, or not for this caller.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HttpProblem::NotFound).detail(detail)
    }

    /// 500: our mistake. The cause goes to the log.
    pub fn bug(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(HttpProblem::InternalError).internal(error)
    }
}
