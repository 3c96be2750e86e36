//! Microsoft sends the browser back.

use assent_consent_core::use_cases::handle_callback::{self, CallbackFailure};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::{Shared, browser, page, see_other};
use crate::problem::ApiError;
use crate::site::Site;

/// `GET /callbacks/microsoft/admin-consent`
pub(super) async fn admin_consent(
    State(shared): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let site = &shared.site;
    let (browser, returning) = browser::returning(site, &headers).await;
    let query = query.unwrap_or_default();
    let taken = handle_callback::admin_consent(site, &query, &returning).await;
    let response = sent_on(site, &headers, taken);
    // The second callback has to come from the same browser.
    browser.remembered(site, response)
}

/// `GET /callbacks/microsoft/authorize`
pub(super) async fn authorize(
    State(shared): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let site = &shared.site;
    let (_, returning) = browser::returning(site, &headers).await;
    let query = query.unwrap_or_default();
    let taken = handle_callback::authorize(site, &query, &returning).await;
    sent_on(site, &headers, taken)
}

/// A browser is sent on. Where that can't be, a person is told why on a page that leads on, and a program by a problem.
fn sent_on(site: &Site, headers: &HeaderMap, to: Result<Url, CallbackFailure>) -> Response {
    match to {
        Ok(url) => see_other(&url),
        Err(callback_failure) if page::wants_a_page(headers) => {
            page::callback_failure(site, callback_failure)
        }
        Err(callback_failure) => ApiError::from(callback_failure.failure).into_response(),
    }
}
