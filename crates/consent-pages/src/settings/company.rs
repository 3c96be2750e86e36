//! Settings > Account: what a Super Admin can do there.

use crate::session::{NoFields, Ticked, WithProof};
use assent_consent_core::command_executor::Account;
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::Aim;
use assent_consent_core::names::Names;
use assent_consent_core::rights;
use assent_consent_core::use_cases::change_mode::change_mode_as_seen;
use assent_consent_core::use_cases::hand_off::{self, Request};
use assent_consent_core::use_cases::head_count::head_count;
use assent_consent_core::use_cases::premises::mailboxes;
use assent_consent_core::use_cases::start_admin_consent::{Asker, start_admin_consent};
use assent_domain::decide::AccountManager;
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_service_kit::ApiPath;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::company_dialog::{Dialog, DialogForm};
use super::company_view::{Change, ChangePage, CompanyPage, Parts, dialog_of};
use super::links::{self, LISTED, LinkView};
use super::notice::{self, Notice};
use super::{
    Frame, answered, done, flow_of, in_session, is_ticked, show, to_microsoft, unreadable,
};
use crate::layout::Layout;
use crate::page_errors::{
    BeginAdministratorConsent, CancelAdministratorLink, CompanySettings, MakeAdministratorLink,
    PageErrors, SaveEmailSync, SaveMethod,
};
use crate::page_query::{Done, PageQuery};
use crate::session::{InSession, Posted};
use crate::site::Site;
use crate::{Shared, see_other};

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
        ("dialog" = Option<String>, Query, description = "administrator: with the dialog open"),
    ),
    responses(
        (status = OK, description = "the page; without a session, and with a flow that ended, a sentence that says how", content_type = "text/html", body = String),
        PageErrors<CompanySettings>
    ),
    security(("session" = []), ())
)]
pub(crate) async fn open(
    State(shared): State<Shared>,
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
        shape,
    )
    .await
}

async fn page(
    site: &Site,
    session: &InSession,
    status: StatusCode,
    notice: Option<Notice>,
    shape: impl FnOnce(Dialog) -> Dialog,
) -> Result<Response, Failure> {
    let account = &session.session.account;
    let (_, company) = managed(site, session).await?;
    let consented = company.state.consent().map(|consent| consent.tenant);
    let (count, links, mailboxes) = tokio::join!(
        head_count(site, account, company.state.last_sequence),
        hand_off::newest(site, account, &company, None, LISTED),
        mailboxes(site, account, consented)
    );
    let links = links?
        .iter()
        .map(|link| LinkView::of(link, site.now()))
        .collect();
    let page = CompanyPage::of(Parts {
        site,
        session,
        count,
        links,
        mailboxes,
        notice,
        dialog: shape(dialog_of(&company)),
        company: &company,
    });
    Ok(show(site, status, &page))
}

/// The form with the e-mail sync.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EmailSyncForm {
    #[schema(value_type = assent_contract::values::EmailSync)]
    email_sync: String,
    #[schema(pattern = "^[0-9]{1,19}$")]
    seen: String,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    confirmed: Option<String>,
    /// What to go on with.
    #[schema(nullable = false, pattern = "^administrator$")]
    then: Option<String>,
}

/// Change the e-mail sync; to limited in two steps
#[utoipa::path(
    post,
    path = "/settings/company/email-sync",
    operation_id = "saveEmailSync",
    request_body(content = WithProof<EmailSyncForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "what the change does, and whether it is meant", content_type = "text/html", body = String),
        (status = SEE_OTHER, description = "done", headers(("Location" = url::Url))),
        PageErrors<SaveEmailSync>
    ),
    security(("session" = []))
)]
pub(crate) async fn save_email_sync(
    State(shared): State<Shared>,
    Posted { session, form }: Posted<EmailSyncForm>,
) -> Response {
    let site = &shared.site;
    let saved = async {
        let email_sync = match form.email_sync.as_str() {
            "full" => EmailSync::Full,
            "limited" => EmailSync::Limited,
            _ => return Err(unreadable()),
        };
        let (manager, company) = managed(site, &session).await?;
        if is_stale(&company, &form.seen)? && company.state.email_sync != email_sync {
            return Ok(changed_meanwhile(site, &session));
        }
        let is_to_be_confirmed = email_sync == EmailSync::Limited
            && company.state.email_sync == EmailSync::Full
            && !is_ticked(form.confirmed.as_ref());
        if is_to_be_confirmed {
            return ask(site, &session, &company, Change::ToLimitedSync).await;
        }
        let to = Mode {
            email_sync,
            ..company.state.mode()
        };
        let saved = match email_sync {
            EmailSync::Full => Done::FullSync,
            EmailSync::Limited => Done::LimitedSync,
        };
        // Sent twice, it finds what it has done itself.
        let is_unchanged = to == company.state.mode() && !is_stale(&company, &form.seen)?;
        let saved = if is_unchanged { Done::Unchanged } else { saved };
        let then = form.then.as_deref();
        changed(site, &session, (manager, &company), to, (saved, then)).await
    };
    answered(site, saved.await)
}

