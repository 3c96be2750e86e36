//! The ids by which a request to Entra is found again: its own, and the caller's.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

const OURS: HeaderName = HeaderName::from_static("x-ms-request-id");
const CALLERS: HeaderName = HeaderName::from_static("client-request-id");

/// Puts both onto every answer. What an error names as its `trace_id` stays.
pub(crate) async fn put_on(request: Request, next: Next) -> Response {
    let callers = request.headers().get(CALLERS).cloned();
    let mut response = next.run(request).await;
    if !response.headers().contains_key(OURS) {
        name(&mut response, Uuid::new_v4());
    }
    if let Some(callers) = callers {
        response.headers_mut().insert(CALLERS, callers);
    }
    response
}

/// Says what an answer is called by us.
pub(crate) fn name(response: &mut Response, id: Uuid) {
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(OURS, id);
    }
}
