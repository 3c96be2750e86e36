//! The last step of an administrator's consent that did not begin and end in one session of our settings pages: the
//! proved administrator sees what it is for, and sends it off or says that it was not them.
//!
//! The page's address has a secret that only this browser was given, by the second callback. Its forms are sent by the page
//! alone. Looking at it changes nothing.

use askama::Template;
use assent_consent_core::flow::{self, Flow, HandOffPurpose, Purpose, VerifiedConsent};
use assent_consent_core::names::Names;
use assent_consent_core::use_cases::confirm_admin_consent::{self, ConfirmationClosed};
use assent_service_kit::ApiPath;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::browser::Browser;
use super::hand_off_page::{Item, items};
use super::labels::When;
use super::layout::Layout;
use super::page::{self, WayOn};
use super::{PageState, see_other};
use crate::page_errors::{DecideAsAdministrator, OpenAdministratorPage, PageErrors};
use crate::problem::problem_from;
use crate::site::Site;

#[derive(Template)]
#[template(path = "administrator_confirmation.html")]
struct AdministratorPage<'a> {
    layout: Layout<'a>,
    /// The company by its name, or by its id where nobody vouches for a name.
    company: &'a str,
    account: &'a str,
    requested_by: &'a str,
    names: &'a Names,
    tenant: Uuid,
    tenant_domain: Option<&'a str>,
    object_id: Uuid,
    items: Vec<Item>,
    decides_for_everyone: bool,
    /// Whether an administrator has decided before.
    replaces: bool,
    proof: &'a str,
    until: When,
}

/// The forms on it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AdministratorForm {
    /// What the page's form carries; it belongs to the page, and to the browser by its cookie assent_browser (with https
    /// __Host-assent_browser).
    proof: String,
    decision: Decision,
}

/// What the administrator says.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Confirm,
    /// Somebody else consented, or the administrator did not mean it.
    Refuse,
}

/// The page on which a proved administrator sees what their consent is for
///
/// The second callback leads here wherever the flow was not begun, and did not come back, in one session of the
/// settings pages. Nothing is recorded before the page's form is sent. Looking at it changes nothing.
#[utoipa::path(
    get,
    path = "/administrator-confirmation/{page}",
    operation_id = "administratorPage",
    params(
        ("page" = String, Path, description = "the flow, and a secret that only this browser was given"),
    ),
    responses(
        (status = OK, description = "who asks, for which company and tenant, what happens; and two forms", content_type = "text/html", body = String, headers(("Set-Cookie" = String))),
        PageErrors<OpenAdministratorPage>
    ),
    security()
)]
pub(super) async fn open(
    State(shared): State<PageState>,
    headers: HeaderMap,
    ApiPath(token): ApiPath<String>,
) -> Response {
    let site = &shared.site;
    let page = match page_of(&token) {
        Ok(page) => page,
        Err(closed) => return over(site, closed),
    };
    let opened = match confirm_admin_consent::find(site, &page).await {
        Ok((stored, answer)) => shown(site, &headers, &page, (&stored.value, &answer)).await,
        Err(closed) => Err(closed),
    };
    opened.unwrap_or_else(|closed| over(site, closed))
}

/// `HEAD` of it: not even the look of a person.
pub(super) async fn no_head() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, POST")]).into_response()
}

/// Record the consent, or say that it was not you
///
/// A confirmation is decided once more on the log as it is then; how it ended stands in outcome and reason. A refusal
/// ends the flow declined, and records nothing.
#[utoipa::path(
    post,
    path = "/administrator-confirmation/{page}",
    operation_id = "decideAsAdministrator",
    params(
        ("page" = String, Path, description = "the flow, and a secret that only this browser was given"),
    ),
    request_body(content = AdministratorForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = SEE_OTHER, description = "to return_to, the settings page or the outcome page of a link, with ?flow=..&outcome=.. and &reason=.. where the flow has a code", headers(("Location" = url::Url))),
        PageErrors<DecideAsAdministrator>
    ),
    security()
)]
pub(super) async fn decide(
    State(shared): State<PageState>,
    headers: HeaderMap,
    ApiPath(token): ApiPath<String>,
    sent: Result<Form<AdministratorForm>, FormRejection>,
) -> Response {
    let site = &shared.site;
    let page = match page_of(&token) {
        Ok(page) => page,
        Err(closed) => return over(site, closed),
    };
    let browser = Browser::identify(site, &headers);
    let decision = match sent {
        Ok(Form(sent)) if browser.sent_from(&page.expose(), &sent.proof, (site, &headers)) => {
            sent.decision
        }
        Ok(_) | Err(_) => return not_from_here(site),
    };
    let carried_out = match decision {
        Decision::Confirm => confirm_admin_consent::confirm_or_follow(site, &page).await,
        Decision::Refuse => confirm_admin_consent::disown(site, &page).await,
    };
    match carried_out {
        Ok(to) => see_other(&to),
        Err(closed) => over(site, closed),
    }
}

