//! `/{tenant}/oauth2/v2.0/logout`: ends the session in a browser, and leads on to where the application wants it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;

use crate::aadsts::{Aadsts, Surface};
use crate::authority::Authority;
use crate::directory::Directory;
use crate::pages;
use crate::parameters::Parameters;
use crate::return_target::BrowserReturn;
use crate::screen::Screen;
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
    let screen = visit(&mut simulator.state(), browser.id(), &segment, &encoded);
    pages::show(&simulator, &browser, screen)
}

/// A browser arrives.
pub(crate) fn visit(
    state: &mut SimulatedState,
    browser: &str,
    segment: &str,
    query: &str,
) -> Screen {
    match onward(&state.directory, segment, query) {
        Ok(onward) => {
            state.sessions.remove(browser);
            onward.map_or(Screen::SignedOut, |address| {
                Screen::Return(BrowserReturn::Redirect(address))
            })
        }
        Err(error) => Screen::DeadEnd(error),
    }
}

/// Where the browser goes from here. An address that no application has registered is passed over, as is one that the
/// application that is named has not.
fn onward(directory: &Directory, segment: &str, query: &str) -> Result<Option<String>, Aadsts> {
    Authority::parse_in_this_cloud(directory, segment, Surface::Authorize)?;
    let parameters = Parameters::parse(query, Surface::Authorize)?;
    let Some(address) = parameters.get("post_logout_redirect_uri") else {
        return Ok(None);
    };
    let named = parameters
        .get("client_id")
        .map(str::to_owned)
        .or_else(|| parameters.get("id_token_hint").and_then(audience));
    let is_registered = match named {
        Some(named) => directory
            .application(&named)
            .is_some_and(|application| application.redirect_uris.contains(address)),
        None => directory
            .applications
            .values()
            .any(|application| application.redirect_uris.contains(address)),
    };
    if !is_registered {
        return Ok(None);
    }
    let mut onward = address.to_owned();
    if let (Ok(mut url), Some(state)) = (Url::parse(address), parameters.get("state")) {
        url.query_pairs_mut().append_pair("state", state);
        onward = url.into();
    }
    Ok(Some(onward))
}

/// Whose an ID token is. It is a hint: nothing is proved by it.
fn audience(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        aud: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(claims.aud)
}
