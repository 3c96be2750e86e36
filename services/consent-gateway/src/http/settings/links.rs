//! Links for an administrator, on the settings pages: how each stands, and the page that shows a new one.

use askama::Template;
use assent_domain::refusal::Refusal;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use url::Url;

use super::{Frame, show};
use crate::flow::Aim;
use crate::gateway::Gateway;
use crate::hand_off::{Closed, HandOff, LinkState, Stage};
use crate::http::layout::Layout;
use crate::http::session::InSession;
use crate::http::words::{self, When};
use crate::wording;

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
    pub(super) fn of(link: &HandOff) -> Self {
        let now = Timestamp::now();
        let remark = match &link.stage {
            _ if link.require_open(now) == Err(Closed::Outdated) => {
                Some(wording::of(Refusal::FlowExpired.code()))
            }
            Stage::Refused { code, .. } => Some(wording::of(code)),
            Stage::Idle
            | Stage::Started { .. }
            | Stage::Completing { .. }
            | Stage::Completed { .. }
            | Stage::Cancelled { .. } => None,
        };
        let (state, class) = match link.state(now) {
            LinkState::Waiting => ("not opened yet", ""),
            LinkState::Opened => ("opened", "waiting"),
            LinkState::Started => ("somebody is at Microsoft with it", "waiting"),
            LinkState::Refused => ("tried without success; it can be used again", "waiting"),
            LinkState::Completed => ("approved", "on"),
            LinkState::Cancelled => ("cancelled", "stopped"),
            LinkState::Expired => ("expired", "stopped"),
        };
        Self {
            id: link.id.to_string(),
            asked_by: link.requested_by.to_string(),
            asks_for: words::list(link.permissions.into()),
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

/// Shows a link that was made just now.
pub(super) fn show_new(
    gateway: &Gateway,
    session: &InSession,
    link: &HandOff,
    url: &Url,
    back: &Url,
) -> Response {
    let page = NewLinkPage {
        layout: Layout::of(gateway),
        frame: Frame::of(gateway, session, ""),
        url: url.as_str(),
        asks_for: words::list(link.permissions.into()),
        decides_for_everyone: link.aim == Aim::AdministratorConsent,
        until: When(link.expires_at),
        back: back.path(),
    };
    show(gateway, StatusCode::CREATED, &page)
}
