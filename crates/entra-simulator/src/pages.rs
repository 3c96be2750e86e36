//! The pages a person sees: sign-in, consent, and the dead ends. Plain HTML that works without scripts.

mod html;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};

use crate::aadsts::{Aadsts, Code, Surface};
use crate::identifiers::ObjectId;
use crate::interaction::{self, Answer, Screen};
use crate::parameters::Parameters;
use crate::random;
use crate::simulator::Simulator;
use crate::way_back::Return;

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
            &mut simulator.world(),
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
        Some("accept") => Some(Answer::Accept {
            for_organization: form.get("for_organization").is_some(),
            only: None,
        }),
        Some("decline") => Some(Answer::Decline),
        Some("cancel") => Some(Answer::Cancel),
        Some(_) | None => None,
    });
    let screen = match clicked {
        Some(clicked) => interaction::answer(
            &mut simulator.world(),
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
        &mut simulator.world(),
        &simulator.base_url,
        browser.id(),
        &id,
        &Answer::Cancel,
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
    let screen = interaction::sign_out(&mut simulator.world(), browser.id(), &id);
    show(&simulator, &browser, screen)
}

/// `GET /{tenant}/oauth2/v2.0/logout`: ends the session.
pub(crate) async fn sign_out(
    State(simulator): State<Arc<Simulator>>,
    headers: HeaderMap,
) -> Response {
    let browser = browser(&headers);
    simulator.world().sessions.remove(browser.id());
    Html(html::signed_out()).into_response()
}

/// `GET /`: what this is, for whoever finds it.
pub(crate) async fn welcome(State(simulator): State<Arc<Simulator>>) -> Response {
    Html(html::welcome(&simulator.world().directory)).into_response()
}

/// A screen, as an answer to a browser.
pub(crate) fn show(simulator: &Simulator, browser: &Browser, screen: Screen) -> Response {
    let mut response = match screen {
        Screen::Return(Return::Redirect(location)) => match HeaderValue::try_from(location) {
            Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Screen::Return(Return::Form { action, fields }) => {
            Html(html::form_post(&action, &fields)).into_response()
        }
        Screen::PickAccount {
            interaction,
            request,
        } => Html(html::pick_account(
            &simulator.world().directory,
            &interaction,
            &request,
        ))
        .into_response(),
        Screen::Consent {
            interaction,
            request,
            user,
            question,
        } => Html(html::consent(
            &simulator.world().directory,
            &interaction,
            &request,
            user,
            &question,
        ))
        .into_response(),
        Screen::NeedsApproval { interaction, error } => (
            StatusCode::OK,
            Html(html::needs_approval(&interaction, &error)),
        )
            .into_response(),
        Screen::WrongAccount { interaction, error } => (
            StatusCode::OK,
            Html(html::wrong_account(&interaction, &error)),
        )
            .into_response(),
        Screen::DeadEnd(error) => {
            (StatusCode::BAD_REQUEST, Html(html::dead_end(&error))).into_response()
        }
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

/// The heading of a page that says no.
pub(crate) fn title(error: &Aadsts) -> &'static str {
    if error.code.refusal().ends_on_page {
        return "Need admin approval";
    }
    let wrong_account = [
        Code::UserUnauthorized,
        Code::UserAccountNotFound,
        Code::UserDisabled,
    ];
    if wrong_account.contains(&error.code) {
        "Selected user account does not work here"
    } else {
        "Sorry, but we're having trouble signing you in"
    }
}
