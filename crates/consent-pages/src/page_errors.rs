//! What each page can fail with, for the description of the API. The statuses follow from the codes.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use assent_consent_core::limits::Limit;
use assent_contract::problem::ErrorCode;
use assent_domain::refusal::Refusal;
use assent_service_kit::openapi::{ErrorResponses, error_responses};
use assent_service_kit::problem::{MEDIA_TYPE, ProblemType};
use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

use crate::problem::{LOG, MICROSOFT, STORE, problem_types};

/// The error responses of a page: in words, or as a problem to programs.
pub(crate) struct PageErrors<Page>(PhantomData<Page>);

impl<Page: ErrorResponses> IntoResponses for PageErrors<Page> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        error_responses(Page::problem_types(), &["text/html", MEDIA_TYPE])
    }
}

/// A page that a browser may fetch before anybody asked.
const VISIT: &[ErrorCode] = &[ErrorCode::FetchedAhead];

/// A form that was sent in a session of the settings pages.
const FORM: &[ErrorCode] = &[
    ErrorCode::InvalidRequest,
    ErrorCode::Unauthenticated,
    ErrorCode::Forbidden,
];

/// A link for an administrator, or the page of one.
const LINK: &[ErrorCode] = &[
    // A path that is no text.
    ErrorCode::InvalidRequest,
    ErrorCode::NotFound,
    ErrorCode::ConcurrentChange,
    ErrorCode::Refused(Refusal::FlowExpired),
];

/// Why a change that was decided before is not possible any more.
const CHANGED: &[ErrorCode] = &[
    ErrorCode::ConcurrentChange,
    ErrorCode::Refused(Refusal::ManagedByAdministrator),
];

/// What an administrator's consent is begun with.
const ADMINISTRATOR: &[Refusal] = &[
    Refusal::FullSyncRequired,
    Refusal::TenantMismatch,
    Refusal::ManagedByAdministrator,
    Refusal::AdministratorNotConfirmed,
    Refusal::NothingSelected,
    Refusal::UnsupportedCloud,
    Refusal::OnPremisesExchange,
];

/// Names that lead to another tenant, to several or to none.
const TENANT: &[ErrorCode] = &[ErrorCode::TenantAbsent, ErrorCode::AmbiguousTenant];

/// Defines a type for each page, which says what it can fail with.
macro_rules! pages {
    ($($page:ident: $groups:expr, $refusals:expr, $others:expr, $limits:expr;)+) => {
        $(
            pub(crate) enum $page {}

            impl ErrorResponses for $page {
                fn problem_types() -> Vec<ProblemType> {
                    problem_types($groups, $refusals, $others, $limits)
                }
            }
        )+
    };
}

pages! {
    AdminConsentCallback: &[LOG, STORE, MICROSOFT, VISIT], &[], &[ErrorCode::InvalidRequest], &[];
    AuthorizeCallback: &[LOG, STORE, MICROSOFT, VISIT], &[], &[ErrorCode::InvalidRequest], &[];
    OpenHandOff: &[LOG, STORE, VISIT, LINK], &[], &[], &[];
    FollowHandOff: &[LOG, STORE, LINK],
        &[Refusal::AdministratorNotConfirmed, Refusal::UnsupportedCloud, Refusal::TenantMismatch, Refusal::FullSyncRequired],
        &[ErrorCode::Forbidden], &[Limit::LinkStarts];
    HandOffOutcome: &[VISIT], &[], &[], &[];
    OpenAdministratorPage: &[LOG, STORE, LINK, VISIT], &[Refusal::FlowAlreadyUsed], &[], &[];
    DecideAsAdministrator: &[LOG, STORE, LINK], &[Refusal::FlowAlreadyUsed], &[ErrorCode::Forbidden], &[];
    Logo: &[], &[], &[ErrorCode::NotFound], &[];
    OpenSession: &[LOG, STORE], &[],
        &[ErrorCode::InvalidRequest, ErrorCode::Unauthenticated, ErrorCode::Forbidden, ErrorCode::HostKeysUnavailable], &[];
    EndSession: &[STORE], &[], &[ErrorCode::InvalidRequest, ErrorCode::Forbidden], &[];
    CompanySettings: &[LOG, STORE, VISIT], &[], &[ErrorCode::Unauthenticated, ErrorCode::Forbidden], &[];
    AccountSettings: &[LOG, STORE, VISIT], &[],
        &[ErrorCode::Unauthenticated, ErrorCode::NotFound], &[Limit::Writes];
    SaveEmailSync: &[LOG, STORE, FORM, CHANGED], &[], &[], &[Limit::Writes];
    SaveMethod: &[LOG, STORE, FORM, CHANGED], &[Refusal::AdministratorConsentRequired], &[], &[Limit::Writes];
    BeginAdministratorConsent: &[LOG, STORE, MICROSOFT, FORM, TENANT], ADMINISTRATOR, &[],
        &[Limit::Starts, Limit::Lookups];
    MakeAdministratorLink: &[LOG, STORE, MICROSOFT, FORM, TENANT], ADMINISTRATOR, &[],
        &[Limit::LinksADay, Limit::OpenLinks, Limit::Lookups];
    CancelAdministratorLink: &[LOG, STORE, FORM], &[Refusal::FlowAlreadyUsed],
        &[ErrorCode::NotFound, ErrorCode::ConcurrentChange], &[];
    SavePermissions: &[LOG, STORE, FORM, CHANGED], &[], &[], &[Limit::Starts, Limit::Revocations];
    UseAnotherMicrosoftAccount: &[LOG, STORE, FORM, CHANGED], &[], &[], &[Limit::Starts];
    ConfirmGrantOnPage: &[LOG, STORE, FORM], &[Refusal::FlowAlreadyUsed, Refusal::FlowExpired],
        &[ErrorCode::NotFound, ErrorCode::ConcurrentChange], &[Limit::Writes];
    MakeApprovalLink: &[LOG, STORE, MICROSOFT, FORM], &[Refusal::ManagedByAdministrator, Refusal::NothingSelected,
        Refusal::UnsupportedCloud], &[], &[Limit::LinksADay, Limit::OpenLinks];
    CancelApprovalLink: &[LOG, STORE, FORM], &[Refusal::FlowAlreadyUsed],
        &[ErrorCode::NotFound, ErrorCode::ConcurrentChange], &[];
}
