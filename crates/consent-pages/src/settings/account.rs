//! Settings > My account: what a user can do there.

use crate::session::{NoFields, Ticked, WithProof};
use assent_consent_core::failure::Failure;
use assent_consent_core::flow::HandOffPurpose;
use assent_consent_core::use_cases::hand_off::{self, HandOffRequest};
use assent_consent_core::use_cases::queries;
use assent_consent_core::use_cases::save_own_permissions::{
    PermissionForm, Saved, save_own_permissions,
};
use assent_consent_core::use_cases::start_own_consent::ReturnTarget;
use assent_consent_core::use_cases::use_another_account::use_another_account;
use assent_domain::ids::{Epoch, Sequence};
use assent_domain::permissions::{Kinds, Permission};
use assent_service_kit::ApiPath;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::account_view::AccountPage;
use super::damaged_account;
use super::links::{self, LISTED, LinkView};
use super::notice::{self, Notice};
use super::{answered, done, in_session, is_ticked, show, to_microsoft, unreadable};
use crate::page_errors::{
    AccountSettings, CancelApprovalLink, MakeApprovalLink, PageErrors, SavePermissions,
    UseAnotherMicrosoftAccount,
};
use crate::page_query::{Done, PageQuery};
use crate::session::{InSession, Posted};
use crate::site::Site;
use crate::{PageState, confirmation_page, labels};

const TITLE: &str = "Settings of my account";
const COMPLETED: (&str, &str) = (
    "Saved",
    "What you granted is on. You can take it back here at any time.",
);

/// Settings > My account
///
/// Whoever only looks changes nothing: HEAD is 405, and a browser that fetches it before anybody asked (Sec-Purpose:
/// prefetch) is answered 503 and comes again.
#[utoipa::path(
    get,
    path = "/settings/account",
    operation_id = "accountSettings",
    params(
        ("flow" = Option<String>, Query, description = "a flow that ended; what is said of it comes from the flow itself"),
        ("outcome" = Option<String>, Query, description = "not believed, and not shown: what is said comes from the flow itself"),
        ("reason" = Option<String>, Query, description = "not believed, and not shown: what is said comes from the flow itself"),
        ("confirm" = Option<String>, Query, description = "the one-time value of a grant that waits for its confirmation"),
        ("done" = Option<String>, Query, description = "what a form of the page led to; said only with what told vouches for"),
        ("told" = Option<String>, Query, description = "by which this very session vouches, for ten minutes, that it is done"),
        ("before" = Option<String>, Query, description = "the sequence of an event: the history shows what came before it, 200 lines a page"),
    ),
    responses(
        (status = OK, description = "the page; without a session, and with a flow that ended, a sentence that says how", content_type = "text/html", body = String),
        (status = SEE_OTHER, description = "a grant was confirmed by the session", headers(("Location" = url::Url))),
        PageErrors<AccountSettings>
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
        Box::pin(opened(site, &session, &query)).await
    })
    .await
}

async fn opened(site: &Site, session: &InSession, query: &PageQuery) -> Result<Response, Failure> {
    if let (Some(flow), Some(confirm)) = (query.flow(), query.confirm.as_deref()) {
        return confirmation_page::land(site, session, flow, confirm).await;
    }
    let flow = super::flow_of(site, session, query).await?;
    let notice = query.notice(session, flow.as_ref(), COMPLETED, site.now());
    page_before(site, session, StatusCode::OK, notice, query.before()).await
}

async fn page(
    site: &Site,
    session: &InSession,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<Response, Failure> {
    page_before(site, session, status, notice, None).await
}

/// The page, with the history from before an event.
async fn page_before(
    site: &Site,
    session: &InSession,
    status: StatusCode,
    notice: Option<Notice>,
    before: Option<Sequence>,
) -> Result<Response, Failure> {
    let (account, user) = (&session.session.account, &session.session.user);
    let known = match queries::user_overview(site, account, user).await {
        Ok(known) => known,
        Err(Failure::Damaged(_) | Failure::LogNotBelieved(_)) => {
            return Ok(damaged_account::show(site, session).await);
        }
        Err(failure) => return Err(failure),
    };
    let own = hand_off::list(site, account, Some(user)).await?;
    let own = own
        .iter()
        .take(LISTED)
        .map(|link| LinkView::new(link, site.now()))
        .collect();
    let page = AccountPage::new(site, session, &known, own, notice, before)?;
    Ok(show(site, status, &page))
}

/// The boxes, by permission.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Ticks {
    #[schema(value_type = Option<Ticked>, nullable = false)]
    contacts: Option<String>,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    calendar: Option<String>,
    #[schema(value_type = Option<Ticked>, nullable = false)]
    email: Option<String>,
}

