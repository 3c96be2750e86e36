//! Why there is no decision about a login.

use assent_microsoft_identity::IdTokenError;
use assent_service_kit::openapi::ErrorResponses;
use assent_service_kit::problem::{HttpProblem, ProblemType};
use assent_service_kit::{Problem, problem_types};
use axum::response::{IntoResponse, Response};

use super::login_body::InvalidLogin;

/// Why a request for a decision is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error("the token is of another account")]
    AnotherAccount,
    #[error(transparent)]
    InvalidRequest(#[from] InvalidLogin),
    /// It is told with the kind of fault, and never with the token.
    #[error(transparent)]
    InvalidIdToken(#[from] IdTokenError),
}

problem_types! {
    /// The problems that only the login hook has.
    enum LoginProblem {
        /// The ID token is not Microsoft's, not for the host application, or not valid now.
        InvalidIdToken = UNPROCESSABLE_ENTITY, "invalid_id_token", "The ID token proves nothing";
    }
}

impl ErrorResponses for LoginError {
    fn problem_types() -> Vec<ProblemType> {
        vec![
            HttpProblem::Forbidden.into(),
            HttpProblem::InvalidRequest.into(),
            LoginProblem::InvalidIdToken.into(),
        ]
    }
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        let problem: Problem = match &self {
            Self::AnotherAccount => HttpProblem::Forbidden.into(),
            Self::InvalidRequest(_) => HttpProblem::InvalidRequest.into(),
            Self::InvalidIdToken(_) => LoginProblem::InvalidIdToken.into(),
        };
        problem.detail(self.to_string()).into_response()
    }
}
