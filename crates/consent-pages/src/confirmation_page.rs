//! The last step of a user's own consent where nobody knew whose mailbox to expect: whoever is in front of the browser
//! is asked, and told both accounts by name and by id.
//!
//! They are asked in whatever session they come back, the very one included that they left in: anybody who has a token
//! of their own can have opened it in somebody else's browser. In a session that was opened from a site that is none of
//! the host application's they are not even asked.

use crate::session::WithProof;
use askama::Template;
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::Flow;
use assent_consent_core::kv_store::Versioned;
use assent_consent_core::use_cases::finish_own_consent::{GrantedScopes, Rehearsal, rehearse};
use assent_consent_core::use_cases::{confirm_grant, queries};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::layout::Layout;
use super::session::{InSession, Posted};
use super::{PageState, labels, page, see_other};
use crate::page_errors::{ConfirmGrantOnPage, PageErrors};
use crate::site::Site;

#[derive(Template)]
#[template(path = "confirmation.html")]
struct ConfirmationPage<'a> {
    layout: Layout<'a>,
    user: &'a str,
    user_name: Option<&'a str>,
    account: &'a str,
    account_name: Option<&'a str>,
    object_id: Uuid,
    tenant_id: Uuid,
    /// What would be granted, in words.
    granted: Vec<&'static str>,
    /// The Microsoft account whose grants would end.
    leaves: Option<Uuid>,
    proof: &'a str,
    flow: Uuid,
    confirm: &'a str,
    base: &'a str,
}

/// The browser came back with a `confirm` value.
pub(super) async fn land(
    site: &Site,
    session: &InSession,
    flow: Uuid,
    confirm: &str,
) -> Result<Response, Failure> {
    let caller = session.session.caller();
    let stored = queries::own_flow(site, &caller, flow).await?;
    let Some(held) = GrantedScopes::waiting_in(&stored.value) else {
        return Ok(see_other(&ended(site, flow)));
    };
    if session.session.opened_elsewhere {
        return Ok(not_bound(site));
    }
    let rehearsal = match rehearse(site, &stored.value, &held).await {
        Ok(rehearsal) => rehearsal,
        // Nothing of it can be granted any more: the flow says so.
        Err(Failure::Refused(_)) => return Ok(see_other(&ended(site, flow))),
        Err(failure) => return Err(failure),
    };
    let page = ConfirmationPage {
        layout: Layout::new(site),
        user: session.session.user.as_str(),
        user_name: caller.name.as_deref(),
        account: session.session.account.as_str(),
        account_name: caller.account_name.as_deref(),
        object_id: held.identity.object_id.0,
        tenant_id: held.identity.tenant.id.0,
        granted: granted(rehearsal),
        leaves: rehearsal.leaves.map(|left| left.object_id.0),
        proof: session.proof.expose(),
        flow,
        confirm,
        base: site.addresses.base_path(),
    };
    let ancestors = &site.frame_ancestors;
    Ok(page::show_embeddable(StatusCode::OK, &page, &[], ancestors))
}

fn granted(rehearsal: Rehearsal) -> Vec<&'static str> {
    let Rehearsal { granted, .. } = rehearsal;
    granted
        .kinds()
        .iter()
        .map(|permission| labels::meaning(permission, granted.email))
        .collect()
}

/// Somebody was led into a session that the host application did not open.
fn not_bound(site: &Site) -> Response {
    page::settings_message(
        site,
        StatusCode::FORBIDDEN,
        "Nothing was connected",
        "These settings were opened from another site than the application, so no Microsoft account is connected in \
         them. If you want to connect yours, open the settings from the application again, and choose there.",
    )
}

/// The form on the page.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ConfirmationForm {
    flow: Uuid,
    confirm: String,
}

/// Confirm a grant whose mailbox nobody could expect, on the page that names both accounts
#[utoipa::path(
    post,
    path = "/settings/account/confirmation",
    operation_id = "confirmGrantOnPage",
    request_body(content = WithProof<ConfirmationForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = SEE_OTHER, description = "done", headers(("Location" = url::Url))),
        PageErrors<ConfirmGrantOnPage>
    ),
    security(("session" = []))
)]
pub(super) async fn confirm(
    State(shared): State<PageState>,
    Posted { session, form }: Posted<ConfirmationForm>,
) -> Response {
    let site = &shared.site;
    if session.session.opened_elsewhere {
        return not_bound(site);
    }
    let answered = async {
        let caller = session.session.caller();
        let stored = queries::own_flow(site, &caller, form.flow).await?;
        confirmed(site, stored, &form.confirm).await
    };
    answered
        .await
        .unwrap_or_else(|failure| page::settings_failure(site, failure))
}

/// Records it, and shows how it went: whatever was refused stands in the flow.
async fn confirmed(
    site: &Site,
    stored: Versioned<Flow>,
    confirm: &str,
) -> Result<Response, Failure> {
    let flow = stored.value.id;
    match confirm_grant::confirm_grant(site, stored, confirm).await {
        Ok(_) | Err(Failure::Refused(_)) => Ok(see_other(&ended(site, flow))),
        Err(failure) => Err(failure),
    }
}

fn ended(site: &Site, flow: Uuid) -> Url {
    let mut url = site.addresses.account_settings.clone();
    url.query_pairs_mut().append_pair("flow", &flow.to_string());
    url
}
