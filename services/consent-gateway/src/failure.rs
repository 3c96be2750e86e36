//! What a use case can end in besides success, and how it is told over HTTP and NATS.

use std::error::Error;
use std::time::Duration;

use assent_contract::names::EVENT_STREAM;
use assent_contract::problem::code;
use assent_contract::values::Cloud;
use assent_domain::ids::Tenant;
use assent_domain::refusal::Refusal;
use assent_event_log::Damage;
use assent_messaging::ServiceError;
use assent_service_kit::problem::Problem;
use assent_service_kit::telemetry::chain;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use crate::limits::Limited;
use crate::log_guard::LogTrouble;

/// Any error, with its chain of sources. It is logged, and never shown.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// After how many seconds trying again makes sense when a server is away.
const RETRY_AFTER: u32 = 2;

/// A store that is full is not emptied soon.
const RETRY_AFTER_FULL: u32 = 60;

/// Why a use case did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The rules don't allow it.
    Refused(Refusal),
    /// The request can't be understood, or not by these means.
    Invalid(String),
    /// What the caller proves itself with is not accepted.
    Unauthenticated(&'static str),
    /// The caller's token does not reach this.
    Forbidden(&'static str),
    /// There is no such thing, or not for this caller.
    NotFound(&'static str),
    /// A name stands for tenants in several of Microsoft's clouds.
    AmbiguousTenant(Vec<Candidate>),
    /// Microsoft says that the tenant of the consent in force is there no more.
    ConsentsTenantAbsent,
    /// This user's Microsoft account has answered about all that was to be asked.
    AlreadyAnswered,
    /// What was to be declared void is an event; how that is known.
    MessageIsAnEvent(String),
    /// There was too much of something.
    TooMany(Limited),
    /// Others kept changing the same thing.
    ConcurrentChange,
    /// What `at_least` names is not there yet.
    NotYetApplied,
    /// The event log can't be reached; with it nothing else can, as all of it is in NATS.
    LogUnavailable(Cause),
    /// A store holds as much as it may.
    StoreFull { store: String, cause: Cause },
    /// A store beside the log is not there, or does not answer, or takes nothing.
    StoreUnavailable { store: String, cause: Cause },
    /// The log holds what can't be read.
    Unreadable(Cause),
    /// The log has lost events of an account or user.
    Damaged(Box<Damage>),
    /// The log as a whole is not what was written, so nothing can be decided on it.
    LogNotBelieved(LogTrouble),
    /// Microsoft can't be reached, does not answer in time, or wants to be left alone for some time.
    MicrosoftUnreachable {
        cause: Cause,
        retry_after: Option<Duration>,
    },
    /// Microsoft's answer makes no sense, or faults us.
    MicrosoftNonsense(Cause),
    /// A fault of ours.
    Internal(Cause),
}

/// One of several tenants that a name stands for.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Candidate {
    cloud: Cloud,
    tenant_id: Uuid,
}

impl From<Tenant> for Candidate {
    fn from(tenant: Tenant) -> Self {
        Self {
            cloud: tenant.cloud.into(),
            tenant_id: tenant.id.0,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::TooMany(limited)
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

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => {
                metrics::counter!("assent_refusals_total", "code" => refusal.code()).increment(1);
                Self::new(status(refusal), refusal.code(), title(refusal.code()))
                    .detail(refusal.to_string())
            }
            Failure::Invalid(detail) => Self::invalid_request(detail),
            Failure::Unauthenticated(detail) => Self::unauthenticated(detail),
            Failure::Forbidden(detail) => Self::forbidden(detail),
            Failure::NotFound(detail) => Self::not_found(detail),
            Failure::AmbiguousTenant(candidates) => Self::new(
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
            Failure::ConsentsTenantAbsent => Self::new(
                StatusCode::CONFLICT,
                "tenant_absent",
                "The tenant is not there",
            )
            .detail(
                "Microsoft knows the tenant of the consent in force no more; switch to user_individual first, then ask \
                 the administrator of the tenant that the company is in now",
            ),
            Failure::AlreadyAnswered => Self::new(
                StatusCode::CONFLICT,
                code::ALREADY_ANSWERED,
                "The user has answered",
            )
            .detail("the user has answered about all of it, with this Microsoft account"),
            Failure::MessageIsAnEvent(detail) => Self::new(
                StatusCode::CONFLICT,
                code::MESSAGE_IS_AN_EVENT,
                "The message is an event",
            )
            .detail(detail),
            Failure::TooMany(Limited { limit, retry_after }) => {
                metrics::counter!("assent_limited_total", "limit" => limit.name()).increment(1);
                Self::too_many_requests(whole_seconds(retry_after)).detail(limit.sentence())
            }
            Failure::ConcurrentChange => Self::concurrent_change(),
            Failure::NotYetApplied => Self::not_yet_applied(),
            Failure::LogUnavailable(cause) => Self::event_log_unavailable(RETRY_AFTER).internal(cause),
            Failure::StoreFull { store, cause } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code::STORE_FULL,
                "A store is full",
            )
            .detail(full(&store))
            .extension("store", store)
            .retry_after(RETRY_AFTER_FULL)
            .internal(cause),
            Failure::StoreUnavailable { store, cause } => Self::new(
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
            Failure::Unreadable(cause) => Self::new(
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
                Self::microsoft_unavailable(seconds).internal(cause)
            }
            Failure::MicrosoftNonsense(cause) => Self::microsoft_nonsense().internal(cause),
            Failure::Internal(cause) => Self::bug(cause),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<Failure> for ServiceError {
    fn from(failure: Failure) -> Self {
        let problem = Problem::from(failure);
        if let Some(cause) = problem.internal_cause() {
            tracing::error!(
                code = problem.code(),
                error = %chain(cause),
                "a command failed"
            );
        }
        let body = assent_contract::problem::Problem {
            retry_after: problem.retry_after_seconds(),
            ..assent_contract::problem::Problem::new(
                problem.status().as_u16(),
                problem.code(),
                problem.public_detail().unwrap_or_default(),
            )
        };
        Self {
            status: problem.status().as_u16(),
            code: problem.code().to_owned(),
            // A problem of strings and a number always has a JSON form.
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
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
