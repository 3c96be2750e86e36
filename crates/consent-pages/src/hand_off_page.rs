//! The page behind a link for an administrator. Whoever has the link may read it and go on; opening it does nothing, for
//! programs that scan mail open every link.

use crate::session::Ticked;
use askama::Template;
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::HandOffPurpose;
use assent_consent_core::hand_off::{HandOff, HandOffClosed, HandOffToken};
use assent_consent_core::names::Names;
use assent_consent_core::reasons::NotFound;
use assent_consent_core::use_cases::hand_off::{self, HandOffStart};
use assent_domain::permissions::PermissionSet;
use assent_service_kit::ApiPath;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::browser::Browser;
use super::layout::Layout;
use super::{PageState, labels, page, see_other};
use crate::page_errors::{FollowHandOff, OpenHandOff, PageErrors};
use crate::site::Site;

#[derive(Template)]
#[template(path = "hand_off.html")]
struct HandOffPage<'a> {
    layout: Layout<'a>,
    account: &'a str,
    requested_by: &'a str,
    names: &'a Names,
    tenant: Option<Uuid>,
    tenant_domain: Option<&'a str>,
    items: Vec<Item>,
    decides_for_everyone: bool,
    expires_at: Timestamp,
    expires_on: String,
    problem: Option<&'static str>,
    /// What the form carries.
    proof: &'a str,
}

/// A permission in words.
pub(super) struct Item {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) scopes: String,
}

/// The form on it.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct HandOffForm {
    #[schema(value_type = Ticked, required)]
    administrator_confirmed: Option<String>,
    /// What the page's form carries; it belongs to the page, and to the browser by its cookie assent_browser (with https
    /// __Host-assent_browser).
    #[serde(default)]
    #[schema(required)]
    proof: String,
}

/// Nothing of what follows has happened yet; why the page is shown again.
const NOT_TICKED: (StatusCode, &str) = (
    StatusCode::UNPROCESSABLE_ENTITY,
    "Tick the box if you are an administrator. If you are not, forward the link to one.",
);
const NOT_FROM_HERE: (StatusCode, &str) = (
    StatusCode::FORBIDDEN,
    "Nothing has happened yet: this page has to be opened and sent by you, in one browser that keeps its cookies. Read \
     it, and go on from here.",
);

/// The page behind a link for an administrator
///
/// Whoever only looks changes nothing: HEAD is 405, and a browser that fetches it before anybody asked (Sec-Purpose:
/// prefetch) is answered 503 and comes again.
#[utoipa::path(
    get,
    path = "/hand-off/{token}",
    operation_id = "handOffPage",
    params(
        ("token" = String, Path),
    ),
    responses(
        (status = OK, description = "what is asked, and a form that goes on to Microsoft", content_type = "text/html", body = String),
        PageErrors<OpenHandOff>
    ),
    security()
)]
pub(super) async fn open(
    State(shared): State<PageState>,
    headers: HeaderMap,
    ApiPath(token): ApiPath<String>,
) -> Response {
    let site = &shared.site;
    match token_of(&token) {
        Ok(token) => shown(site, &headers, &token, None).await,
        Err(failure) => failed(site, failure),
    }
}

/// Go on to Microsoft
#[utoipa::path(
    post,
    path = "/hand-off/{token}",
    operation_id = "followHandOff",
    params(
        ("token" = String, Path),
    ),
    request_body(content = HandOffForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = SEE_OTHER, description = "on to Microsoft", headers(("Location" = url::Url))),
        (status = OK, description = "an administrator has accepted already", content_type = "text/html", body = String),
        PageErrors<FollowHandOff>
    ),
    security()
)]
pub(super) async fn begin(
    State(shared): State<PageState>,
    headers: HeaderMap,
    ApiPath(token): ApiPath<String>,
    answer: Result<Form<HandOffForm>, FormRejection>,
) -> Response {
    let site = &shared.site;
    // A form that can't be read has no box that is ticked, and no proof.
    let Form(answer) = answer.unwrap_or_default();
    let token = match token_of(&token) {
        Ok(token) => token,
        Err(failure) => return failed(site, failure),
    };
    let browser = Browser::identify(site, &headers);
    if !browser.sent_from(&token.expose(), &answer.proof, (site, &headers)) {
        return shown(site, &headers, &token, Some(NOT_FROM_HERE)).await;
    }
    if answer.administrator_confirmed.as_deref() != Some("true") {
        return shown(site, &headers, &token, Some(NOT_TICKED)).await;
    }
    match hand_off::begin(site, &token).await {
        Ok(HandOffStart::Started(started)) => match Url::parse(&started.authorize_url) {
            Ok(url) => see_other(&url),
            Err(error) => failed(site, Failure::Internal(error.into())),
        },
        Ok(HandOffStart::Closed(closed)) => over(site, closed),
        Err(failure) => failed(site, failure),
    }
}

