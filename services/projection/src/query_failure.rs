//! Why a query has no answer, and how that is told over HTTP and NATS.

use assent_contract::problem::{self, ErrorCode};
use assent_messaging::ServiceError;
use assent_permission_store::ReadError;
use assent_service_kit::Problem;
use axum::response::{IntoResponse, Response};

use crate::announce_error::AnnounceError;

const NOT_YET: &str =
    "the view does not reflect the write that at_least names yet: ask again in a moment";

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum QueryFailure {
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
    Untold(AnnounceError),
    /// What the request goes on with is over.
    Gone(&'static str),
    /// Others read all rows, one after another.
    Busy,
    /// What was asked for can't be kept.
    NotKept(std::io::Error),
    /// A fault of ours.
    Internal(serde_json::Error),
}

impl From<ReadError> for QueryFailure {
    fn from(error: ReadError) -> Self {
        Self::Damaged(error)
    }
}

impl QueryFailure {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::InvalidRequest,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::NotYetApplied => ErrorCode::NotYetApplied,
            Self::NotReady | Self::Damaged(_) | Self::Untold(_) | Self::NotKept(_) => {
                ErrorCode::ViewNotReady
            }
            Self::Gone(_) => ErrorCode::Gone,
            Self::Busy => ErrorCode::TooManyRequests,
            Self::Internal(_) => ErrorCode::InternalError,
        }
    }
}

impl From<QueryFailure> for Problem {
    fn from(failure: QueryFailure) -> Self {
        let problem = Self::new(failure.code().definition());
        let not_ready = "there is no view of the log: it is being built, or the log is gone; try again in a moment";
        match failure {
            QueryFailure::Invalid(detail) => problem.detail(detail),
            QueryFailure::Forbidden => problem.detail("the token does not allow this"),
            QueryFailure::NotYetApplied => problem.detail(NOT_YET),
            QueryFailure::Busy => problem.detail("others read all rows: try again in a moment"),
            QueryFailure::NotReady => problem.detail(not_ready),
            QueryFailure::Damaged(error) => problem.detail(not_ready).internal(error),
            QueryFailure::Untold(error) => problem.detail(not_ready).internal(error),
            QueryFailure::NotKept(error) => problem
                .detail("the data directory of the projection can't be written")
                .internal(error),
            QueryFailure::Gone(detail) => problem.detail(detail),
            QueryFailure::Internal(error) => problem.internal(error),
        }
    }
}

impl IntoResponse for QueryFailure {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<QueryFailure> for ServiceError {
    fn from(failure: QueryFailure) -> Self {
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
