//! How a failure is told over HTTP: as `application/problem+json`, which pages put into words.

use std::time::Duration;

use assent_consent_core::failure::Failure;
use assent_consent_core::limits::Limited;
use assent_contract::names::EVENT_STREAM;
use assent_contract::problem::code;
use assent_domain::refusal::Refusal;
use assent_service_kit::Problem;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// After how many seconds trying again makes sense when a server is away.
const RETRY_AFTER: u32 = 2;

/// A store that is full is not emptied soon.
const RETRY_AFTER_FULL: u32 = 60;

/// An error of a handler, which answers with its problem.
#[derive(Debug)]
pub struct ApiError(pub(crate) Problem);

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self(problem_from(failure))
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// The HTTP status of a refusal: 422 where the request itself asks for what is never
/// possible, 409 where the state of things is against it.
fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::AdministratorNotConfirmed
        | Refusal::NothingSelected
        | Refusal::UnsupportedCloud
        | Refusal::OnPremisesExchange => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::FlowExpired => StatusCode::GONE,
        Refusal::FullSyncRequired
        | Refusal::TenantMismatch
        | Refusal::NotAnAdministrator
        | Refusal::ScopesMissing
        | Refusal::Declined
        | Refusal::Undetermined
        | Refusal::AdministratorApprovalRequired
        | Refusal::FlowAlreadyUsed
        | Refusal::ManagedByAdministrator
        | Refusal::AdministratorConsentRequired
        | Refusal::IdentityMismatch
        | Refusal::GuestAccount
        | Refusal::PersonalAccount
        | Refusal::NotAdministratorConfigured
        | Refusal::ConsentSuperseded => StatusCode::CONFLICT,
    }
}

/// The problem that tells a failure over HTTP, with what it was caused by, for the log alone.
pub fn problem_from(failure: Failure) -> Problem {
    match failure {
            Failure::Refused(refusal) => {
                metrics::counter!("assent_refusals_total", "code" => refusal.code()).increment(1);
                Problem::new(status(refusal), refusal.code(), title(refusal.code()))
                    .detail(refusal.to_string())
            }
            Failure::Invalid(detail) => Problem::invalid_request(detail),
            Failure::Unauthenticated(detail) => Problem::unauthenticated(detail),
            Failure::Forbidden(detail) => Problem::forbidden(detail),
            Failure::NotFound(detail) => Problem::not_found(detail),
            Failure::AmbiguousTenant(candidates) => Problem::new(
                StatusCode::CONFLICT,
                "ambiguous_tenant",
                "The name stands for several tenants",
            )
            .detail("this name stands for tenants in several of Microsoft's clouds; say which by tenant_cloud")
            .extension(
                "candidates",
                // Words and ids only: each has a JSON form.
                serde_json::to_value(candidates).unwrap_or_default(),
            ),
            Failure::ConsentsTenantAbsent => Problem::new(
                StatusCode::CONFLICT,
                "tenant_absent",
                "The tenant is not there",
            )
            .detail(
                "Microsoft knows the tenant of the consent in force no more; switch to user_individual first, then ask \
                 the administrator of the tenant that the company is in now",
            ),
            Failure::AlreadyAnswered => Problem::new(
                StatusCode::CONFLICT,
                code::ALREADY_ANSWERED,
                "The user has answered",
            )
            .detail("the user has answered about all of it, with this Microsoft account"),
            Failure::MessageIsAnEvent(detail) => Problem::new(
                StatusCode::CONFLICT,
                code::MESSAGE_IS_AN_EVENT,
                "The message is an event",
            )
            .detail(detail),
            Failure::TooMany(Limited { limit, retry_after }) => {
                metrics::counter!("assent_limited_total", "limit" => limit.name()).increment(1);
                Problem::too_many_requests(whole_seconds(retry_after)).detail(limit.sentence())
            }
            Failure::ConcurrentChange => Problem::concurrent_change(),
            Failure::NotYetApplied => Problem::not_yet_applied(),
            Failure::LogUnavailable(cause) => Problem::event_log_unavailable(RETRY_AFTER).internal(cause),
            Failure::StoreFull { store, cause } => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code::STORE_FULL,
                "A store is full",
            )
            .detail(full(&store))
            .extension("store", store)
            .retry_after(RETRY_AFTER_FULL)
            .internal(cause),
            Failure::StoreUnavailable { store, cause } => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code::STORE_UNAVAILABLE,
                "A store cannot be used",
            )
            .detail(format!(
                "{store} cannot be used just now, and what was asked needs it; what was granted stands on the log, and can \
                 be taken back"
            ))
            .extension("store", store)
            .retry_after(RETRY_AFTER)
            .internal(cause),
            Failure::Unreadable(cause) => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                code::EVENT_UNREADABLE,
                title(code::EVENT_UNREADABLE),
            )
            .detail("the event log holds an event of this account or user that can't be read; an operator was alarmed")
            .internal(cause),
            Failure::Damaged(damage) => event_log_damaged(
                "events of this account or user are damaged in the event log, so nothing can be decided until they are \
                 restored; an operator was alarmed",
            )
            .internal(*damage),
            Failure::LogNotBelieved(trouble) => event_log_damaged(
                "the event log is not the one that was written, so nothing can be decided until an operator has seen \
                 to it",
            )
            .internal(trouble),
            Failure::MicrosoftUnreachable { cause, retry_after } => {
                let seconds = retry_after.map_or(RETRY_AFTER, whole_seconds);
                Problem::microsoft_unavailable(seconds).internal(cause)
            }
            Failure::MicrosoftNonsense(cause) => Problem::microsoft_nonsense().internal(cause),
            Failure::Internal(cause) => Problem::bug(cause),
    }
}

/// Where the log itself is full, nothing can be taken back, either.
fn full(store: &str) -> String {
    if store == EVENT_STREAM {
        format!(
            "the event log {store} is full, so nothing can be recorded until an operator has made room; permissions are as \
             they were"
        )
    } else {
        format!(
            "{store} is full, so nothing that needs it can begin; what is on the log stands, and can be taken back"
        )
    }
}

/// No time to try again is named: somebody has to act first.
fn event_log_damaged(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        code::EVENT_LOG_DAMAGED,
        title(code::EVENT_LOG_DAMAGED),
    )
    .detail(detail)
}

/// At least one: a caller that comes back at once finds the same.
fn whole_seconds(time: Duration) -> u32 {
    let rounded_up = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(rounded_up.max(1)).unwrap_or(u32::MAX)
}

fn title(code: &'static str) -> &'static str {
    match code {
        "forbidden" => "You may not do this",
        "managed_by_administrator" => "Managed by the Office 365 administrator",
        "event_unreadable" => "The event log can't be read",
        "event_log_damaged" => "The event log is damaged",
        _ => "The request was refused",
    }
}
