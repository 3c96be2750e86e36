//! Settings > Account: what a Super Admin sees there. What they can do is in the files below.

pub(crate) mod administrator;
pub(crate) mod changes;

use assent_consent_core::command_executor::Account;
use assent_consent_core::failure::Failure;
use assent_consent_core::rights;
use assent_consent_core::use_cases::hand_off;
use assent_consent_core::use_cases::head_count::head_count;
use assent_consent_core::use_cases::queries;
use assent_consent_core::use_cases::tenant_location::mailboxes;
use assent_domain::decide::AccountManager;
use assent_domain::ids::Sequence;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::company_dialog::Dialog;
use super::company_view::{CompanyPage, Parts, dialog_of};
use super::links::{LISTED, LinkView};
use super::notice::Notice;
use super::{done, flow_of, in_session, show, unreadable};
use crate::PageState;
use crate::page_errors::{CompanySettings, PageErrors};
use crate::page_query::{Done, PageQuery};
use crate::session::InSession;
use crate::site::Site;

const TITLE: &str = "Settings of the company";
const COMPLETED: (&str, &str) = (
    "The administrator's consent is verified and recorded",
    "Office 365 administrator configured is the method now, with the permissions below. Other users must sign in again \
     through Microsoft.",
);
const DIALOG: &str = "administrator";

/// Settings > Company
///
/// Whoever only looks changes nothing: HEAD is 405, and a browser that fetches it before anybody asked (Sec-Purpose:
/// prefetch) is answered 503 and comes again.
#[utoipa::path(
    get,
    path = "/settings/company",
    operation_id = "companySettings",
    params(
        ("flow" = Option<String>, Query, description = "a flow that ended; what is said of it comes from the flow itself"),
        ("outcome" = Option<String>, Query, description = "not believed, and not shown: what is said comes from the flow itself"),
        ("reason" = Option<String>, Query, description = "not believed, and not shown: what is said comes from the flow itself"),
        ("confirm" = Option<String>, Query, description = "the one-time value of a grant that waits for its confirmation"),
        ("done" = Option<String>, Query, description = "what a form of the page led to; said only with what told vouches for"),
        ("told" = Option<String>, Query, description = "by which this very session vouches, for ten minutes, that it is done"),
        ("before" = Option<String>, Query, description = "the sequence of an event: the history shows what came before it, 200 lines a page"),
        ("dialog" = Option<String>, Query, description = "administrator: with the dialog open"),
    ),
    responses(
        (status = OK, description = "the page; without a session, and with a flow that ended, a sentence that says how", content_type = "text/html", body = String),
        PageErrors<CompanySettings>
    ),
    security(("session" = []), ())
)]
pub(crate) async fn open(
    State(shared): State<PageState>,
    headers: HeaderMap,
    query: PageQuery,
) -> Response {
    let site = &shared.site;
    in_session(site, &headers, TITLE, &query, async |session| {
        opened(site, &session, &query).await
    })
    .await
}

async fn opened(site: &Site, session: &InSession, query: &PageQuery) -> Result<Response, Failure> {
    let flow = flow_of(site, session, query).await?;
    let is_open = query.dialog.as_deref() == Some(DIALOG);
    let shape = |dialog: Dialog| Dialog { is_open, ..dialog };
    page(
        site,
        session,
        StatusCode::OK,
        query.notice(session, flow.as_ref(), COMPLETED, site.now()),
        query.before(),
        shape,
    )
    .await
}

async fn page(
    site: &Site,
    session: &InSession,
    status: StatusCode,
    notice: Option<Notice>,
    before: Option<Sequence>,
    shape: impl FnOnce(Dialog) -> Dialog,
) -> Result<Response, Failure> {
    let account = &session.session.account;
    let (_, company) = managed(site, session).await?;
    let consented = company.state.consent().map(|consent| consent.tenant);
    let (count, links, mailboxes, withdrawn) = tokio::join!(
        head_count(site, account, company.state.last_sequence),
        hand_off::newest(site, account, &company, None, LISTED),
        mailboxes(site, account, consented),
        queries::withdrawn_consent(site, account, &company)
    );
    let links = links?
        .iter()
        .map(|link| LinkView::new(link, site.now()))
        .collect();
    let page = CompanyPage::new(Parts {
        site,
        session,
        count,
        withdrawn,
        links,
        mailboxes,
        notice,
        dialog: shape(dialog_of(&company)),
        company: &company,
        before,
    });
    Ok(show(site, status, &page))
}

/// Whoever may manage the company's settings, and the company.
async fn managed(site: &Site, session: &InSession) -> Result<(AccountManager, Account), Failure> {
    let account = &session.session.account;
    let manager = rights::manager(&session.session.caller(), account)?;
    let company = site.executor.account(account).await?;
    Ok((manager, company))
}

/// Whether somebody changed the company since the page was shown.
fn is_stale(company: &Account, seen: &str) -> Result<bool, Failure> {
    let seen: u64 = seen.parse().map_err(|_| unreadable())?;
    Ok(company.state.last_sequence.0 != seen)
}

fn changed_meanwhile(site: &Site, session: &InSession) -> Response {
    let here = &site.addresses.company_settings;
    done(here, session, Done::ChangedMeanwhile, site.now())
}

fn dialog(site: &Site) -> url::Url {
    let mut to = site.addresses.company_settings.clone();
    to.query_pairs_mut().append_pair("dialog", DIALOG);
    to
}
