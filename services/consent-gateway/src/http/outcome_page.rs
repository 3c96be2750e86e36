//! Where a browser lands that nobody asked back: it says in a sentence what happened.

use assent_service_kit::ApiQuery;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Shared, pages};
use crate::wording;

/// What a callback says of a flow. It only chooses among our own sentences: nothing of the address reaches the page.
#[derive(Debug, Deserialize)]
pub(super) struct Landing {
    outcome: Option<String>,
    reason: Option<String>,
}

pub(super) async fn company(
    State(shared): State<Shared>,
    ApiQuery(landing): ApiQuery<Landing>,
) -> Response {
    settings_page(&shared, "Settings of the company", &landing)
}

pub(super) async fn account(
    State(shared): State<Shared>,
    ApiQuery(landing): ApiQuery<Landing>,
) -> Response {
    settings_page(&shared, "Settings of my account", &landing)
}

/// The administrator came by a link, and may have no account here to go back to.
pub(super) async fn hand_off(
    State(shared): State<Shared>,
    ApiQuery(landing): ApiQuery<Landing>,
) -> Response {
    if landing.outcome.as_deref() == Some("completed") {
        return pages::message(
            &shared.gateway,
            StatusCode::OK,
            "Thank you",
            "Your consent was verified with Microsoft and recorded. You can close this page; whoever sent you the link \
             sees that it is done.",
        );
    }
    page(&shared, "Approval for your organisation", &landing)
}

fn page(shared: &Shared, title: &'static str, landing: &Landing) -> Response {
    pages::message(&shared.gateway, StatusCode::OK, title, sentence(landing))
}

fn settings_page(shared: &Shared, title: &'static str, landing: &Landing) -> Response {
    pages::settings_message(&shared.gateway, StatusCode::OK, title, sentence(landing))
}

fn sentence(landing: &Landing) -> &'static str {
    let of_reason = landing.reason.as_deref().map(wording::of);
    let of_outcome = landing.outcome.as_deref().and_then(wording::of_outcome);
    match (of_outcome, of_reason) {
        (Some(_), Some(sentence)) | (Some(sentence), None) => sentence,
        (None, _) => "There is nothing to see here. Go back to the application.",
    }
}
