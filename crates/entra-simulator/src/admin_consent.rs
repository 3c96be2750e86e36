//! `/{tenant}/v2.0/adminconsent`, and the first version of it: consent for a whole organisation.

mod request;
mod standing;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

pub(crate) use request::{AdminConsentRequest, Version};
pub(crate) use standing::{accept, standing};

use crate::aadsts::Surface;
use crate::faults::Endpoint;
use crate::interaction::{self, Request, Screen};
use crate::pages;
use crate::simulator::Simulator;
use crate::world::World;

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
        &mut simulator.world(),
        &simulator.base_url,
        browser.id(),
        endpoint,
        &query.unwrap_or_default(),
    );
    pages::show(simulator, &browser, screen)
}

/// A browser arrives.
pub(crate) fn visit(
    world: &mut World,
    base_url: &str,
    browser: &str,
    endpoint: (&str, Version),
    query: &str,
) -> Screen {
    let fault = world.faults.next(Endpoint::Adminconsent);
    let request = match AdminConsentRequest::parse(&world.directory, base_url, endpoint, query) {
        Ok(request) => request,
        Err(refusal) => return refusal.into(),
    };
    if let Some(refuse) = fault.and_then(|fault| fault.refuse) {
        let application = world.directory.applications.get(&request.client);
        let error = refuse.at(Surface::AdminConsent, application, endpoint.0);
        return Screen::Return(request.back.refused(&error, base_url));
    }
    interaction::begin(world, base_url, browser, Request::AdminConsent(request))
}
