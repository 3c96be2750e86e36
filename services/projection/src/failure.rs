//! Why a query has no answer, and how that is told over HTTP and NATS.

use assent_contract::problem::{self, code};
use assent_messaging::ServiceError;
use assent_permission_store::ReadError;
use assent_service_kit::Problem;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// After how many seconds trying again makes sense.
const RETRY_AFTER: u32 = 1;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request can't be understood.
    Invalid(String),
    /// The caller may not ask this.
    Forbidden,
    /// What `at_least` names is not applied yet.
    NotYetApplied,
    /// There is no view that can be served: it is being built, or its log is gone.
    NotReady,
    /// The view can't be read. It is being rebuilt.
    Damaged(ReadError),
    /// What was told can't be found out.
    Untold(Box<dyn std::error::Error + Send + Sync>),
    /// What the request goes on with is over.
    Gone(&'static str),
    /// A fault of ours.
    Internal(serde_json::Error),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Damaged(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let not_ready = || {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "view_not_ready",
                "The view is being built",
            )
            .detail("there is no view of the log: it is being built, or the log is gone; try again in a moment")
            .retry_after(RETRY_AFTER)
        };
        match failure {
            Failure::Invalid(detail) => Self::invalid_request(detail),
            Failure::Forbidden => Self::forbidden("the token does not allow this"),
            Failure::NotYetApplied => Self::not_yet_applied(),
            Failure::NotReady => not_ready(),
            Failure::Damaged(error) => not_ready().internal(error),
            Failure::Untold(error) => not_ready().internal(error),
            Failure::Gone(detail) => Self::gone(detail),
            Failure::Internal(error) => Self::bug(error),
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
        let status = problem.status().as_u16();
        let detail = problem.public_detail().unwrap_or(code::INTERNAL_ERROR);
        let body = problem::Problem::new(status, problem.code(), detail);
        Self {
            status,
            code: problem.code().to_owned(),
            // A problem of strings and a number always has a JSON form.
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
    }
}
