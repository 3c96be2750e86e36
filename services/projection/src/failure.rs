//! Why a query has no answer, and how that is told over HTTP and NATS.

use assent_contract::problem::{self, ErrorCode};
use assent_messaging::ServiceError;
use assent_permission_store::ReadError;
use assent_service_kit::Problem;
use axum::response::{IntoResponse, Response};

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

impl Failure {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::InvalidRequest,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::NotYetApplied => ErrorCode::NotYetApplied,
            Self::NotReady | Self::Damaged(_) | Self::Untold(_) => ErrorCode::ViewNotReady,
            Self::Gone(_) => ErrorCode::Gone,
            Self::Internal(_) => ErrorCode::InternalError,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let problem = Self::new(failure.code().definition());
        let not_ready = "there is no view of the log: it is being built, or the log is gone; try again in a moment";
        match failure {
            Failure::Invalid(detail) => problem.detail(detail),
            Failure::Forbidden => problem.detail("the token does not allow this"),
            Failure::NotYetApplied => problem,
            Failure::NotReady => problem.detail(not_ready),
            Failure::Damaged(error) => problem.detail(not_ready).internal(error),
            Failure::Untold(error) => problem.detail(not_ready).internal(error),
            Failure::Gone(detail) => problem.detail(detail),
            Failure::Internal(error) => problem.internal(error),
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
        let code = failure.code();
        let problem = Problem::from(failure);
        let detail = problem.public_detail().unwrap_or(code.as_str());
        let body = problem::Problem::new(code, detail);
        Self {
            status: code.status(),
            code: code.as_str().to_owned(),
            // A problem of strings and a number always has a JSON form.
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
    }
}
