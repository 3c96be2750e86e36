//! The pages a person sees: sign-in, consent, and the dead ends. Plain HTML that works without scripts.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::aadsts::{Aadsts, Surface};
use crate::html;
use crate::identifiers::ObjectId;
use crate::interaction;
use crate::parameters::Parameters;
use crate::random;
use crate::return_target::BrowserReturn;
use crate::screen::{ConsentAnswer, Screen};
use crate::simulator::Simulator;

const COOKIE: &str = "entra_simulator_browser";

/// The browser in front of us, told by a cookie.
#[derive(Clone, Debug)]
pub(crate) enum Browser {
    Known(String),
    New(String),
}

impl Browser {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Known(id) | Self::New(id) => id,
        }
    }
}

/// Reads the cookie, or makes one up.
pub(crate) fn browser(headers: &HeaderMap) -> Browser {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map_or_else(
            || Browser::New(random::secret("")),
            |(_, id)| Browser::Known(id.to_owned()),
        )
}

/// `POST /interaction/{id}/account`: somebody says who they are.
pub(crate) async fn account(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let browser = browser(&headers);
    let chosen = Parameters::parse_form(&headers, &body, Surface::Authorize)
        .ok()
        .and_then(|form| uuid::Uuid::parse_str(form.get("object_id")?).ok())
        .map(ObjectId);
    let screen = match chosen {
        Some(user) => interaction::choose_account(
            &mut simulator.state(),
            &simulator.base_url,
            browser.id(),
            &id,
            user,
        ),
        None => Screen::DeadEnd(Aadsts::missing_parameter("object_id", Surface::Authorize)),
    };
    show(&simulator, &browser, screen)
}

/// `POST /interaction/{id}/answer`: somebody accepts, declines or leaves.
pub(crate) async fn answer(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let browser = browser(&headers);
    let form = Parameters::parse_form(&headers, &body, Surface::Authorize);
    let clicked = form.ok().and_then(|form| match form.get("answer") {
        Some("accept") => Some(ConsentAnswer::Accept {
            for_organization: form.get("for_organization").is_some(),
            only: None,
        }),
        Some("decline") => Some(ConsentAnswer::Decline),
        Some("cancel") => Some(ConsentAnswer::Cancel),
        Some(_) | None => None,
    });
    let screen = match clicked {
        Some(clicked) => interaction::answer(
            &mut simulator.state(),
            &simulator.base_url,
            browser.id(),
            &id,
            &clicked,
        ),
        None => Screen::DeadEnd(Aadsts::missing_parameter("answer", Surface::Authorize)),
    };
    show(&simulator, &browser, screen)
}

/// `GET /interaction/{id}/return`: the link back from "Need admin approval".
pub(crate) async fn go_back(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let browser = browser(&headers);
    let screen = interaction::answer(
        &mut simulator.state(),
        &simulator.base_url,
        browser.id(),
        &id,
        &ConsentAnswer::Cancel,
    );
    show(&simulator, &browser, screen)
}

/// `POST /interaction/{id}/other-account`: somebody else wants to sign in.
pub(crate) async fn other_account(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let browser = browser(&headers);
    let screen = interaction::sign_out(&mut simulator.state(), browser.id(), &id);
    show(&simulator, &browser, screen)
}

/// `GET /`: what this is, for whoever finds it.
pub(crate) async fn welcome(State(simulator): State<Arc<Simulator>>) -> Response {
    html::welcome(&simulator.state().directory)
}

/// A screen, as an answer to a browser.
pub(crate) fn show(simulator: &Simulator, browser: &Browser, screen: Screen) -> Response {
    let mut response = match screen {
        Screen::Return(BrowserReturn::Redirect(location)) => {
            match HeaderValue::try_from(location) {
                Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
        Screen::Return(BrowserReturn::Form { action, fields }) => html::form_post(&action, &fields),
        Screen::PickAccount {
            interaction,
            request,
        } => html::pick_account(&simulator.state().directory, &interaction, &request),
        Screen::Consent {
            interaction,
            request,
            user,
            prompt,
        } => {
            let directory = &simulator.state().directory;
            html::consent(directory, &interaction, &request, user, &prompt)
        }
        Screen::NeedsApproval { interaction, error } => html::needs_approval(&interaction, &error),
        Screen::WrongAccount { interaction, error } => html::wrong_account(&interaction, &error),
        Screen::SignedOut => html::signed_out(),
        Screen::DeadEnd(error) => html::dead_end(&error),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store, no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        // No `form-action`: browsers would also hold it against the redirect that follows a form.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Browser::New(id) = browser {
        let secure = if simulator.base_url.starts_with("https:") {
            "; Secure"
        } else {
            ""
        };
        let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.insert(header::SET_COOKIE, cookie);
        }
    }
    response
}
