//! Where a browser lands that nobody asked back, and that is in no session: it says in a sentence what happened.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::settings::notice::Landing;
use super::{Shared, pages};
use crate::flow::FlowState;
use crate::gateway::Gateway;
use crate::wording;

/// The administrator came by a link, and may have no account here to go back to.
pub(super) async fn hand_off(State(shared): State<Shared>, landing: Landing) -> Response {
    let gateway = &shared.gateway;
    if landing.state() == Some(FlowState::Completed) {
        return pages::message(
            gateway,
            StatusCode::OK,
            "Thank you",
            "Your consent was verified with Microsoft and recorded. You can close this page; whoever sent you the link \
             sees that it is done.",
        );
    }
    let title = "Approval for your organisation";
    pages::message(gateway, StatusCode::OK, title, sentence(&landing))
}

/// The same in place of one of the settings pages.
pub(super) fn settings(gateway: &Gateway, title: &str, landing: &Landing) -> Response {
    pages::settings_message(gateway, StatusCode::OK, title, sentence(landing))
}

/// It only chooses among our own sentences: nothing of the address reaches the page.
fn sentence(landing: &Landing) -> &'static str {
    let of_reason = landing.reason.as_deref().map(wording::of);
    let of_state = landing.state().and_then(wording::of_state);
    match (of_state, of_reason) {
        (Some(_), Some(sentence)) | (Some(sentence), None) => sentence,
        (None, _) => "There is nothing to see here. Go back to the application.",
    }
}
