//! Microsoft sends the browser back.

use assent_consent_core::use_cases::handle_callback::{self, CallbackFailure};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::{PageState, browser, page, see_other};
use crate::page_errors::{AdminConsentCallback, AuthorizeCallback, PageErrors};
use crate::problem::ApiError;
use crate::site::Site;

/// Microsoft's answer to an administrator's consent, through the browser
///
/// Whoever comes once more, with the same state, goes where the first visit went (to the administrator's page, or
/// with another confirm, only if the code is the same, too), and waits for its end if need be; a flow whose time is
/// over lands with outcome=expired. Errors are problem details, or a page in words with a way back where the request
/// accepts text/html. Whoever only looks changes nothing: HEAD is 405, and what a browser fetches before anybody
/// asked (Sec-Purpose: prefetch), or as a part of a page (Sec-Fetch-Mode other than navigate), is answered 503.
#[utoipa::path(
    get,
    path = "/callbacks/microsoft/admin-consent",
    operation_id = "adminConsentCallback",
    params(
        ("state" = String, Query, min_length = 1),
        ("tenant" = Option<String>, Query),
        ("admin_consent" = Option<String>, Query),
        ("scope" = Option<String>, Query),
        ("error" = Option<String>, Query),
        ("error_description" = Option<String>, Query),
        ("error_uri" = Option<String>, Query),
        ("error_subcode" = Option<String>, Query),
    ),
    responses(
        (status = SEE_OTHER, description = "on to Microsoft, or back to return_to (or the settings page) with ?flow=..&outcome=.., &reason=.. where the flow has a code, and &confirm=.. where a confirmation is awaited", headers(("Location" = url::Url))),
        PageErrors<AdminConsentCallback>
    ),
    security()
)]
pub(super) async fn admin_consent(
    State(shared): State<PageState>,
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

/// Microsoft's answer to a sign-in, through the browser
///
/// Whoever comes once more, with the same state, goes where the first visit went (to the administrator's page, or
/// with another confirm, only if the code is the same, too), and waits for its end if need be; a flow whose time is
/// over lands with outcome=expired. Errors are problem details, or a page in words with a way back where the request
/// accepts text/html. Whoever only looks changes nothing: HEAD is 405, and what a browser fetches before anybody
/// asked (Sec-Purpose: prefetch), or as a part of a page (Sec-Fetch-Mode other than navigate), is answered 503.
#[utoipa::path(
    get,
    path = "/callbacks/microsoft/authorize",
    operation_id = "authorizeCallback",
    params(
        ("state" = String, Query, min_length = 1),
        ("code" = Option<String>, Query),
        ("session_state" = Option<String>, Query),
        ("error" = Option<String>, Query),
        ("error_description" = Option<String>, Query),
        ("error_uri" = Option<String>, Query),
        ("error_subcode" = Option<String>, Query),
    ),
    responses(
        (status = SEE_OTHER, description = "on to the administrator's page, or back to return_to (or the settings page) with ?flow=..&outcome=.., &reason=.. where the flow has a code, and &confirm=.. where a confirmation is awaited", headers(("Location" = url::Url))),
        PageErrors<AuthorizeCallback>
    ),
    security()
)]
pub(super) async fn authorize(
    State(shared): State<PageState>,
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