/// The page, to this browser.
async fn shown(
    site: &Site,
    headers: &HeaderMap,
    token: &HandOffToken,
    problem: Option<(StatusCode, &'static str)>,
) -> Response {
    match hand_off::open(site, token).await {
        Ok(found) => {
            let browser = Browser::identify(site, headers);
            let response = page(site, &found, (&browser, token), problem);
            browser.remembered(site, response)
        }
        Err(failure) => failed(site, failure),
    }
}

fn token_of(text: &str) -> Result<HandOffToken, Failure> {
    HandOffToken::parse(text).ok_or(Failure::NotFound(NotFound::HandOff))
}

fn failed(site: &Site, failure: Failure) -> Response {
    if matches!(failure, Failure::NotFound(_)) {
        return page::message(
            site,
            StatusCode::NOT_FOUND,
            "There is no such link",
            "Check that the whole address was copied, or ask whoever sent it for another one.",
        );
    }
    page::failure(site, failure)
}

fn page(
    site: &Site,
    found: &HandOff,
    (browser, token): (&Browser, &HandOffToken),
    problem: Option<(StatusCode, &'static str)>,
) -> Response {
    if let Err(closed) = found.require_open(site.now()) {
        return over(site, closed);
    }
    let (status, problem) = match problem {
        Some((status, problem)) => (status, Some(problem)),
        None => (StatusCode::OK, None),
    };
    let proof = browser.csrf_token(&token.expose());
    let page = HandOffPage {
        layout: Layout::new(site),
        account: found.account.as_str(),
        requested_by: found.requested_by.as_str(),
        names: &found.names,
        tenant: found.tenant.map(|tenant| tenant.id),
        tenant_domain: found.tenant_domain.as_deref(),
        items: items(site, found.permissions.into()),
        decides_for_everyone: found.purpose == HandOffPurpose::AdministratorConsent,
        expires_at: found.expires_at,
        expires_on: found.expires_at.strftime("%-d %B %Y, %H:%M").to_string(),
        problem,
        proof: proof.expose(),
    };
    page::show(status, &page, &page::by_way_of_microsoft(site))
}

pub(super) fn items(site: &Site, permissions: PermissionSet) -> Vec<Item> {
    let email = permissions.email;
    let asked = permissions.kinds();
    let items = asked.iter().map(|permission| Item {
        name: labels::name(permission),
        meaning: labels::meaning(permission, email),
        scopes: site
            .scopes
            .scopes_for(labels::only(permission, email))
            .join(" "),
    });
    items.collect()
}

fn over(site: &Site, closed: HandOffClosed) -> Response {
    let (status, title, sentence) = match closed {
        HandOffClosed::Completed => (
            StatusCode::OK,
            "Already approved",
            "An administrator of your organisation has accepted already. There is nothing left to do.",
        ),
        HandOffClosed::Cancelled | HandOffClosed::Expired => (
            StatusCode::GONE,
            "This link is over",
            "It was cancelled or has expired. Ask whoever sent it for another one.",
        ),
        HandOffClosed::Outdated => (
            StatusCode::GONE,
            "This link is over",
            "The company has changed its settings since it was made, or whoever made it may not ask any more. Ask the \
             company for another one, if it still wants your approval.",
        ),
        HandOffClosed::Completing => (
            StatusCode::CONFLICT,
            "Just a moment",
            "Somebody's acceptance is being recorded at this moment. Look again in a minute.",
        ),
    };
    page::message(site, status, title, sentence)
}
