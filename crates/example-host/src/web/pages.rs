//! What all pages have in common.

use askama::Template;
use axum::extract::State;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, InvalidHeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use crate::config::Config;
use crate::error_chain::with_sources;
use crate::users::User;

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    user: Option<&'static User>,
    title: &'a str,
    text: &'a str,
}

/// Renders a page that says one thing.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    let page = Message {
        user: None,
        title,
        text,
    };
    (status, show(&page)).into_response()
}

/// Renders a page as a response.
pub(super) fn show(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(
                error = %with_sources(&error),
                "a page could not be rendered"
            );
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Shows a page in place of the bare line with which the framework refuses a request: of a wrong method, a form that can't be read
/// or is too large, an answer that takes too long.
pub(super) async fn in_plain_words(answer: Response) -> Response {
    let status = answer.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    let kind = answer.headers().get(CONTENT_TYPE);
    if !is_refusal || kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return answer;
    }
    let (title, text) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (
            "There is nothing to see here",
            "This address is used by forms. Start from the home page.",
        ),
        StatusCode::GATEWAY_TIMEOUT => ("That took too long", "Try again in a moment."),
        status if status.is_client_error() => (
            "That could not be understood",
            "Something was sent that no page of ours sends, so nothing was done. Start from the home page.",
        ),
        _ => (
            "That did not work",
            "Something is wrong on our side. Try again in a moment.",
        ),
    };
    let mut page = message(status, title, text);
    if let Some(allowed) = answer.headers().get(ALLOW) {
        page.headers_mut().insert(ALLOW, allowed.clone());
    }
    page
}

pub(super) async fn stylesheet() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("../../assets/hirely.css"),
    )
}

pub(super) async fn script() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("../../assets/go-on.js"),
    )
}

/// The headers of every response.
#[derive(Clone)]
pub(super) struct Headers {
    policy: HeaderValue,
}

impl Headers {
    pub(super) fn new(config: &Config) -> Result<Self, InvalidHeaderValue> {
        // Browsers hold a form to `form-action` over all redirects that follow it: to the gateway, to Microsoft, and
        // from there to the sign-in page of somebody's own organisation, which may be anywhere.
        let gateway = config.gateway_url.origin().ascii_serialization();
        let microsoft = config.microsoft_authority.origin().ascii_serialization();
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self' {gateway} {microsoft} https:; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        Ok(Self {
            policy: policy.try_into()?,
        })
    }
}

pub(super) async fn with_headers(
    State(headers): State<Headers>,
    mut response: Response,
) -> Response {
    let all = response.headers_mut();
    all.insert(CONTENT_SECURITY_POLICY, headers.policy);
    for (name, value) in [
        // Pages hold tokens and what is permitted just now.
        (CACHE_CONTROL, "no-store"),
        // The origin only: Assent and we ourselves want to know that a form is ours, and nobody needs to know more.
        (REFERRER_POLICY, "strict-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        all.insert(name, HeaderValue::from_static(value));
    }
    response
}
