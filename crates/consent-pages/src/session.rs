//! Sessions over HTTP: the host application opens one with a form, a cookie stands for it, and every page of the
//! settings is of one.

use assent_consent_core::failure::Failure;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_core::return_to;
use assent_consent_core::session::{CsrfToken, Session, SessionSecret};
use assent_consent_core::use_cases::open_session::{Opened, open_session};
use assent_service_kit::Problem;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, FromRequestParts, Request, State};
use axum::http::header::{LOCATION, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use utoipa::ToSchema;

use super::cookies::Cookie;
use super::page::WayOn;
use super::{PageState, page, see_other};
use crate::page_errors::{EndSession, OpenSession, PageErrors};
use crate::problem::ApiError;
use crate::site::Site;

/// What the host application posts.
#[derive(Deserialize, ToSchema)]
pub(super) struct SessionForm {
    /// A token of the host application for the user, with a jti.
    token: String,
    /// /settings/account (the default), /settings/company, or an absolute URL of an origin that ASSENT_RETURN_ORIGINS names;
    /// without flow, outcome, reason and confirm.
    #[schema(nullable = false)]
    return_to: Option<String>,
}

/// Open a browser session of the settings pages for a user
///
/// Posted by the host application's page, as a form. The token is the host's for this user, good for at most 24 hours
/// and for one session (jti). Sent again in the session that it opened, it leads there as before, without a new
/// cookie; without that session's cookie it is refused (401), and people are told that the settings are open already.
/// Where the browser says that the form was sent cross-site (Sec-Fetch-Site) by an origin that neither
/// ASSENT_RETURN_ORIGINS nor ASSENT_FRAME_ANCESTORS names (null is none), the session may look and revoke, and no
/// mailbox is bound in it. The claims name and account_name are shown on the page that asks whose mailbox it is.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "openSession",
    request_body(content = SessionForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = SEE_OTHER, description = "the session is open", headers(("Location" = url::Url), ("Set-Cookie" = String))),
        PageErrors<OpenSession>
    ),
    security()
)]
pub(super) async fn open(
    State(shared): State<PageState>,
    headers: HeaderMap,
    form: Result<Form<SessionForm>, FormRejection>,
) -> Response {
    match opened(&shared, &headers, form).await {
        Ok(response) => response,
        Err(ApiError(problem)) if page::wants_a_page(&headers) => {
            // The page is for the person; this is for whoever made the token.
            tracing::info!(
                code = problem.code(),
                detail = problem.public_detail(),
                "a session was not opened"
            );
            page::settings_problem(&shared.site, &problem)
        }
        Err(error) => error.into_response(),
    }
}

async fn opened(
    shared: &PageState,
    headers: &HeaderMap,
    form: Result<Form<SessionForm>, FormRejection>,
) -> Result<Response, ApiError> {
    let site = &shared.site;
    let Form(opening) = form
        .map_err(|_| Problem::invalid_request("send a form with the fields token and return_to"))?;
    // Before the token is used up: a mistake in the address can be mended with the same token.
    let to = match opening.return_to.as_deref().filter(|to| !to.is_empty()) {
        Some(to) => return_to::after_session(to, &site.addresses, &site.return_origins)?,
        None => site.addresses.account_settings.clone(),
    };
    // A double click, or a form that is sent again: this browser is in the session that the token opened.
    let present = InSession::find(site, headers).await?;
    if present.is_some_and(|present| present.session.was_opened_by(&opening.token)) {
        return Ok(see_other(&to));
    }
    let verified = shared.verifier.verify(&opening.token).await;
    let caller = verified.map_err(Problem::from)?;
    let sent = (opening.token.as_str(), &caller);
    let opened = open_session(site, sent, is_from_elsewhere(site, headers)).await?;
    let secret = match opened {
        Opened::Session(secret) => secret,
        Opened::UsedBefore if page::wants_a_page(headers) => return Ok(used(site, &to)),
        Opened::UsedBefore => {
            return Err(ApiError::from(Problem::unauthenticated(
                "the token has opened a session already; each is good for one",
            )));
        }
    };
    let lifetime = site.session_lifetime.as_secs();
    let headers = [
        (LOCATION, to.to_string()),
        (
            SET_COOKIE,
            Cookie::Session.set(site, secret.expose(), lifetime),
        ),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// To whoever sends a form again that has opened a session, without that session's cookie: perhaps the browser had the
/// second click before the first one's answer, and has the cookie by the time that this is read. Who copied the token has
/// none, and the way on leads them nowhere.
fn used(site: &Site, to: &Url) -> Response {
    let says = (
        "The settings are open already",
        "They were opened a moment ago, perhaps by a double click, and that works once each time. Go on from here; if they \
         are not open in this browser, open them from the application again.",
    );
    let way_on = WayOn {
        address: to.as_str(),
        words: "Go on",
    };
    page::settings_message_leading_on(site, StatusCode::UNAUTHORIZED, says, way_on)
}

/// Whether a browser says that the form was sent by a site that is none of the host application's. Anybody can send
/// the form of a host application that knows them; what such a session is used for must not be taken for the will of
/// whoever sits in front of the browser. What is no browser does not say, and nobody sits in front of it.
fn is_from_elsewhere(site: &Site, headers: &HeaderMap) -> bool {
    let is_of_another_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site");
    // `null` is what a page sends that hides where it is, so anybody's can.
    let origin = headers
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .and_then(|origin| Url::parse(origin).ok());
    let mut hosts = site.return_origins.iter().chain(&site.frame_ancestors);
    is_of_another_site && !origin.is_some_and(|origin| hosts.any(|host| host.holds(&origin)))
}

/// End the session
#[utoipa::path(
    post,
    path = "/session/end",
    operation_id = "endSession",
    request_body(content = WithProof<NoFields>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "it is over", content_type = "text/html", body = String),
        PageErrors<EndSession>
    ),
    security(("session" = []), ())
)]
pub(super) async fn end(
    State(shared): State<PageState>,
    sent: Result<Posted<()>, Response>,
) -> Response {
    let site = &shared.site;
    match sent {
        Ok(Posted { session, form: () }) => {
            if let Err(error) = site.sessions.end(&session.secret).await {
                return page::settings_failure(site, error.into());
            }
        }
        // Sent twice, or too late: there is no session to leave.
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {}
        Err(refused) => return refused,
    }
    let mut response = page::settings_message(
        site,
        StatusCode::OK,
        "You have left the settings",
        "To come back, open them from the application again.",
    );
    if let Ok(gone) = Cookie::Session.set(site, "", 0).parse() {
        response.headers_mut().insert(SET_COOKIE, gone);
    }
    response
}

