//! Pages for people: rendered here, readable without JavaScript, and with nothing on them that a browser brought.

use std::sync::Arc;

use askama::Template;
use assent_consent_core::failure::Failure;
use assent_consent_core::use_cases::handle_callback::CallbackFailure;
use assent_consent_core::{lenient_address, messages};
use assent_contract::problem::ErrorCode;
use assent_service_kit::ErrorPages;
use assent_service_kit::Problem;
use assent_service_kit::config::Origin;
use assent_service_kit::error_chain::with_sources;
pub use assent_service_kit::error_pages::prefers_page as wants_a_page;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use super::layout::Layout;
use crate::problem::{ApiError, problem_from};
use crate::site::Site;

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    layout: Layout<'a>,
    title: &'a str,
    sentence: &'a str,
    way_on: Option<WayOn<'a>>,
}

/// Where to go from a page that says one thing.
#[derive(Debug, Clone, Copy)]
pub struct WayOn<'a> {
    /// The address that the link leads to.
    pub address: &'a str,
    /// The text of the link.
    pub words: &'a str,
}

/// A page that says one thing.
pub(super) fn message(site: &Site, status: StatusCode, title: &str, sentence: &str) -> Response {
    show_message(site, status, (title, sentence, None), &[])
}

/// A page that says one thing, and leads on.
pub fn message_leading_on(
    site: &Site,
    status: StatusCode,
    (title, sentence): (&str, &str),
    way_on: WayOn<'_>,
) -> Response {
    show_message(site, status, (title, sentence, Some(way_on)), &[])
}

/// A page among the settings that says one thing.
pub fn settings_message(site: &Site, status: StatusCode, title: &str, sentence: &str) -> Response {
    let ancestors = &site.frame_ancestors;
    show_message(site, status, (title, sentence, None), ancestors)
}

/// A page among the settings that says one thing, and leads on.
pub(super) fn settings_message_leading_on(
    site: &Site,
    status: StatusCode,
    (title, sentence): (&str, &str),
    way_on: WayOn<'_>,
) -> Response {
    let says = (title, sentence, Some(way_on));
    show_message(site, status, says, &site.frame_ancestors)
}

