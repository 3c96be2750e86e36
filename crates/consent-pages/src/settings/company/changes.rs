//! What a Super Admin changes in Settings > Account: the e-mail sync, and back to individual authorization.

use assent_consent_core::command_executor::Account;
use assent_consent_core::failure::Failure;
use assent_consent_core::use_cases::change_mode::change_mode_as_seen;
use assent_consent_core::use_cases::head_count::head_count;
use assent_domain::decide::AccountManager;
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{DIALOG, changed_meanwhile, dialog, is_stale, managed, page};
use crate::layout::Layout;
use crate::page_errors::{PageErrors, SaveEmailSync, SaveMethod};
use crate::page_query::Done;
use crate::session::{InSession, Posted, Ticked, WithProof};
use crate::settings::company_view::{Change, ChangePage};
use crate::settings::{Frame, answered, done, is_ticked, notice, show, unreadable};
use crate::site::Site;
use crate::{PageState, see_other};

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
    State(shared): State<PageState>,
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
    State(shared): State<PageState>,
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
            page(site, session, status, Some(notice), None, |dialog| dialog).await
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
        layout: Layout::new(site),
        frame: Frame::new(site, session, "company"),
        seen: company.state.last_sequence.0,
        change,
        concerns: count.map(|count| change.concerns(count)),
    };
    Ok(show(site, StatusCode::OK, &page))
}