/// The session that a request is of.
#[derive(Debug, Clone)]
pub(super) struct InSession {
    pub(super) session: Session,
    pub(super) secret: SessionSecret,
    pub(super) proof: CsrfToken,
}

impl InSession {
    /// The session that the cookie stands for, if it stands for one that is not over.
    pub(super) async fn find(site: &Site, headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        let Some(secret) = Cookie::Session.read(site, headers) else {
            return Ok(None);
        };
        let secret = SessionSecret::from_cookie(secret);
        let found = site.sessions.find(&secret).await?;
        Ok(found
            .filter(|session| !session.is_over(site.now()))
            .map(|session| Self {
                session,
                proof: secret.csrf_token(),
                secret,
            }))
    }
}

impl FromRequestParts<PageState> for InSession {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &PageState) -> Result<Self, Response> {
        match Self::find(&shared.site, &parts.headers).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(none(&shared.site)),
            Err(failure) => Err(page::settings_failure(&shared.site, failure)),
        }
    }
}

/// Whoever comes without a session, or too late.
pub(super) fn none(site: &Site) -> Response {
    page::settings_message(
        site,
        StatusCode::UNAUTHORIZED,
        "Your session is over",
        "Sessions of these settings end after a while, so nothing was changed just now. Open the settings from the \
         application again, and repeat what you did last.",
    )
}

/// A form that was sent from a page of ours, in the session that the page was shown in.
#[derive(Debug)]
pub(super) struct Posted<T> {
    pub(super) session: InSession,
    pub(super) form: T,
}

/// A form without fields of its own.
#[derive(ToSchema)]
pub(super) struct NoFields {}

/// What a box sends that is ticked.
#[derive(ToSchema)]
pub(super) enum Ticked {
    #[serde(rename = "true")]
    #[expect(dead_code, reason = "it describes what is read as a text")]
    True,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct WithProof<T> {
    /// What the page's form carries; it belongs to the session.
    proof: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<PageState> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &PageState) -> Result<Self, Response> {
        let site = &shared.site;
        let (mut parts, body) = request.into_parts();
        let session = InSession::from_request_parts(&mut parts, shared).await?;
        let request = Request::from_parts(parts, body);
        match Form::<WithProof<T>>::from_request(request, &()).await {
            Ok(Form(sent)) if session.proof.is(&sent.proof) => Ok(Self {
                session,
                form: sent.form,
            }),
            Ok(_) => {
                tracing::warn!(
                    security_event = "form_without_proof",
                    account.id = %session.session.account,
                    "a form came from elsewhere, or from a page of an earlier session"
                );
                Err(page::settings_message(
                    site,
                    StatusCode::FORBIDDEN,
                    "This page is out of date",
                    "It was opened in an earlier session, so nothing was changed. Open the settings again, and repeat \
                     what you did last.",
                ))
            }
            Err(_) => Err(page::settings_failure(
                site,
                Failure::Invalid(InvalidRequest::Form),
            )),
        }
    }
}
