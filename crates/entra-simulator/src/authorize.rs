//! `/{tenant}/oauth2/v2.0/authorize`: sign-in, and a user's own consent.

mod code;
mod prompt;
mod request;
mod standing;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

pub(crate) use code::issue_code;
pub(crate) use request::{AuthorizeRequest, addressed, scope_error};
pub(crate) use standing::standing;

use crate::aadsts::Surface;
use crate::faults::Endpoint;
use crate::interaction::{self, Request, Screen};
use crate::pages;
use crate::simulator::Simulator;
use crate::world::World;

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
        &mut simulator.world(),
        &simulator.base_url,
        browser.id(),
        &segment,
        &encoded,
    );
    pages::show(&simulator, &browser, screen)
}

/// A browser arrives.
pub(crate) fn visit(
    world: &mut World,
    base_url: &str,
    browser: &str,
    segment: &str,
    query: &str,
) -> Screen {
    let fault = world.faults.next(Endpoint::Authorize);
    let request = match AuthorizeRequest::parse(&world.directory, base_url, segment, query) {
        Ok(request) => request,
        Err(refusal) => return refusal.into(),
    };
    if let Some(refuse) = fault.and_then(|fault| fault.refuse) {
        let application = world.directory.applications.get(&request.client);
        let error = refuse.at(Surface::Authorize, application, segment);
        return Screen::Return(request.back.refused(&error, base_url));
    }
    interaction::begin(world, base_url, browser, Request::Authorize(request))
}