/// The form with the authorization method.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MethodForm {
    #[schema(value_type = assent_contract::values::Method)]
    method: String,
    #[schema(pattern = "^[0-9]{1,19}$")]
    seen: String,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    confirmed: Option<String>,
}

/// Change the authorization method; to individual authorization in two steps
#[utoipa::path(
    post,
    path = "/settings/company/method",
    operation_id = "saveMethod",
    request_body(content = WithProof<MethodForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "what the change does, and whether it is meant", content_type = "text/html", body = String),
        (status = SEE_OTHER, description = "done, or on to the dialog", headers(("Location" = url::Url))),
        PageErrors<SaveMethod>
    ),
    security(("session" = []))
)]
pub(crate) async fn save_method(
    State(shared): State<Shared>,
    Posted { session, form }: Posted<MethodForm>,
) -> Response {
    let site = &shared.site;
    let saved = async {
        let (manager, company) = managed(site, &session).await?;
        if is_stale(&company, &form.seen)? {
            let is_done = form.method == "user_individual"
                && is_ticked(form.confirmed.as_ref())
                && company.state.method() == AuthorizationMethod::UserIndividual;
            let here = &site.addresses.company_settings;
            return Ok(if is_done {
                done(here, &session, Done::UsersAuthorize, site.now())
            } else {
                changed_meanwhile(site, &session)
            });
        }
        match form.method.as_str() {
            // Only Microsoft's answer switches to it; here it only opens the dialog.
            "admin_configured" => Ok(see_other(&dialog(site))),
            "user_individual" if company.state.method() == AuthorizationMethod::UserIndividual => {
                let here = &site.addresses.company_settings;
                Ok(done(here, &session, Done::Unchanged, site.now()))
            }
            "user_individual" if !is_ticked(form.confirmed.as_ref()) => {
                ask(site, &session, &company, Change::ToUsers).await
            }
            "user_individual" => {
                let to = Mode {
                    method: AuthorizationMethod::UserIndividual,
                    ..company.state.mode()
                };
                let saved = (Done::UsersAuthorize, None);
                changed(site, &session, (manager, &company), to, saved).await
            }
            _ => Err(unreadable()),
        }
    };
    answered(site, saved.await)
}

/// Changes the company as it was shown, says so, and goes on with something else if there is something.
async fn changed(
    site: &Site,
    session: &InSession,
    (manager, shown): (AccountManager, &Account),
    to: Mode,
    (saved, then): (Done, Option<&str>),
) -> Result<Response, Failure> {
    let account = &session.session.account;
    let seen = shown.state.last_sequence;
    let changed = match change_mode_as_seen(site, account, manager, to, seen).await {
        // By the same form, sent twice at once.
        Err(Failure::ConcurrentChange)
            if site.executor.account(account).await?.state.mode() == to =>
        {
            Ok(())
        }
        changed => changed,
    };
    match changed {
        Ok(()) if then == Some(DIALOG) => Ok(see_other(&dialog(site))),
        Ok(()) => Ok(done(
            &site.addresses.company_settings,
            session,
            saved,
            site.now(),
        )),
        Err(Failure::ConcurrentChange) => Ok(changed_meanwhile(site, session)),
        Err(failure) => {
            let (status, notice) = notice::of_failure(failure)?;
            page(site, session, status, Some(notice), |dialog| dialog).await
        }
    }
}

/// Says what will end for whom, and asks.
async fn ask(
    site: &Site,
    session: &InSession,
    company: &Account,
    change: Change,
) -> Result<Response, Failure> {
    let account = &session.session.account;
    let count = head_count(site, account, company.state.last_sequence).await;
    let page = ChangePage {
        layout: Layout::of(site),
        frame: Frame::of(site, session, "company"),
        seen: company.state.last_sequence.0,
        change,
        concerns: count.map(|count| change.concerns(count)),
    };
    Ok(show(site, StatusCode::OK, &page))
}