impl Ticks {
    fn kinds(&self) -> Kinds {
        Kinds {
            contacts: is_ticked(self.contacts.as_ref()),
            calendar: is_ticked(self.calendar.as_ref()),
            email: is_ticked(self.email.as_ref()),
        }
    }
}

/// The boxes as they are now, and as they were when the page was shown.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BoxesForm {
    #[serde(flatten)]
    ticks: Ticks,
    /// The names of those that were ticked.
    #[serde(default)]
    shown: String,
    #[schema(pattern = "^[0-9]{1,19}$")]
    epoch: String,
}

impl BoxesForm {
    fn read(&self) -> Result<PermissionForm, Failure> {
        let was_shown = |permission| {
            self.shown
                .split(' ')
                .any(|name| name == labels::key(permission))
        };
        Ok(PermissionForm {
            shown: Kinds {
                contacts: was_shown(Permission::Contacts),
                calendar: was_shown(Permission::Calendar),
                email: was_shown(Permission::Email),
            },
            ticked: self.ticks.kinds(),
            epoch: Epoch(self.epoch.parse().map_err(|_| unreadable())?),
        })
    }
}

/// Save the boxes: what is added is asked of Microsoft, what is removed ends at once
#[utoipa::path(
    post,
    path = "/settings/account/permissions",
    operation_id = "savePermissions",
    request_body(content = WithProof<BoxesForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "in a frame: a link that leads out of it", content_type = "text/html", body = String),
        (status = SEE_OTHER, description = "done, or on to Microsoft", headers(("Location" = url::Url))),
        PageErrors<SavePermissions>
    ),
    security(("session" = []))
)]
pub(crate) async fn save(
    State(shared): State<PageState>,
    headers: HeaderMap,
    Posted { session, form }: Posted<BoxesForm>,
) -> Response {
    let site = &shared.site;
    answered(site, saved(site, &headers, &session, &form).await)
}

async fn saved(
    site: &Site,
    headers: &HeaderMap,
    session: &InSession,
    form: &BoxesForm,
) -> Result<Response, Failure> {
    let (account, user) = (&session.session.account, &session.session.user);
    let boxes = form.read()?;
    let saved = save_own_permissions(site, account, user, boxes, return_target(session)).await;
    let here = &site.addresses.account_settings;
    match saved {
        Ok(Saved::AtMicrosoft(started)) => to_microsoft(site, headers, &started),
        Ok(Saved::Revoked) => Ok(done(here, session, Done::Revoked, site.now())),
        Ok(Saved::RevokedAlone(failure)) => {
            let (status, notice) = notice::of_failure(failure)?;
            let notice = Notice {
                title: "What you unticked is off; nothing else was changed",
                ..notice
            };
            page(site, session, status, Some(notice)).await
        }
        Ok(Saved::Unchanged) => Ok(done(here, session, Done::Unchanged, site.now())),
        Ok(Saved::EpochChanged) => Ok(done(here, session, Done::ChangedMeanwhile, site.now())),
        Err(failure) => {
            let (status, notice) = notice::of_failure(failure)?;
            page(site, session, status, Some(notice)).await
        }
    }
}

/// The form of a page that spoke of this epoch.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = EpochForm)]
pub(crate) struct OfEpoch {
    #[schema(pattern = "^[0-9]{1,19}$")]
    epoch: String,
}

