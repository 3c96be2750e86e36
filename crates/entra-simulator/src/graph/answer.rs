//! What Graph answers when all is well.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

pub(super) enum Answer {
    Body(Value),
    Created(Value),
    /// It will be done.
    Accepted,
    /// It is done.
    Done,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Body(body) => Json(body).into_response(),
            Self::Created(body) => (StatusCode::CREATED, Json(body)).into_response(),
            Self::Accepted => StatusCode::ACCEPTED.into_response(),
            Self::Done => StatusCode::NO_CONTENT.into_response(),
        }
    }
}
