//! Pages for people: rendered here, readable without JavaScript, and with nothing on them that a browser brought.

use askama::Template;
use assent_service_kit::Problem;
use assent_service_kit::telemetry::chain;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::wording;

/// The one stylesheet.
const STYLESHEET: &str = include_str!("../../assets/pages.css");

pub(super) async fn stylesheet() -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/css; charset=utf-8"),
        ),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        ),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, STYLESHEET).into_response()
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    stylesheet: &'a str,
    title: &'a str,
    sentence: &'a str,
}

/// A page that says one thing.
pub(super) fn message(
    gateway: &Gateway,
    status: StatusCode,
    title: &str,
    sentence: &str,
) -> Response {
    let page = Message {
        stylesheet: gateway.addresses.stylesheet.path(),
        title,
        sentence,
    };
    show(status, &page, None)
}

/// What went wrong, for a person in front of a browser: never JSON.
pub(super) fn failure(gateway: &Gateway, failure: Failure) -> Response {
    let problem = Problem::from(failure);
    if let Some(cause) = problem.internal_cause() {
        tracing::error!(code = problem.code(), error = %chain(cause), "a page could not be shown");
    }
    let sentence = wording::of(problem.code());
    message(gateway, problem.status(), "That did not work", sentence)
}

/// Whether whoever asks reads pages rather than JSON.
pub(super) fn wants_a_page(headers: &HeaderMap) -> bool {
    headers
        .get(axum::http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Renders a page. `leads_to`: where a form on it may end up, besides here.
pub(super) fn show(status: StatusCode, page: &impl Template, leads_to: Option<&Url>) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => return Failure::Internal(error.into()).into_response(),
    };
    // Browsers hold a form to this over all redirects that follow, and Microsoft may send people on to the sign-in
    // page of their own organisation: so besides the address itself any encrypted one is allowed.
    let elsewhere = leads_to.map_or_else(String::new, |url| {
        format!(" {} https:", url.origin().ascii_serialization())
    });
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{elsewhere}; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    // An origin has no character that a header may not have.
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        // The address holds the link's secret: it goes to nobody else, and stays in no cache.
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
