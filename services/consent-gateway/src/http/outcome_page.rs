//! Where a browser lands that nobody asked back: it says in a sentence what happened.

use assent_service_kit::ApiQuery;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

/// What a callback says of a flow. It is shown, never believed.
#[derive(Debug, Deserialize)]
pub(super) struct Landing {
    outcome: Option<String>,
}

pub(super) async fn company(ApiQuery(landing): ApiQuery<Landing>) -> Response {
    page("Settings of the company", landing.outcome.as_deref())
}

pub(super) async fn account(ApiQuery(landing): ApiQuery<Landing>) -> Response {
    page("Settings of my account", landing.outcome.as_deref())
}

/// Only our own sentences are shown: nothing of the address reaches the page.
fn page(title: &'static str, outcome: Option<&str>) -> Response {
    let sentence = match outcome {
        Some("completed") => "Done: the permissions were recorded.",
        Some("awaiting_confirmation") => {
            "Almost done: go back to the application to confirm the permissions."
        }
        Some("declined") => "The request was declined at Microsoft. Nothing was granted.",
        Some("refused") => {
            "The request could not be completed. Nothing was granted; go back to the \
             application to see why."
        }
        Some("expired") => "The request has expired. Go back to the application and start again.",
        Some("undetermined") => {
            "The request ended without an answer. Nothing was granted; go back to the \
             application and start again."
        }
        Some(_) | None => "There is nothing to see here. Go back to the application.",
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <h1>{title}</h1><p>{sentence}</p></html>"
    );
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    ([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}
