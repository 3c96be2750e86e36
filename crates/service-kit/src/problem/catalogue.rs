//! Problems of the domain, until they are where they belong.

use axum::http::StatusCode;

use super::Problem;

impl Problem {
    /// 409: somebody else kept changing the same thing.
    pub fn concurrent_change() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "concurrent_change",
            "It was changed at the same time",
        )
        .detail("somebody else changed it at the same time; read it again and decide anew")
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
}
