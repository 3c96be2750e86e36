//! The settings about Microsoft 365 are Assent's pages: the gateway serves them, and knows nobody's password.
//!
//! So the browser brings along a token of ours that says who it is. It is posted, not put into an address, where logs
//! and histories would keep it. And it is made when somebody wants to go there: it works once, and for a minute.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::{App, PageError, SignedIn, pages};
use crate::users::User;

/// A form that the browser posts to the gateway: by itself, or by a button where there is no JavaScript.
#[derive(Template)]
#[template(path = "to_settings.html")]
struct ToSettings {
    user: Option<&'static User>,
    session_url: String,
    token: String,
    return_to: &'static str,
}

/// `GET /settings/account`: what a user permits.
pub(super) async fn account(
    State(app): State<Arc<App>>,
    SignedIn { session, .. }: SignedIn,
) -> Result<Response, PageError> {
    post_to_gateway(&app, session.user, "/settings/account")
}

/// `GET /settings/company`: how a company decides. Assent looks at the token's roles itself; this only spares people a
/// refusal.
pub(super) async fn company(
    State(app): State<Arc<App>>,
    SignedIn { session, .. }: SignedIn,
) -> Result<Response, PageError> {
    if !session.user.super_admin {
        return Ok(Redirect::to("/").into_response());
    }
    post_to_gateway(&app, session.user, "/settings/company")
}

/// Shows the form that opens a session of the settings pages.
fn post_to_gateway(
    app: &App,
    user: &'static User,
    return_to: &'static str,
) -> Result<Response, PageError> {
    let gateway = app.config.gateway_url.as_str().trim_end_matches('/');
    Ok(pages::show(&ToSettings {
        user: Some(user),
        session_url: format!("{gateway}/session"),
        token: app.tokens.for_user(user)?,
        return_to,
    }))
}
