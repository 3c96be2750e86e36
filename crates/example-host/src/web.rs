//! Hirely's own pages. What concerns Assent is in `sign_in.rs`, `signed_in.rs` and `settings.rs`.

mod cookies;
mod home;
mod origin;
mod pages;
mod parameters;
mod settings;
mod sign_in;
mod signed_in;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{from_fn_with_state, map_response, map_response_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::jwk::JwkSet;
use tower_http::timeout::TimeoutLayer;

use crate::assent::{Gateway, LoginHook, PermissionQuery};
use crate::config::Config;
use crate::microsoft::{CALLBACK, Microsoft, PendingSignIn};
use crate::sessions::{Session, Store};
use crate::sync_worker::Jobs;
use crate::tokens::TokenIssuer;

/// The path that Assent sends browsers back to after Microsoft's consent page.
pub(crate) const SIGNED_IN: &str = "/signed-in";

/// The longest thing that a form of ours sends is a user's id.
const LARGEST_BODY: usize = 16 * 1024;
/// Longer than all the deadlines of what a page may wait for.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// The state that all handlers share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) tokens: Arc<TokenIssuer>,
    pub(crate) microsoft: Microsoft,
    pub(crate) login_hook: LoginHook,
    pub(crate) gateway: Gateway,
    pub(crate) permissions: PermissionQuery,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) sessions: Store<Session>,
    pub(crate) sign_ins: Store<PendingSignIn>,
}

/// Builds the application: its routes, and the layers around them.
pub(crate) fn router(app: Arc<App>) -> anyhow::Result<Router> {
    let headers = pages::Headers::new(&app.config)?;
    Ok(Router::new()
        .route("/", get(home::page))
        .route("/sign-in/microsoft", post(sign_in::through_microsoft))
        .route(CALLBACK, get(sign_in::back_from_microsoft))
        .route("/sign-in/password", post(sign_in::with_password))
        .route("/sign-out", post(sign_in::sign_out))
        .route(SIGNED_IN, get(signed_in::back_from_consent))
        .route("/settings/account", get(settings::account))
        .route("/settings/company", get(settings::company))
        .route("/.well-known/jwks.json", get(published_keys))
        .route("/assets/hirely.css", get(pages::stylesheet))
        .route("/assets/go-on.js", get(pages::script))
        .route("/livez", get(|| async { "alive" }))
        .fallback(nothing_here)
        .layer(from_fn_with_state(
            Arc::clone(&app),
            origin::only_our_own_forms,
        ))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            REQUEST_DEADLINE,
        ))
        .layer(map_response(pages::in_plain_words))
        .layer(map_response_with_state(headers, pages::with_headers))
        .with_state(app))
}

/// The keys that Assent checks our tokens with. Assent is told this address as ASSENT_HOST_JWKS_URL.
async fn published_keys(State(app): State<Arc<App>>) -> Json<JwkSet> {
    Json(app.tokens.published_keys())
}

async fn nothing_here() -> Response {
    pages::message(
        StatusCode::NOT_FOUND,
        "There is nothing here",
        "The address leads nowhere. Start from the home page.",
    )
}

/// Extracts the session of whoever is signed in. Everybody else is redirected to the home page, to sign in.
pub(crate) struct SignedIn {
    /// The session's name, to change it.
    name: String,
    session: Session,
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Redirect> {
        cookies::read(&parts.headers, cookies::SESSION)
            .and_then(|name| {
                let session = app.sessions.get(name)?;
                Some(Self {
                    name: name.to_owned(),
                    session,
                })
            })
            .ok_or_else(|| Redirect::to("/"))
    }
}

/// An error that the person can do nothing about: logged, and answered with 500.
pub(crate) struct PageError(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        tracing::error!(error = %format!("{:#}", self.0), "a page could not be shown");
        pages::message(
            StatusCode::INTERNAL_SERVER_ERROR,
            "That did not work",
            "Something is wrong on our side. Try again in a moment.",
        )
    }
}
