//! The last step of a user's own consent where nobody knew whose mailbox to expect: whoever began it confirms it, by
//! the session.
//!
//! If the browser comes back in the very session that it left in, that is the confirmation: the person chose here, and
//! signed in at Microsoft a moment ago. In any other session of the same user, they are asked: somebody who had been
//! given a session of another's could otherwise lose their mailbox to that other.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::layout::Layout;
use super::session::{InSession, Posted};
use super::{Shared, pages, see_other};
use crate::failure::Failure;
use crate::flow::{Flow, Stage};
use crate::gateway::Gateway;
use crate::records::Stored;
use crate::use_cases::{confirm_grant, look_up};

#[derive(Template)]
#[template(path = "confirmation.html")]
struct ConfirmationPage<'a> {
    layout: Layout<'a>,
    user: &'a str,
    account: &'a str,
    object_id: Uuid,
    tenant_id: Uuid,
    proof: &'a str,
    flow: Uuid,
    confirm: &'a str,
    base: &'a str,
}

/// The browser came back with a `confirm` value.
pub(super) async fn land(
    gateway: &Gateway,
    session: &InSession,
    flow: Uuid,
    confirm: &str,
) -> Result<Response, Failure> {
    let stored = look_up::own_flow(gateway, &session.session.caller(), flow).await?;
    let Stage::AwaitingConfirmation { identity, .. } = &stored.value.stage else {
        return Ok(see_other(&ended(gateway, flow)));
    };
    let identity = *identity;
    let left_from_here = stored
        .value
        .session
        .as_ref()
        .is_some_and(|begun| begun.as_str() == session.secret.digest().as_str());
    if left_from_here {
        return confirmed(gateway, stored, confirm).await;
    }
    let page = ConfirmationPage {
        layout: Layout::of(gateway),
        user: session.session.user.as_str(),
        account: session.session.account.as_str(),
        object_id: identity.object_id,
        tenant_id: identity.tenant.id,
        proof: session.proof.expose(),
        flow,
        confirm,
        base: gateway.addresses.base_path(),
    };
    let ancestors = &gateway.frame_ancestors;
    Ok(pages::show_embeddable(
        StatusCode::OK,
        &page,
        &[],
        ancestors,
    ))
}

/// The form on the page.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    flow: Uuid,
    confirm: String,
}

/// `POST /settings/account/confirmation`
pub(super) async fn confirm(
    State(shared): State<Shared>,
    Posted { session, form }: Posted<Answer>,
) -> Response {
    let gateway = &shared.gateway;
    let answered = async {
        let caller = session.session.caller();
        let stored = look_up::own_flow(gateway, &caller, form.flow).await?;
        confirmed(gateway, stored, &form.confirm).await
    };
    answered
        .await
        .unwrap_or_else(|failure| pages::settings_failure(gateway, failure))
}

/// Records it, and shows how it went: whatever was refused stands in the flow.
async fn confirmed(
    gateway: &Gateway,
    stored: Stored<Flow>,
    confirm: &str,
) -> Result<Response, Failure> {
    let flow = stored.value.id;
    match confirm_grant::confirm_grant(gateway, stored, confirm).await {
        Ok(_) | Err(Failure::Refused(_)) => Ok(see_other(&ended(gateway, flow))),
        Err(failure) => Err(failure),
    }
}

fn ended(gateway: &Gateway, flow: Uuid) -> Url {
    let mut url = gateway.addresses.account_settings.clone();
    url.query_pairs_mut().append_pair("flow", &flow.to_string());
    url
}
