//! What was begun is brought to its end, whether or not whoever asked still listens.
//!
//! A server drops a handler when its client hangs up or when a request takes too long: after a code was spent and before
//! what it is good for was recorded, for example. So every request that may change something is handled in a task of its
//! own, in the request's span; the program waits for these tasks when it stops. Reads are dropped with their requests.

use std::time::Duration;

use assent_service_kit::{BODY_LIMIT, Problem, Runtime};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::{Shared, only_people, pages};
use crate::gateway::Gateway;

/// How long a browser waits for the end before it is told that the work goes on: a little less than a request has.
const TOLD_AFTER: Duration = Duration::from_secs(12);
/// How long the work may go on. Each call that it makes has a deadline of its own, so this ends what nobody foresaw.
const AT_MOST: Duration = Duration::from_mins(1);

/// The middleware.
pub(super) async fn bring(
    State((shared, runtime)): State<(Shared, Runtime)>,
    request: Request,
    next: Next,
) -> Response {
    if only_people::is_pure_read(&request) {
        return next.run(request).await;
    }
    // Whoever sends half a body is waited for no longer than the request has.
    let request = match whole(request).await {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let visitor = Visitor::of(&request);
    let (done, answer) = oneshot::channel();
    let work = async move {
        let answered = tokio::time::timeout(AT_MOST, next.run(request)).await;
        let Ok(response) = answered else {
            tracing::error!("what was begun did not come to its end in time, and was dropped");
            return;
        };
        if let Err(unheard) = done.send(response) {
            tracing::info!(
                status = unheard.status().as_u16(),
                "done, though whoever asked for it has gone"
            );
        }
    };
    runtime.spawn(work.in_current_span());
    match tokio::time::timeout(TOLD_AFTER, answer).await {
        Ok(Ok(response)) => response,
        // It panicked, and has said so.
        Ok(Err(_)) => Problem::bug("the handler did not come to its end").into_response(),
        Err(_) => visitor.told_that_it_goes_on(&shared.gateway),
    }
}

/// The request with its body as it was sent. Of one that is too large only so much that the handler sees it is.
async fn whole(request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let (mut sent, mut read) = (body.into_data_stream(), Vec::new());
    while let Some(bytes) = sent.next().await {
        match bytes {
            Ok(bytes) => read.extend_from_slice(&bytes),
            Err(_) => {
                return Err(Problem::invalid_request("the body could not be read").into_response());
            }
        }
        if read.len() > BODY_LIMIT {
            break;
        }
    }
    Ok(Request::from_parts(parts, Body::from(read)))
}

/// Whoever waits for an answer.
struct Visitor {
    /// Where the same can be asked by following a link.
    again: Option<String>,
    /// Whether it may be asked again without a person's doing.
    is_a_visit: bool,
    wants_a_page: bool,
}

impl Visitor {
    fn of(request: &Request) -> Self {
        Self {
            again: page_of(request.uri().path()),
            is_a_visit: request.method() == Method::GET,
            wants_a_page: pages::wants_a_page(request.headers()),
        }
    }

    fn told_that_it_goes_on(self, gateway: &Gateway) -> Response {
        if !self.wants_a_page {
            return Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "timeout",
                "The answer took too long",
            )
            .detail("it is being worked on all the same; ask how it went")
            .retry_after(5)
            .into_response();
        }
        let says = (
            "Just a moment",
            "This takes longer than usual. It goes on by itself, and is not lost if you leave.",
        );
        let address = self.again.as_deref().unwrap_or_default();
        let way_on = pages::WayOn {
            address,
            words: "Look again",
        };
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut page = pages::message_leading_on(gateway, status, says, way_on);
        if self.is_a_visit {
            let headers = page.headers_mut();
            headers.insert(REFRESH, HeaderValue::from_static("2"));
        }
        page
    }
}

/// The page that a form was on, where the form has an address of its own.
fn page_of(path: &str) -> Option<String> {
    let at = path.find("/settings/")?;
    let mut parts = path.get(at..)?.split('/').skip(2);
    let page = parts.next()?;
    Some(format!("{}/settings/{page}", path.get(..at)?))
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn a_form_of_the_settings_leads_back_to_its_page() {
        for (form, page) in [
            (
                "/settings/account/administrator-links/x/cancellation",
                Some("/settings/account"),
            ),
            (
                "/consent/settings/company/method",
                Some("/consent/settings/company"),
            ),
            ("/hand-off/x", None),
        ] {
            assert_eq!(page_of(form).as_deref(), page);
        }
    }
}
