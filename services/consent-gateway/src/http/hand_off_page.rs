//! The page behind a link for an administrator. Whoever has the link may read it and go on; opening it does nothing, for
//! programs that scan mail open every link.

use askama::Template;
use assent_domain::permissions::PermissionSet;
use assent_service_kit::ApiPath;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::layout::Layout;
use super::{Shared, pages, see_other, words};
use crate::failure::Failure;
use crate::flow::Aim;
use crate::gateway::Gateway;
use crate::hand_off::{Closed, HandOff, HandOffToken};
use crate::use_cases::hand_off::{self, Begun};

#[derive(Template)]
#[template(path = "hand_off.html")]
struct HandOffPage<'a> {
    layout: Layout<'a>,
    account: &'a str,
    requested_by: &'a str,
    tenant: Option<Uuid>,
    items: Vec<Item>,
    decides_for_everyone: bool,
    expires_at: Timestamp,
    expires_on: String,
    problem: Option<&'static str>,
}

/// A permission in words.
struct Item {
    name: &'static str,
    meaning: &'static str,
    scopes: String,
}

/// The form on it.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    administrator_confirmed: Option<String>,
}

pub(super) async fn open(
    State(shared): State<Shared>,
    ApiPath(token): ApiPath<String>,
) -> Response {
    let gateway = &shared.gateway;
    match token_of(&token) {
        Ok(token) => match hand_off::open(gateway, &token).await {
            Ok(found) => page(gateway, &found, StatusCode::OK, None),
            Err(failure) => failed(gateway, failure),
        },
        Err(failure) => failed(gateway, failure),
    }
}

pub(super) async fn begin(
    State(shared): State<Shared>,
    ApiPath(token): ApiPath<String>,
    answer: Result<Form<Answer>, FormRejection>,
) -> Response {
    let gateway = &shared.gateway;
    // A form that can't be read has no box that is ticked.
    let confirmed =
        answer.is_ok_and(|Form(answer)| answer.administrator_confirmed.as_deref() == Some("true"));
    let begun = match token_of(&token) {
        Ok(token) if confirmed => hand_off::begin(gateway, &token).await,
        Ok(token) => {
            return match hand_off::open(gateway, &token).await {
                Ok(found) => page(
                    gateway,
                    &found,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    Some(
                        "Tick the box if you are an administrator. If you are not, forward the link to one.",
                    ),
                ),
                Err(failure) => failed(gateway, failure),
            };
        }
        Err(failure) => Err(failure),
    };
    match begun {
        Ok(Begun::Started(started)) => match Url::parse(&started.authorize_url) {
            Ok(url) => see_other(&url),
            Err(error) => failed(gateway, Failure::Internal(error.into())),
        },
        Ok(Begun::Closed(closed)) => over(gateway, closed),
        Err(failure) => failed(gateway, failure),
    }
}

fn token_of(text: &str) -> Result<HandOffToken, Failure> {
    HandOffToken::parse(text).ok_or(Failure::NotFound("there is no such link"))
}

fn failed(gateway: &Gateway, failure: Failure) -> Response {
    if matches!(failure, Failure::NotFound(_)) {
        return pages::message(
            gateway,
            StatusCode::NOT_FOUND,
            "There is no such link",
            "Check that the whole address was copied, or ask whoever sent it for another one.",
        );
    }
    pages::failure(gateway, failure)
}

fn page(
    gateway: &Gateway,
    found: &HandOff,
    status: StatusCode,
    problem: Option<&'static str>,
) -> Response {
    if let Err(closed) = found.require_open(Timestamp::now()) {
        return over(gateway, closed);
    }
    let page = HandOffPage {
        layout: Layout::of(gateway),
        account: found.account.as_str(),
        requested_by: found.requested_by.as_str(),
        tenant: found.tenant.map(|tenant| tenant.id),
        items: items(gateway, found.permissions.into()),
        decides_for_everyone: found.aim == Aim::AdministratorConsent,
        expires_at: found.expires_at,
        expires_on: found.expires_at.strftime("%-d %B %Y, %H:%M").to_string(),
        problem,
    };
    pages::show(status, &page, &pages::by_way_of_microsoft(gateway))
}

fn items(gateway: &Gateway, permissions: PermissionSet) -> Vec<Item> {
    let email = permissions.email;
    let asked = permissions.kinds();
    let items = asked.iter().map(|permission| Item {
        name: words::name(permission),
        meaning: words::meaning(permission, email),
        scopes: gateway.scopes.of(words::only(permission, email)).join(" "),
    });
    items.collect()
}

fn over(gateway: &Gateway, closed: Closed) -> Response {
    let (status, title, sentence) = match closed {
        Closed::Completed => (
            StatusCode::OK,
            "Already approved",
            "An administrator of your organisation has accepted already. There is nothing left to do.",
        ),
        Closed::Cancelled | Closed::Expired => (
            StatusCode::GONE,
            "This link is over",
            "It was cancelled or has expired. Ask whoever sent it for another one.",
        ),
        Closed::UsedTooOften => (
            StatusCode::TOO_MANY_REQUESTS,
            "This link was used very often",
            "Ask whoever sent it for another one.",
        ),
        Closed::Completing => (
            StatusCode::CONFLICT,
            "Just a moment",
            "Somebody's acceptance is being recorded at this moment. Look again in a minute.",
        ),
    };
    pages::message(gateway, status, title, sentence)
}