fn show_message(
    site: &Site,
    status: StatusCode,
    (title, sentence, way_on): (&str, &str, Option<WayOn<'_>>),
    ancestors: &[Origin],
) -> Response {
    let page = Message {
        layout: Layout::new(site),
        title,
        sentence,
        way_on,
    };
    show_embeddable(status, &page, &[], ancestors)
}

/// What went wrong, for a person in front of a browser: never JSON.
pub(super) fn failure(site: &Site, failure: Failure) -> Response {
    let problem = problem_from(failure);
    let page = message(site, problem.status(), FAILED, &sentence(&problem));
    with_retry_after(problem.retry_after_seconds(), page)
}

/// Why a callback leads nowhere, and where to go from there: the same address again where that may help, or back.
pub(super) fn callback_failure(
    site: &Site,
    CallbackFailure {
        failure,
        return_target,
    }: CallbackFailure,
) -> Response {
    let problem = problem_from(failure);
    let back = return_target.as_ref().map(Url::as_str).or(site.home());
    let way_on = if problem.status().is_server_error() {
        Some(WayOn {
            address: "",
            words: "Try again",
        })
    } else {
        back.map(|address| WayOn {
            address,
            words: "Go back to the application",
        })
    };
    let sentence = sentence(&problem);
    let says = (FAILED, sentence.as_str(), way_on);
    let page = show_message(site, problem.status(), says, &[]);
    with_retry_after(problem.retry_after_seconds(), page)
}

/// A page among the settings that says what went wrong.
pub(super) fn settings_failure(site: &Site, failure: Failure) -> Response {
    settings_problem(site, &problem_from(failure))
}

/// A page among the settings that says what went wrong, of what is a problem already.
pub(super) fn settings_problem(site: &Site, problem: &Problem) -> Response {
    let page = settings_message(site, problem.status(), FAILED, &sentence(problem));
    with_retry_after(problem.retry_after_seconds(), page)
}

pub(super) const FAILED: &str = "That did not work";

fn with_retry_after(seconds: Option<u32>, mut page: Response) -> Response {
    if let Some(seconds) = seconds {
        page.headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    page
}

/// Whoever did something too often is told when to come back, also by a page that says other things as well.
pub fn when_to_come_back(answer: Response) -> Response {
    let is_told = answer.headers().contains_key(RETRY_AFTER);
    let is_limited = answer.status() == StatusCode::TOO_MANY_REQUESTS;
    with_retry_after((is_limited && !is_told).then_some(60), answer)
}

pub(super) fn sentence(problem: &Problem) -> String {
    if let Some(cause) = problem.internal_cause() {
        tracing::error!(code = problem.code(), error = %with_sources(cause), "a page could not be shown");
    }
    of_problem(problem)
}

/// What to say of a problem: where its detail tells which limit was reached, that.
pub(crate) fn of_problem(problem: &Problem) -> String {
    match (problem.code(), problem.public_detail()) {
        ("too_many_requests", Some(detail)) => messages::as_sentence(detail),
        (code, _) => messages::for_code(code).to_owned(),
    }
}

/// What people get wherever programs get a problem: on unknown paths, for wrong methods, for what can't be read.
pub fn error_pages(site: Arc<Site>) -> ErrorPages {
    let page = move |problem: &Problem| {
        // Nobody reads what is fetched ahead of time.
        if problem.code() == ErrorCode::FetchedAhead.as_str() {
            return None;
        }
        let (title, sentence) = told(problem);
        let words = format!("Back to {}", site.brand.product_name);
        let way_on = site.home().map(|address| WayOn {
            address,
            words: &words,
        });
        let says = (title, sentence.as_str(), way_on);
        let ancestors = &site.frame_ancestors;
        Some(show_message(&site, problem.status(), says, ancestors))
    };
    ErrorPages::new(page, lenient_address::intended_path)
}

fn told(problem: &Problem) -> (&'static str, String) {
    let (title, sentence) = match problem.status() {
        StatusCode::NOT_FOUND => (
            "There is no such page",
            "Check that the whole address was copied, or start again from the application.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "There is nothing to see at this address",
            "It is used by pages and programs behind the scenes. Start again from the application.",
        ),
        status if status.is_client_error() && problem.code() == "invalid_request" => (
            "That could not be understood",
            "Something is missing in the address or in what was sent, or too much is there, so nothing was changed. \
             Start again from the application.",
        ),
        _ => return (FAILED, of_problem(problem)),
    };
    (title, sentence.to_owned())
}

/// Where a form may end up that leads to Microsoft: there, and where people go from there. Browsers hold a form to its
/// policy over all redirects that follow, and whom Microsoft knows already passes it, and our callback, without a page:
/// straight back to the application.
pub(super) fn by_way_of_microsoft(site: &Site) -> Vec<String> {
    let microsoft = site.entra.authority().origin().ascii_serialization();
    let back = site.return_origins.iter().map(Origin::as_str);
    std::iter::once(microsoft)
        .chain(back.map(str::to_owned))
        .collect()
}

/// Renders a page that stands alone. `leads_to`: where a form on it may end up, besides here.
pub(super) fn show(status: StatusCode, page: &impl Template, leads_to: &[String]) -> Response {
    show_embeddable(status, page, leads_to, &[])
}

/// Renders a page that these origins may show within one of their own.
pub(super) fn show_embeddable(
    status: StatusCode,
    page: &impl Template,
    leads_to: &[String],
    ancestors: &[Origin],
) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => return ApiError::from(Failure::Internal(error.into())).into_response(),
    };
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    // An origin has no character that a header may not have.
    if let Ok(policy) = HeaderValue::try_from(policy(leads_to, ancestors)) {
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

fn policy(leads_to: &[String], ancestors: &[Origin]) -> String {
    let forms = std::iter::once("'self'").chain(leads_to.iter().map(String::as_str));
    let forms = forms.collect::<Vec<_>>().join(" ");
    let ancestors = match ancestors {
        [] => "'none'".to_owned(),
        some => some
            .iter()
            .map(Origin::as_str)
            .collect::<Vec<_>>()
            .join(" "),
    };
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action {forms}; base-uri 'none'; frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_named_may_embed_a_page() {
        let one = Origin::parse("https://app.example").unwrap();
        let two = Origin::parse("https://www.app.example:8443").unwrap();
        assert!(policy(&[], &[]).ends_with("; frame-ancestors 'none'"));
        assert!(
            policy(&[], &[one, two])
                .ends_with("; frame-ancestors https://app.example https://www.app.example:8443")
        );
    }

    #[test]
    fn a_form_leads_here_or_where_it_is_meant_to() {
        assert!(policy(&[], &[]).contains("; form-action 'self'; "));
        let there = ["https://login.example:444", "https://app.example"].map(str::to_owned);
        assert!(
            policy(&there, &[])
                .contains("; form-action 'self' https://login.example:444 https://app.example; ")
        );
    }
}
