//! Where a browser lands that nobody asked back, and that is in no session: it says in a sentence what happened.

use assent_consent_core::failure::Failure;
use assent_consent_core::flow::{FlowState, FlowView};
use assent_consent_core::messages;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{PageState, page};
use crate::page_errors::{HandOffOutcome, PageErrors};
use crate::page_query::PageQuery;
use crate::site::Site;

/// Where an administrator's flow by a link ends
///
/// Whoever only looks changes nothing: HEAD is 405, and a browser that fetches it before anybody asked (Sec-Purpose:
/// prefetch) is answered 503 and comes again.
#[utoipa::path(
    get,
    path = "/hand-off-outcome",
    operation_id = "handOffOutcome",
    params(
        ("outcome" = Option<String>, Query, description = "not believed, and not shown: what is said comes from the flow itself"),
        ("reason" = Option<String>, Query, description = "not believed, and not shown: what is said comes from the flow itself"),
        ("flow" = Option<String>, Query),
    ),
    responses(
        (status = OK, description = "a page that says what happened", content_type = "text/html", body = String),
        PageErrors<HandOffOutcome>
    ),
    security()
)]
pub(super) async fn hand_off(State(shared): State<PageState>, query: PageQuery) -> Response {
    let site = &shared.site;
    let ended = match ended(site, &query).await {
        Ok(ended) => ended,
        Err(failure) => return page::failure(site, failure),
    };
    if ended.as_ref().map(|flow| flow.state) == Some(FlowState::Completed) {
        return page::message(
            site,
            StatusCode::OK,
            "Thank you",
            "The consent was verified with Microsoft and recorded. You can close this page; whoever sent you the link \
             sees that it is done.",
        );
    }
    let title = "Approval for your organisation";
    let sentence = ended.as_ref().and_then(sentence).unwrap_or(NOTHING);
    page::message(site, StatusCode::OK, title, sentence)
}

const NOTHING: &str = "There is nothing to see here. Go back to the application.";

/// How a flow ended, in place of one of the settings pages; `None` where the address names no flow of ours that went anywhere.
pub(super) async fn settings(
    site: &Site,
    title: &str,
    query: &PageQuery,
) -> Result<Option<Response>, Failure> {
    let ended = ended(site, query).await?;
    let sentence = ended.as_ref().and_then(sentence);
    Ok(sentence.map(|sentence| page::settings_message(site, StatusCode::OK, title, sentence)))
}

/// How the flow stands that the address names. What else an address says of it is not believed: anybody can write one.
async fn ended(site: &Site, query: &PageQuery) -> Result<Option<FlowView>, Failure> {
    let Some(flow) = query.flow() else {
        return Ok(None);
    };
    let found = site.flows.find(flow).await?;
    Ok(found.map(|stored| stored.value.view(site.now())))
}

fn sentence(flow: &FlowView) -> Option<&str> {
    let of_state = messages::for_state(flow.state)?;
    let of_code = flow.code.as_deref().map(messages::for_code);
    Some(flow.detail.as_deref().or(of_code).unwrap_or(of_state))
}