fn page_of(token: &str) -> Result<flow::FlowSecret, ConfirmationClosed> {
    flow::FlowSecret::parse(token).ok_or(ConfirmationClosed::Unknown)
}

async fn shown(
    site: &Site,
    headers: &HeaderMap,
    page: &flow::FlowSecret,
    (flow, answer): (&Flow, &VerifiedConsent),
) -> Result<Response, ConfirmationClosed> {
    let Purpose::AdministratorConsent {
        permissions,
        tenant_domain,
        route,
        names,
        ..
    } = &flow.purpose
    else {
        return Err(ConfirmationClosed::Unknown);
    };
    let company = site.executor.account(&flow.account).await?;
    let browser = Browser::identify(site, headers);
    let proof = browser.csrf_token(&page.expose());
    let page = AdministratorPage {
        layout: Layout::new(site),
        company: names.account.as_deref().unwrap_or(flow.account.as_str()),
        account: flow.account.as_str(),
        requested_by: flow.started_by.as_str(),
        names,
        tenant: answer.tenant.id,
        tenant_domain: tenant_domain.as_deref(),
        object_id: answer.granted_by,
        items: items(site, (*permissions).into()),
        decides_for_everyone: route.purpose() == HandOffPurpose::AdministratorConsent,
        replaces: company.state.consent().is_some(),
        proof: proof.expose(),
        until: When(flow.expires_at),
    };
    // The form is answered by a redirect to wherever the flow was to end, which browsers count as a part of submitting it.
    let leads_to = flow
        .return_to
        .as_ref()
        .unwrap_or_else(|| site.addresses.default_return(&flow.purpose));
    let response = page::show(
        StatusCode::OK,
        &page,
        &[leads_to.origin().ascii_serialization()],
    );
    Ok(browser.remembered(site, response))
}

/// This very address, which no page writes out: there is a secret in it.
const HERE: &str = "";

fn not_from_here(site: &Site) -> Response {
    let says = (
        "This was not sent by its page",
        "So nothing was recorded. The page has to be opened and sent in one browser, which keeps its cookies. Open it \
         again, read it, and decide there.",
    );
    let way_on = WayOn {
        address: HERE,
        words: "Open the page again",
    };
    page::message_leading_on(site, StatusCode::FORBIDDEN, says, way_on)
}

/// Why there is nothing to decide, and where to go on.
fn over(site: &Site, closed: ConfirmationClosed) -> Response {
    let leading_on = |status, says, address: &str, words| {
        page::message_leading_on(site, status, says, WayOn { address, words })
    };
    match closed {
        ConfirmationClosed::Unknown => page::message(
            site,
            StatusCode::NOT_FOUND,
            "There is nothing to confirm here",
            "No such page was given to this browser, or it was long ago, so nothing was recorded. Go back to the \
             application and start again.",
        ),
        ConfirmationClosed::Expired(to) => leading_on(
            StatusCode::GONE,
            (
                "The request has expired",
                "Its time is over, the company's settings were changed meanwhile, or whoever asked may not ask any more. \
                 Nothing was recorded; if it is still wanted, it has to be asked anew.",
            ),
            to.as_str(),
            "Go on",
        ),
        ConfirmationClosed::Answered(to) => leading_on(
            StatusCode::CONFLICT,
            (
                "This was answered already",
                "It can be answered once. Go on to see how it ended.",
            ),
            to.as_str(),
            "Go on",
        ),
        ConfirmationClosed::BeingRecorded => leading_on(
            StatusCode::CONFLICT,
            (
                "Just a moment",
                "Your answer is being recorded at this moment.",
            ),
            HERE,
            "Look again",
        ),
        ConfirmationClosed::Failed(failure) => {
            let problem = problem_from(failure);
            let sentence = page::sentence(&problem);
            leading_on(
                problem.status(),
                (page::FAILED, &sentence),
                HERE,
                "Try again",
            )
        }
    }
}
