//! The settings pages: Settings > Account and Settings > My account.
//!
//! Each is rendered from the log as it is now. A form changes something and sends the browser back to its page, so that
//! going back or loading again repeats nothing; a form that can't be carried out is answered with the page and why.

pub(super) mod account;
mod account_view;
pub(super) mod company;
mod company_dialog;
mod company_view;
mod damaged_account;
mod history;
mod links;
pub(super) mod notice;

use askama::Template;
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::FlowView;
use assent_consent_core::reasons::InvalidRequest;
use assent_consent_core::rights;
use assent_consent_core::use_cases::queries;
use assent_contract::command::FlowStarted;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::layout::Layout;
use super::session::InSession;
use super::{outcome_page, page, see_other, session};
use crate::page_query::{Done, PageQuery};
use crate::site::Site;

/// What stands around every page of the settings.
struct Frame<'a> {
    /// Which of the pages this is.
    here: &'static str,
    /// Whether the company's page is shown to this person.
    is_manager: bool,
    user: &'a str,
    account: &'a str,
    proof: &'a str,
    /// What stands before every path of ours.
    base: &'a str,
    /// The link that a form of this page makes: one, however often the form is sent.
    new_link: Uuid,
}

impl<'a> Frame<'a> {
    fn new(site: &'a Site, session: &'a InSession, here: &'static str) -> Self {
        Self {
            here,
            is_manager: rights::manager(&session.session.caller(), &session.session.account)
                .is_ok(),
            user: session.session.user.as_str(),
            account: session.session.account.as_str(),
            proof: session.proof.expose(),
            base: site.addresses.base_path(),
            new_link: Uuid::now_v7(),
        }
    }
}

/// A page of the settings. Its forms may lead to Microsoft.
fn show(site: &Site, status: StatusCode, page: &impl Template) -> Response {
    let leads_to = page::by_way_of_microsoft(site);
    page::show_embeddable(status, page, &leads_to, &site.frame_ancestors)
}

/// Back to a page, which says what was done: in this session only, and not for long.
fn done(page: &Url, session: &InSession, done: Done, now: Timestamp) -> Response {
    let mut to = page.clone();
    let told = session.secret.vouch(done.as_str(), now);
    to.query_pairs_mut()
        .append_pair("done", done.as_str())
        .append_pair("told", &told);
    see_other(&to)
}

/// On to Microsoft. Its pages can't be shown in a frame: there, a link leads out of it.
fn to_microsoft(
    site: &Site,
    headers: &HeaderMap,
    started: &FlowStarted,
) -> Result<Response, Failure> {
    let url =
        Url::parse(&started.authorize_url).map_err(|error| Failure::Internal(error.into()))?;
    let in_a_frame = headers
        .get("sec-fetch-dest")
        .is_some_and(|destination| destination == "iframe");
    if !in_a_frame {
        return Ok(see_other(&url));
    }
    let page = OnToMicrosoft {
        layout: Layout::new(site),
        url: url.as_str(),
    };
    Ok(show(site, StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "on_to_microsoft.html")]
struct OnToMicrosoft<'a> {
    layout: Layout<'a>,
    url: &'a str,
}

/// A page of the settings, for whoever has a session. Without one there still is something to say to somebody whom the
/// host application sent to Microsoft without naming an address to come back to.
async fn in_session(
    site: &Site,
    headers: &HeaderMap,
    title: &str,
    query: &PageQuery,
    page: impl AsyncFnOnce(InSession) -> Result<Response, Failure>,
) -> Response {
    match InSession::find(site, headers).await {
        Ok(Some(session)) => answered(site, page(session).await),
        Ok(None) => match outcome_page::settings(site, title, query).await {
            Ok(outcome) => outcome.unwrap_or_else(|| session::none(site)),
            Err(failure) => answered(site, Err(failure)),
        },
        Err(failure) => answered(site, Err(failure)),
    }
}

/// What we know ourselves of the flow that an address names. Of somebody else's there is nothing to say.
async fn flow_of(
    site: &Site,
    session: &InSession,
    query: &PageQuery,
) -> Result<Option<FlowView>, Failure> {
    let Some(flow) = query.flow() else {
        return Ok(None);
    };
    match queries::own_flow(site, &session.session.caller(), flow).await {
        Ok(stored) => Ok(Some(queries::view_of_flow(site, &stored.value).await)),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A page, or in its place why there is none.
fn answered(site: &Site, page: Result<Response, Failure>) -> Response {
    page.unwrap_or_else(|failure| page::settings_failure(site, failure))
}

/// Whether a box of a form was ticked.
fn is_ticked(field: Option<&String>) -> bool {
    field.is_some_and(|value| value == "true")
}

/// A form that no page of ours has sent.
fn unreadable() -> Failure {
    Failure::Invalid(InvalidRequest::Form)
}