/// Go to Microsoft as an administrator
#[utoipa::path(
    post,
    path = "/settings/company/administrator-consent",
    operation_id = "beginAdministratorConsent",
    request_body(content = WithProof<DialogForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "in a frame: a link that leads out of it", content_type = "text/html", body = String),
        (status = SEE_OTHER, description = "on to Microsoft", headers(("Location" = url::Url))),
        PageErrors<BeginAdministratorConsent>
    ),
    security(("session" = []))
)]
pub(crate) async fn begin_consent(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Posted { session, form }: Posted<DialogForm>,
) -> Response {
    let site = &shared.site;
    let begun = async {
        let (manager, company) = managed(site, &session).await?;
        if is_stale(&company, &form.seen)? {
            return Ok(changed_meanwhile(site, &session));
        }
        let account = &session.session.account;
        let started = match form.selection() {
            Ok(selection) => {
                // A session that another site opened vouches for nobody: whoever consents in it is asked.
                let vouches = !session.session.opened_elsewhere;
                let asker = Asker {
                    manager,
                    names: Names::of(&session.session.caller()),
                    session: vouches.then(|| session.secret.digest()),
                };
                start_admin_consent(site, account, asker, selection).await
            }
            Err(failure) => Err(failure),
        };
        match started {
            Ok(started) => to_microsoft(site, &headers, &started),
            Err(failure) => dialog_again(site, &session, &form, failure).await,
        }
    };
    answered(site, begun.await)
}

/// Make a link for an administrator who decides for everyone
#[utoipa::path(
    post,
    path = "/settings/company/administrator-links",
    operation_id = "makeAdministratorLink",
    request_body(content = WithProof<DialogForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = CREATED, description = "the link, told once", content_type = "text/html", body = String),
        PageErrors<MakeAdministratorLink>
    ),
    security(("session" = []))
)]
pub(crate) async fn make_link(
    State(shared): State<Shared>,
    Posted { session, form }: Posted<DialogForm>,
) -> Response {
    let site = &shared.site;
    let made = async {
        let account = &session.session.account;
        let manager = rights::manager(&session.session.caller(), account)?;
        let made = match form.tenant() {
            Ok(tenant) => {
                let request = Request {
                    aim: Aim::AdministratorConsent,
                    permissions: form.permissions(),
                    tenant,
                    mailboxes_in_exchange_online: form.mailboxes_in_exchange_online(),
                    token: links::token(&session, form.link.as_deref()),
                };
                let asker = hand_off::Asker {
                    user: manager.user().clone(),
                    names: Names::of(&session.session.caller()),
                };
                hand_off::create(site, account, asker, request).await
            }
            Err(failure) => Err(failure),
        };
        match made {
            Ok((link, url)) => {
                let back = &site.addresses.company_settings;
                Ok(links::show_new(site, &session, &link, &url, back))
            }
            Err(failure) => dialog_again(site, &session, &form, failure).await,
        }
    };
    answered(site, made.await)
}

async fn dialog_again(
    site: &Site,
    session: &InSession,
    form: &DialogForm,
    failure: Failure,
) -> Result<Response, Failure> {
    let (status, problem) = notice::of_failure(failure)?;
    page(site, session, status, None, |_| form.again(problem)).await
}

/// Take a link back
#[utoipa::path(
    post,
    path = "/settings/company/administrator-links/{link}/cancellation",
    operation_id = "cancelAdministratorLink",
    params(
        ("link" = Uuid, Path),
    ),
    request_body(content = WithProof<NoFields>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = SEE_OTHER, description = "done", headers(("Location" = url::Url))),
        PageErrors<CancelAdministratorLink>
    ),
    security(("session" = []))
)]
pub(crate) async fn cancel_link(
    State(shared): State<Shared>,
    ApiPath(link): ApiPath<Uuid>,
    Posted { session, form: () }: Posted<()>,
) -> Response {
    let site = &shared.site;
    let cancelled = async {
        let account = &session.session.account;
        let manager = rights::manager(&session.session.caller(), account)?;
        links::cancel(site, (account, link), manager.user(), None).await?;
        let here = &site.addresses.company_settings;
        Ok(done(here, &session, Done::LinkCancelled, site.now()))
    };
    answered(site, cancelled.await)
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
