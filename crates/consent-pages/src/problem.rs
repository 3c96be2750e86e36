//! How a failure is told over HTTP: as `application/problem+json`, which pages put into words.

use std::time::Duration;

use assent_consent_core::failure::Failure;
use assent_consent_core::limits::{Limit, Limited};
use assent_consent_core::messages;
use assent_contract::problem::ErrorCode;
use assent_domain::refusal::Refusal;
use assent_metrics::gateway::{LIMITED, REFUSALS};
use assent_service_kit::Problem;
use assent_service_kit::problem::ProblemType;
use axum::response::{IntoResponse, Response};

/// An error of a handler, which answers with its problem.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) Problem);

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

/// The codes of whatever decides on the log.
pub const LOG: &[ErrorCode] = &[
    ErrorCode::EventLogUnavailable,
    ErrorCode::EventLogDamaged,
    ErrorCode::EventUnreadable,
];

/// The codes of whatever needs a store beside the log.
pub const STORE: &[ErrorCode] = &[
    ErrorCode::EventLogUnavailable,
    ErrorCode::StoreUnavailable,
    ErrorCode::StoreFull,
];

/// The codes of whatever asks Microsoft.
pub const MICROSOFT: &[ErrorCode] = &[
    ErrorCode::MicrosoftUnavailable,
    ErrorCode::MicrosoftNonsense,
];

/// The problem that tells a failure over HTTP, with what it was caused by, for the log alone.
pub fn problem_from(failure: Failure) -> Problem {
    let code = failure.code();
    let problem = match messages::detail(&failure) {
        Some(detail) => Problem::new(code.definition()).detail(detail),
        None => Problem::new(code.definition()),
    };
    match failure {
        Failure::Refused(refusal) => {
            REFUSALS.with([refusal.code()]).increment(1);
            problem
        }
        // With the header that says how to prove oneself.
        Failure::Unauthenticated(_) => {
            Problem::unauthenticated(problem.public_detail().unwrap_or_default().to_owned())
        }
        // Words and ids only: each has a JSON form.
        Failure::AmbiguousTenant(candidates) => problem.extension(
            "candidates",
            serde_json::to_value(candidates).unwrap_or_default(),
        ),
        Failure::TooMany(Limited { limit, retry_after }) => {
            LIMITED.with([limit.name()]).increment(1);
            problem.retry_after(whole_seconds(retry_after))
        }
        Failure::StoreFull { store, cause } | Failure::StoreUnavailable { store, cause } => {
            problem.extension("store", store).internal(cause)
        }
        Failure::MicrosoftUnreachable { cause, retry_after } => {
            let problem = problem.internal(cause);
            match retry_after {
                Some(time) => problem.retry_after(whole_seconds(time)),
                None => problem,
            }
        }
        Failure::LogUnavailable(cause)
        | Failure::Unreadable(cause)
        | Failure::MicrosoftNonsense(cause)
        | Failure::Internal(cause) => problem.internal(cause),
        Failure::Damaged(damage) => problem.internal(*damage),
        Failure::LogNotBelieved(trouble) => problem.internal(trouble),
        Failure::Invalid(_)
        | Failure::Forbidden(_)
        | Failure::NotFound(_)
        | Failure::ConsentsTenantAbsent
        | Failure::AlreadyAnswered
        | Failure::MessageIsAnEvent(_)
        | Failure::ConcurrentChange
        | Failure::NotYetApplied => problem,
    }
}

/// At least one: a caller that comes back at once finds the same.
fn whole_seconds(time: Duration) -> u32 {
    let rounded_up = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(rounded_up.max(1)).unwrap_or(u32::MAX)
}

/// The problem types that groups of codes, refusals, other codes and limits come to, for descriptions of the API.
pub fn problem_types(
    groups: &[&[ErrorCode]],
    refusals: &[Refusal],
    others: &[ErrorCode],
    limits: &[Limit],
) -> Vec<ProblemType> {
    let refusals = refusals.iter().copied().map(ErrorCode::from);
    let codes = groups.concat().into_iter().chain(refusals);
    let codes = codes.chain(others.iter().copied());
    let codes = codes.map(|code| code.definition().into());
    let limits = limits.iter().map(|limit| ProblemType {
        title: messages::limit_rule(*limit),
        ..ErrorCode::TooManyRequests.definition().into()
    });
    codes.chain(limits).collect()
}

#[cfg(test)]
mod tests {
    use assent_service_kit::problem::HttpProblem;

    use super::*;

    /// So pages have a sentence for each.
    #[test]
    fn the_problems_of_http_are_codes_as_well() {
        for problem in HttpProblem::ALL {
            let kind = ProblemType::from(*problem);
            let code = ErrorCode::parse(kind.code).unwrap();
            assert_eq!(ProblemType::from(code.definition()), kind);
        }
    }
}