/// On to Microsoft, which asks for an account: what is on, or was, is asked for of that one
#[utoipa::path(
    post,
    path = "/settings/account/another-microsoft-account",
    operation_id = "useAnotherMicrosoftAccount",
    request_body(content = WithProof<OfEpoch>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "in a frame: a link that leads out of it", content_type = "text/html", body = String),
        (status = SEE_OTHER, description = "on to Microsoft; or back to the page, which says why not", headers(("Location" = url::Url))),
        PageErrors<UseAnotherMicrosoftAccount>
    ),
    security(("session" = []))
)]
pub(crate) async fn use_another(
    State(shared): State<PageState>,
    headers: HeaderMap,
    Posted { session, form }: Posted<OfEpoch>,
) -> Response {
    let site = &shared.site;
    answered(site, sent_to_another(site, &headers, &session, &form).await)
}

async fn sent_to_another(
    site: &Site,
    headers: &HeaderMap,
    session: &InSession,
    form: &OfEpoch,
) -> Result<Response, Failure> {
    let (account, user) = (&session.session.account, &session.session.user);
    let epoch = Epoch(form.epoch.parse().map_err(|_| unreadable())?);
    let return_target = return_target(session);
    match use_another_account(site, account, user, epoch, return_target).await {
        Ok(Some(started)) => to_microsoft(site, headers, &started),
        Ok(None) => Ok(done(
            &site.addresses.account_settings,
            session,
            Done::ChangedMeanwhile,
            site.now(),
        )),
        Err(failure) => {
            let (status, notice) = notice::of_failure(failure)?;
            page(site, session, status, Some(notice)).await
        }
    }
}

fn return_target(session: &InSession) -> ReturnTarget {
    ReturnTarget::Session {
        session: session.secret.digest(),
        binds: !session.session.opened_elsewhere,
    }
}

/// What an administrator is to be asked for, and the link that this makes.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LinkForm {
    #[serde(flatten)]
    ticks: Ticks,
    /// The link that this form makes, however often it is sent.
    #[schema(format = Uuid, nullable = false)]
    link: Option<String>,
}

/// Make a link for an administrator who approves
#[utoipa::path(
    post,
    path = "/settings/account/administrator-links",
    operation_id = "makeApprovalLink",
    request_body(content = WithProof<LinkForm>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = CREATED, description = "the link, told once", content_type = "text/html", body = String),
        PageErrors<MakeApprovalLink>
    ),
    security(("session" = []))
)]
pub(crate) async fn make_link(
    State(shared): State<PageState>,
    Posted { session, form }: Posted<LinkForm>,
) -> Response {
    let site = &shared.site;
    answered(site, made_link(site, &session, &form).await)
}

async fn made_link(site: &Site, session: &InSession, form: &LinkForm) -> Result<Response, Failure> {
    let company = site.executor.account(&session.session.account).await?;
    let request = HandOffRequest {
        purpose: HandOffPurpose::Approval,
        permissions: company.state.email_sync.cap().only(form.ticks.kinds()),
        tenant: None,
        mailboxes_in_exchange_online: false,
        token: links::token(session, form.link.as_deref()),
    };
    let here = &site.addresses.account_settings;
    match links::make(site, session, request, here).await {
        Ok(shown) => Ok(shown),
        Err(failure) => {
            let (status, notice) = notice::of_failure(failure)?;
            page(site, session, status, Some(notice)).await
        }
    }
}

/// Take a link back
#[utoipa::path(
    post,
    path = "/settings/account/administrator-links/{link}/cancellation",
    operation_id = "cancelApprovalLink",
    params(
        ("link" = Uuid, Path),
    ),
    request_body(content = WithProof<NoFields>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = SEE_OTHER, description = "done", headers(("Location" = url::Url))),
        PageErrors<CancelApprovalLink>
    ),
    security(("session" = []))
)]
pub(crate) async fn cancel_link(
    State(shared): State<PageState>,
    ApiPath(link): ApiPath<Uuid>,
    Posted { session, form: () }: Posted<()>,
) -> Response {
    let site = &shared.site;
    let (user, here) = (&session.session.user, &site.addresses.account_settings);
    let cancelled = links::cancel(site, &session, link, Some(user), here).await;
    answered(site, cancelled)
}
