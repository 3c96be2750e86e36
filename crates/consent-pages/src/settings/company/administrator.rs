//! An administrator's consent from Settings > Account: the dialog sent off, and links for one.

use assent_consent_core::failure::Failure;
use assent_consent_core::flow::HandOffPurpose;
use assent_consent_core::names::Names;
use assent_consent_core::rights;
use assent_consent_core::use_cases::hand_off::HandOffRequest;
use assent_consent_core::use_cases::start_admin_consent::{RequestingManager, start_admin_consent};
use assent_service_kit::ApiPath;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use uuid::Uuid;

use super::{changed_meanwhile, is_stale, managed, page};
use crate::PageState;
use crate::page_errors::{
    BeginAdministratorConsent, CancelAdministratorLink, MakeAdministratorLink, PageErrors,
};
use crate::session::{InSession, NoFields, Posted, WithProof};
use crate::settings::company_dialog::DialogForm;
use crate::settings::{answered, links, notice, to_microsoft};
use crate::site::Site;

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
    State(shared): State<PageState>,
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
                let asker = RequestingManager {
                    manager,
                    names: Names::from_caller(&session.session.caller()),
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
    State(shared): State<PageState>,
    Posted { session, form }: Posted<DialogForm>,
) -> Response {
    let site = &shared.site;
    let made = async {
        let account = &session.session.account;
        // Whether they may is the first thing that is told.
        rights::manager(&session.session.caller(), account)?;
        let here = &site.addresses.company_settings;
        let made = match form.tenant() {
            Ok(tenant) => {
                let request = HandOffRequest {
                    purpose: HandOffPurpose::AdministratorConsent,
                    permissions: form.permissions(),
                    tenant,
                    mailboxes_in_exchange_online: form.mailboxes_in_exchange_online(),
                    token: links::token(&session, form.link.as_deref()),
                };
                links::make(site, &session, request, here).await
            }
            Err(failure) => Err(failure),
        };
        match made {
            Ok(shown) => Ok(shown),
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
    page(site, session, status, None, None, |_| form.refill(problem)).await
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
    State(shared): State<PageState>,
    ApiPath(link): ApiPath<Uuid>,
    Posted { session, form: () }: Posted<()>,
) -> Response {
    let site = &shared.site;
    let cancelled = async {
        let account = &session.session.account;
        rights::manager(&session.session.caller(), account)?;
        let here = &site.addresses.company_settings;
        links::cancel(site, &session, link, None, here).await
    };
    answered(site, cancelled.await)
}
