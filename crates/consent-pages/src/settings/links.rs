//! Links for an administrator, on the settings pages: how each stands, and the page that shows a new one.

use askama::Template;
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::HandOffPurpose;
use assent_consent_core::hand_off::{
    HandOff, HandOffClosed, HandOffStage, HandOffState, HandOffToken,
};
use assent_consent_core::messages;
use assent_consent_core::names::Names;
use assent_consent_core::use_cases::hand_off::{self, HandOffRequest, HandOffRequester};
use assent_domain::ids::UserId;
use assent_domain::refusal::Refusal;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::{Frame, done, show};
use crate::labels::{self, When};
use crate::layout::Layout;
use crate::page_query::Done;
use crate::session::InSession;
use crate::site::Site;

/// How many are listed; the newest.
pub(super) const LISTED: usize = 5;

/// One link. The link itself was told once, to whoever made it.
pub(super) struct LinkView {
    pub(super) id: String,
    pub(super) asked_by: String,
    pub(super) asks_for: String,
    pub(super) made_at: When,
    pub(super) state: &'static str,
    /// How the page marks it.
    pub(super) class: &'static str,
    pub(super) remark: Option<&'static str>,
    pub(super) is_open: bool,
}

impl LinkView {
    pub(super) fn new(link: &HandOff, now: Timestamp) -> Self {
        let remark = match &link.stage {
            _ if link.require_open(now) == Err(HandOffClosed::Outdated) => {
                Some(messages::for_code(Refusal::FlowExpired.code()))
            }
            HandOffStage::Refused { code, .. } => Some(messages::for_code(code)),
            HandOffStage::Idle
            | HandOffStage::Started { .. }
            | HandOffStage::Completing { .. }
            | HandOffStage::Completed { .. }
            | HandOffStage::Cancelled { .. } => None,
        };
        let (state, class) = match link.state(now) {
            HandOffState::Waiting => ("not opened yet", ""),
            HandOffState::Opened => ("opened", "waiting"),
            HandOffState::Started => ("somebody is at Microsoft with it", "waiting"),
            HandOffState::Refused => ("tried without success; it can be used again", "waiting"),
            HandOffState::Completed => ("approved", "on"),
            HandOffState::Cancelled => ("cancelled", "stopped"),
            HandOffState::Expired => ("expired", "stopped"),
        };
        Self {
            id: link.id.to_string(),
            asked_by: link.requested_by.to_string(),
            asks_for: labels::list(link.permissions.into()),
            made_at: When(link.created_at),
            state,
            class,
            remark,
            is_open: link.require_open(now).is_ok(),
        }
    }
}

#[derive(Template)]
#[template(path = "administrator_link.html")]
struct NewLinkPage<'a> {
    layout: Layout<'a>,
    frame: Frame<'a>,
    url: &'a str,
    asks_for: String,
    decides_for_everyone: bool,
    until: When,
    back: &'a str,
}

/// Makes a link, and shows it; from there it goes back to the page that its form is on.
pub(super) async fn make(
    site: &Site,
    session: &InSession,
    request: HandOffRequest,
    back: &Url,
) -> Result<Response, Failure> {
    let requester = HandOffRequester {
        user: session.session.user.clone(),
        names: Names::from_caller(&session.session.caller()),
    };
    let (link, url) = hand_off::create(site, &session.session.account, requester, request).await?;
    let page = NewLinkPage {
        layout: Layout::new(site),
        frame: Frame::new(site, session, ""),
        url: url.as_str(),
        asks_for: labels::list(link.permissions.into()),
        decides_for_everyone: link.purpose == HandOffPurpose::AdministratorConsent,
        until: When(link.expires_at),
        back: back.path(),
    };
    Ok(show(site, StatusCode::CREATED, &page))
}

/// What the link of a form is to be. A form that says nothing that a page of ours would say makes a new one each time.
pub(super) fn token(session: &InSession, link: Option<&str>) -> Option<HandOffToken> {
    let id = Uuid::try_parse(link?).ok()?;
    let is_ours = id.get_version() == Some(uuid::Version::SortRand);
    let account = session.session.account.clone();
    is_ours.then(|| HandOffToken::of_form(account, id, &session.secret))
}

/// Cancels a link, by this click or by an earlier one, and goes back to the page that its form is on. `only_of`: only where
/// this user made it.
pub(super) async fn cancel(
    site: &Site,
    session: &InSession,
    id: Uuid,
    only_of: Option<&UserId>,
    back: &Url,
) -> Result<Response, Failure> {
    let (account, by) = (&session.session.account, &session.session.user);
    match hand_off::cancel(site, account, id, by, only_of).await {
        Err(Failure::Refused(Refusal::FlowAlreadyUsed)) => {
            let found = hand_off::find(site, account, id, only_of).await?;
            match found.stage {
                HandOffStage::Cancelled { .. } => {}
                HandOffStage::Idle
                | HandOffStage::Started { .. }
                | HandOffStage::Refused { .. }
                | HandOffStage::Completing { .. }
                | HandOffStage::Completed { .. } => return Err(Refusal::FlowAlreadyUsed.into()),
            }
        }
        cancelled => drop(cancelled?),
    }
    Ok(done(back, session, Done::LinkCancelled, site.now()))
}
