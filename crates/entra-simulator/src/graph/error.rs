//! Errors as Graph tells them.

use super::request_ids::RequestIds;
use crate::clock;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// Segments of Graph that a host application may well ask for, and that are not played.
const UNPLAYED: [&str; 14] = [
    "$batch",
    "calendarGroups",
    "drive",
    "groups",
    "mailboxSettings",
    "manager",
    "memberOf",
    "outlook",
    "people",
    "photo",
    "photos",
    "subscriptions",
    "todo",
    "users",
];

pub(super) struct GraphError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `WWW-Authenticate`, for a client that can do something about it.
    challenge: Option<String>,
}

impl GraphError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            challenge: None,
        }
    }

    pub(super) fn challenging(self, challenge: String) -> Self {
        Self {
            challenge: Some(challenge),
            ..self
        }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// There is no such part of an address. What Graph has and the simulator does not is said to be that.
    pub(super) fn no_segment(segment: &str) -> Self {
        if UNPLAYED.contains(&segment) {
            return Self::unplayed(segment);
        }
        let message = format!("Resource not found for the segment '{segment}'.");
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// Something that Graph knows, and the simulator does not: it says so rather than pass over it.
    pub(super) fn unplayed(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("The simulator does not play '{what}' here."),
        )
    }

    pub(super) fn no_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    pub(super) fn no_property(name: &str, kind: &str) -> Self {
        let message = format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
             'microsoft.graph.{kind}'."
        );
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn nobody_is_me() -> Self {
        let message = "/me request is only valid with delegated authentication flow.";
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn denied() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message,
        )
    }
}

impl GraphError {
    pub(super) fn told(self, ids: &RequestIds) -> Response {
        let callers = ids.callers.to_str().unwrap_or_default();
        let date = clock::timestamp_text(clock::system_now()).replace(' ', "T");
        let date = date.trim_end_matches('Z');
        let inner = json!({
            "date": date, "request-id": ids.ours, "client-request-id": callers,
        });
        let error = json!({ "code": self.code, "message": self.message, "innerError": inner });
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        let challenge = self.challenge.map(HeaderValue::try_from);
        if let Some(Ok(challenge)) = challenge {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
