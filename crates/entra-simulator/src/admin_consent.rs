//! `/{tenant}/v2.0/adminconsent`, and the first version of it: consent for a whole organisation.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::aadsts::Surface;
use crate::authorization_request::{AdminConsentRequest, Version};
use crate::faults::Endpoint;
use crate::interaction;
use crate::pages;
use crate::screen::{PageRequest, Screen};
use crate::simulator::Simulator;
use crate::state::SimulatedState;

pub(crate) async fn page(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    shown(&simulator, (&segment, Version::V2), query, &headers)
}

pub(crate) async fn first_page(
    State(simulator): State<Arc<Simulator>>,
    Path(segment): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    shown(&simulator, (&segment, Version::V1), query, &headers)
}

fn shown(
    simulator: &Simulator,
    endpoint: (&str, Version),
    RawQuery(query): RawQuery,
    headers: &HeaderMap,
) -> Response {
    let browser = pages::browser(headers);
    let screen = visit(
        &mut simulator.state(),
        &simulator.base_url,
        browser.id(),
        endpoint,
        &query.unwrap_or_default(),
    );
    pages::show(simulator, &browser, screen)
}

/// A browser arrives.
pub(crate) fn visit(
    state: &mut SimulatedState,
    base_url: &str,
    browser: &str,
    endpoint: (&str, Version),
    query: &str,
) -> Screen {
    let fault = state.faults.next(Endpoint::Adminconsent, None);
    let request = match AdminConsentRequest::parse(&state.directory, base_url, endpoint, query) {
        Ok(request) => request,
        Err(refusal) => return refusal.into(),
    };
    if let Some(refuse) = fault.and_then(|fault| fault.refuse) {
        let application = state.directory.applications.get(&request.client);
        let error = refuse.error_on(Surface::AdminConsent, application, endpoint.0);
        return Screen::Return(request.return_target.with_error(&error, base_url));
    }
    interaction::begin(state, base_url, browser, PageRequest::AdminConsent(request))
}
