//! Why there is no decision about a login.

use assent_contract::problem::ErrorCode;
use assent_microsoft_identity::IdTokenError;
use assent_service_kit::Problem;
use assent_service_kit::openapi::ErrorResponses;
use assent_service_kit::problem::ProblemType;
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

impl LoginError {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::AnotherAccount => ErrorCode::Forbidden,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::InvalidIdToken(_) => ErrorCode::InvalidIdToken,
        }
    }
}

impl ErrorResponses for LoginError {
    fn problem_types() -> Vec<ProblemType> {
        let codes = [
            ErrorCode::Forbidden,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidIdToken,
        ];
        codes.map(|code| code.definition().into()).to_vec()
    }
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        let problem = Problem::new(self.code().definition());
        problem.detail(self.to_string()).into_response()
    }
}
