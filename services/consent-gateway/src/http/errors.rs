//! What each operation of the API can fail with, besides what its extractors refuse. The statuses follow from the codes.

use std::marker::PhantomData;

use assent_consent_core::failure::Failure;
use assent_consent_core::limits::Limit;
use assent_consent_pages::{LOG, MICROSOFT, STORE, problem_from, problem_types};
use assent_contract::problem::ErrorCode;
use assent_domain::refusal::Refusal;
use assent_service_kit::Problem;
use assent_service_kit::openapi::ErrorResponses;
use assent_service_kit::problem::ProblemType;
use axum::response::{IntoResponse, Response};

/// Why an operation was not carried out.
#[derive(Debug)]
pub(super) struct ApiError<Operation> {
    problem: Problem,
    operation: PhantomData<Operation>,
}

impl<Operation> From<Failure> for ApiError<Operation> {
    fn from(failure: Failure) -> Self {
        Self {
            problem: problem_from(failure),
            operation: PhantomData,
        }
    }
}

impl<Operation> IntoResponse for ApiError<Operation> {
    fn into_response(self) -> Response {
        self.problem.into_response()
    }
}

/// Any operation is of an account that the token has to reach, named by a path that has to make sense.
const ANY: &[ErrorCode] = &[ErrorCode::InvalidRequest, ErrorCode::Forbidden];

/// Defines a type for each operation, which says what it can fail with.
macro_rules! operations {
    ($($operation:ident: $groups:expr, $refusals:expr, $others:expr, $limits:expr;)+) => {
        $(
            #[derive(Debug)]
            pub(super) enum $operation {}

            impl ErrorResponses for ApiError<$operation> {
                fn problem_types() -> Vec<ProblemType> {
                    problem_types($groups, $refusals, $others, $limits)
                }
            }
        )+
    };
}

operations! {
    GetAccount: &[ANY, LOG], &[], &[ErrorCode::NotYetApplied], &[Limit::Waits];
    SetAuthorizationMethod: &[ANY, LOG],
        &[Refusal::ManagedByAdministrator, Refusal::AdministratorConsentRequired],
        &[ErrorCode::ConcurrentChange], &[Limit::Writes];
    StartAdminConsent: &[ANY, LOG, STORE, MICROSOFT],
        &[
            Refusal::FullSyncRequired, Refusal::TenantMismatch, Refusal::AdministratorNotConfirmed,
            Refusal::NothingSelected, Refusal::UnsupportedCloud, Refusal::OnPremisesExchange,
        ],
        &[ErrorCode::TenantAbsent, ErrorCode::AmbiguousTenant], &[Limit::Starts, Limit::Lookups];
    GetUser: &[ANY, LOG], &[], &[ErrorCode::NotYetApplied], &[Limit::Waits];
    StartOwnConsent: &[ANY, LOG, STORE, MICROSOFT],
        &[Refusal::ManagedByAdministrator, Refusal::NothingSelected, Refusal::UnsupportedCloud], &[],
        &[Limit::Starts, Limit::Lookups];
    RevokeOwnGrant: &[ANY, LOG], &[Refusal::ManagedByAdministrator], &[ErrorCode::ConcurrentChange],
        &[Limit::Revocations];
    EndSessions: &[ANY, STORE], &[], &[ErrorCode::ConcurrentChange], &[];
    GetFlow: &[ANY, LOG, STORE], &[], &[ErrorCode::NotFound], &[];
    ConfirmFlow: &[ANY, LOG, STORE], &[Refusal::FlowAlreadyUsed, Refusal::FlowExpired],
        &[ErrorCode::NotFound, ErrorCode::ConcurrentChange], &[Limit::Writes];
    ListHandOffs: &[ANY, LOG, STORE], &[], &[], &[];
    CreateHandOff: &[ANY, LOG, STORE, MICROSOFT],
        &[
            Refusal::FullSyncRequired, Refusal::TenantMismatch, Refusal::ManagedByAdministrator,
            Refusal::NothingSelected, Refusal::UnsupportedCloud, Refusal::OnPremisesExchange,
        ],
        &[ErrorCode::TenantAbsent, ErrorCode::AmbiguousTenant],
        &[Limit::LinksADay, Limit::OpenLinks, Limit::Lookups];
    GetHandOff: &[ANY, LOG, STORE], &[], &[ErrorCode::NotFound], &[];
    CancelHandOff: &[ANY, LOG, STORE], &[Refusal::FlowAlreadyUsed],
        &[ErrorCode::NotFound, ErrorCode::ConcurrentChange], &[];
}
