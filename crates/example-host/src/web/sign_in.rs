//! Signing in, and what Assent says to it.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::pages::message;
use super::parameters::Parameters;
use super::{App, PageError, cookies};
use crate::after_login::after_login;
use crate::assent::login_decision::SignIn;
use crate::error_chain::with_sources;
use crate::sessions::Session;
use crate::users::{self, User};

/// `POST /sign-in/microsoft`: sends the browser to Microsoft, with `?tenant=` to the page of that tenant.
pub(super) async fn through_microsoft(
    State(app): State<Arc<App>>,
    parameters: Parameters,
) -> Result<Response, PageError> {
    // Whose token comes back is checked then, so it does no harm to be sent to a wrong one.
    let tenant = parameters
        .single("tenant")
        .and_then(|id| Uuid::try_parse(id).ok());
    let (address, pending) = app.microsoft.begin(tenant)?;
    let mut response = Redirect::to(address.as_str()).into_response();
    // The cookie binds the sign-in to this browser: nobody can be made to finish another one's.
    let name = app.sign_ins.keep(pending)?;
    let cookie = cookies::set(&app.config, cookies::SIGN_IN, &name)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// `GET /sign-in/microsoft/callback?state=…`, and `&code=…` or `&error=…`: somebody comes back from Microsoft.
pub(super) async fn back_from_microsoft(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, PageError> {
    let pending = cookies::read(&headers, cookies::SIGN_IN)
        .and_then(|name| app.sign_ins.take(name))
        .filter(|pending| parameters.single("state") == Some(&pending.state));
    let Some(pending) = pending else {
        return Ok(message(
            StatusCode::BAD_REQUEST,
            "This sign-in is over",
            "It took too long, or it was begun in another browser. Start again from the home page.",
        ));
    };
    let Some(code) = parameters.single("code") else {
        tracing::info!("nobody signed in");
        return Ok(message(
            StatusCode::OK,
            "You are not signed in",
            "You came back from Microsoft without signing in. Start again whenever you like.",
        ));
    };
    let signed_in = match app.microsoft.finish(&pending, code).await {
        Ok(signed_in) => signed_in,
        Err(error) => {
            tracing::warn!(error = %with_sources(&error), "nobody signed in");
            return Ok(message(
                StatusCode::BAD_GATEWAY,
                "Microsoft did not tell us who you are",
                "Nobody was signed in. Start again from the home page.",
            ));
        }
    };
    let Some(user) = users::find_by_microsoft(signed_in.identity) else {
        return Ok(message(
            StatusCode::FORBIDDEN,
            "Hirely does not know you",
            "You signed in at Microsoft, but nobody at Hirely has that account. Ask your company's Super Admin for an \
             invitation, or sign in with another account.",
        ));
    };
    let sign_in = SignIn::Microsoft {
        id_token: signed_in.id_token,
        access_token: signed_in.access_token,
    };
    let mut response = open_session(&app, user, &sign_in).await?;
    response
        .headers_mut()
        .append(SET_COOKIE, cookies::forget(cookies::SIGN_IN)?);
    Ok(response)
}

/// The form of a sign-in with Hirely's own password.
#[derive(Deserialize)]
pub(super) struct Credentials {
    user: String,
}

/// `POST /sign-in/password`: in this example nobody has a password.
pub(super) async fn with_password(
    State(app): State<Arc<App>>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, PageError> {
    match users::find(&credentials.user) {
        Some(user) => open_session(&app, user, &SignIn::Other).await,
        None => Ok(message(
            StatusCode::FORBIDDEN,
            "Hirely does not know you",
            "There is no such user. Start again from the home page.",
        )),
    }
}

/// Signs a user in: asks Assent what to do, and does it. Assent may be away; the person is in all the same.
async fn open_session(
    app: &App,
    user: &'static User,
    sign_in: &SignIn,
) -> Result<Response, PageError> {
    let decision = app.login_hook.decide(user, sign_in).await;
    if let Err(error) = &decision {
        tracing::warn!(
            user = user.id,
            error = %with_sources(error),
            "no login decision"
        );
    }
    let after = after_login(decision.as_ref().ok());
    // A new session at each sign-in: one that somebody planted in the browser is worth nothing.
    let name = app.sessions.keep(Session {
        user,
        notices: after.notices,
        outcome: None,
        is_silent: after.is_silent,
        at_least: after.at_least,
    })?;
    let address = after.go_to.map_or_else(|| "/".to_owned(), String::from);
    let mut response = Redirect::to(&address).into_response();
    let cookie = cookies::set(&app.config, cookies::SESSION, &name)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if let Some(name) = cookies::read(&headers, cookies::SESSION) {
        app.sessions.take(name);
    }
    let mut response = Redirect::to("/").into_response();
    response
        .headers_mut()
        .append(SET_COOKIE, cookies::forget(cookies::SESSION)?);
    Ok(response)
}
