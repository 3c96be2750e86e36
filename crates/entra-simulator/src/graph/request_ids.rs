//! The ids by which a request is found again: ours, and the caller's own.

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use uuid::Uuid;

const OURS: &str = "request-id";
const CALLERS: &str = "client-request-id";

/// Both, for one request.
pub(super) struct RequestIds {
    pub(super) ours: Uuid,
    /// As the caller named it; ours where they named none.
    pub(super) callers: HeaderValue,
}

impl RequestIds {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let ours = Uuid::new_v4();
        let named = headers.get(CALLERS).cloned();
        let callers = named.or_else(|| HeaderValue::try_from(ours.to_string()).ok());
        Self {
            ours,
            callers: callers.unwrap_or_else(|| HeaderValue::from_static("")),
        }
    }

    pub(super) fn put_onto(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if let Ok(ours) = HeaderValue::try_from(self.ours.to_string()) {
            headers.insert(OURS, ours);
        }
        headers.insert(CALLERS, self.callers.clone());
    }
}
