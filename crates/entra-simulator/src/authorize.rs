//! `/{tenant}/oauth2/v2.0/authorize`: sign-in, and a user's own consent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::aadsts::Surface;
use crate::authorization_request::AuthorizeRequest;
use crate::faults::Endpoint;
use crate::interaction;
use crate::pages;
use crate::screen::{PageRequest, Screen};
use crate::simulator::Simulator;
use crate::state::SimulatedState;

pub(crate) async fn page(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let browser = pages::browser(&headers);
    // A POST carries the same parameters as a form.
    let encoded = if body.is_empty() {
        query.unwrap_or_default()
    } else {
        String::from_utf8_lossy(&body).into_owned()
    };
    let screen = visit(
        &mut simulator.state(),
        &simulator.base_url,
        browser.id(),
        &segment,
        &encoded,
    );
    pages::show(&simulator, &browser, screen)
}

/// A browser arrives.
pub(crate) fn visit(
    state: &mut SimulatedState,
    base_url: &str,
    browser: &str,
    segment: &str,
    query: &str,
) -> Screen {
    let fault = state.faults.next(Endpoint::Authorize, None);
    let request = match AuthorizeRequest::parse(&state.directory, base_url, segment, query) {
        Ok(request) => request,
        Err(refusal) => return refusal.into(),
    };
    if let Some(refuse) = fault.and_then(|fault| fault.refuse) {
        let application = state.directory.applications.get(&request.client);
        let error = refuse.error_on(Surface::Authorize, application, segment);
        return Screen::Return(request.return_target.with_error(&error, base_url));
    }
    interaction::begin(state, base_url, browser, PageRequest::Authorize(request))
}
