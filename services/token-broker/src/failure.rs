//! Why nothing is handed out, and how that is told over HTTP and NATS.

use std::time::Duration;

use assent_contract::problem::{self, ErrorCode};
use assent_domain::refusal::Refusal;
use assent_messaging::ServiceError;
use assent_metrics::service::ERRORS;
use assent_service_kit::Problem;
use assent_service_kit::error_chain::with_sources;
use assent_service_kit::openapi::ErrorResponses;
use assent_service_kit::problem::ProblemType;
use axum::response::{IntoResponse, Response};

use crate::permissions::PermissionsUnknown;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no token, or no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request can't be understood.
    Invalid(String),
    /// The caller's token lacks a scope.
    NoScope(&'static str),
    /// The caller's token is of another account.
    AnotherAccount,
    /// The permission is not effective.
    NotPermitted,
    /// Nothing is held for the mailbox.
    NoRefreshToken,
    /// The user has to sign in to Microsoft again.
    ReauthenticationRequired,
    /// Microsoft says that the consent is gone.
    ConsentWithdrawn,
    /// Microsoft can't be reached, or wants to be left alone.
    MicrosoftUnavailable(Option<Duration>),
    /// Microsoft's answer makes no sense, or faults us.
    MicrosoftNonsense(Cause),
    /// Too many reports of one account.
    TooManyReports(Duration),
    /// What is effective is not known.
    Unknown(PermissionsUnknown),
    /// What is held can't be read or written.
    Store(Cause),
    /// A fault of ours.
    Internal(Cause),
}

impl Failure {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::InvalidRequest,
            Self::NoScope(_) | Self::AnotherAccount => ErrorCode::Forbidden,
            Self::NotPermitted => ErrorCode::NotPermitted,
            Self::NoRefreshToken => ErrorCode::NoRefreshToken,
            Self::ReauthenticationRequired => ErrorCode::ReauthenticationRequired,
            Self::ConsentWithdrawn => ErrorCode::Refused(Refusal::ConsentWithdrawn),
            Self::MicrosoftUnavailable(_) => ErrorCode::MicrosoftUnavailable,
            Self::MicrosoftNonsense(_) => ErrorCode::MicrosoftNonsense,
            Self::TooManyReports(_) => ErrorCode::TooManyRequests,
            Self::Unknown(error) => error.code(),
            Self::Store(_) => ErrorCode::StoreUnavailable,
            Self::Internal(_) => ErrorCode::InternalError,
        }
    }

    fn detail(&self) -> Option<String> {
        let detail = match self {
            Self::Invalid(detail) => return Some(detail.clone()),
            Self::NoScope(detail) => detail,
            Self::AnotherAccount => "the token is of another account",
            Self::NotPermitted => "the permission is not effective for this user",
            Self::NoRefreshToken => {
                "the permission is effective, and no refresh token of this mailbox is held: send the user to connect_url"
            }
            Self::ReauthenticationRequired => {
                "the user's session at Microsoft has ended: the consent stands, and the user has to sign in there again"
            }
            Self::ConsentWithdrawn => "Microsoft says that the consent is gone",
            Self::MicrosoftUnavailable(_) => "Microsoft gave no answer: try again in a moment",
            Self::MicrosoftNonsense(_) => {
                "Microsoft faults our request, or its answer makes no sense"
            }
            Self::TooManyReports(_) => "too many reports of this account within a minute",
            Self::Unknown(_) => "what is effective is not known, so nothing is handed out",
            Self::Store(_) => "the store of the tokens can't be used",
            Self::Internal(_) => return None,
        };
        Some(detail.to_owned())
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::MicrosoftUnavailable(after) => *after,
            Self::TooManyReports(after) => Some(*after),
            Self::Invalid(_)
            | Self::NoScope(_)
            | Self::AnotherAccount
            | Self::NotPermitted
            | Self::NoRefreshToken
            | Self::ReauthenticationRequired
            | Self::ConsentWithdrawn
            | Self::MicrosoftNonsense(_)
            | Self::Unknown(_)
            | Self::Store(_)
            | Self::Internal(_) => None,
        }
    }

    fn cause(self) -> Option<Cause> {
        match self {
            Self::MicrosoftNonsense(cause) | Self::Store(cause) | Self::Internal(cause) => {
                Some(cause)
            }
            Self::Unknown(error) => Some(error.into()),
            Self::Invalid(_)
            | Self::NoScope(_)
            | Self::AnotherAccount
            | Self::NotPermitted
            | Self::NoRefreshToken
            | Self::ReauthenticationRequired
            | Self::ConsentWithdrawn
            | Self::MicrosoftUnavailable(_)
            | Self::TooManyReports(_) => None,
        }
    }

    /// The seconds of `Retry-After`: rounded up, so that nobody comes too early.
    fn retry_after_seconds(&self) -> Option<u32> {
        let after = self.retry_after()?;
        let seconds = u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
        Some(seconds.saturating_add(1))
    }
}

impl From<PermissionsUnknown> for Failure {
    fn from(error: PermissionsUnknown) -> Self {
        Self::Unknown(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let mut problem = Self::new(failure.code().definition());
        if let Some(detail) = failure.detail() {
            problem = problem.detail(detail);
        }
        if let Some(seconds) = failure.retry_after_seconds() {
            problem = problem.retry_after(seconds);
        }
        match failure.cause() {
            Some(cause) => problem.internal(cause),
            None => problem,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl ErrorResponses for Failure {
    fn problem_types() -> Vec<ProblemType> {
        let codes = [
            ErrorCode::InvalidRequest,
            ErrorCode::Forbidden,
            ErrorCode::NotPermitted,
            ErrorCode::NoRefreshToken,
            ErrorCode::ReauthenticationRequired,
            ErrorCode::Refused(Refusal::ConsentWithdrawn),
            ErrorCode::TooManyRequests,
            ErrorCode::MicrosoftNonsense,
            ErrorCode::MicrosoftUnavailable,
            ErrorCode::EventLogUnavailable,
            ErrorCode::StoreUnavailable,
            ErrorCode::ViewNotReady,
            ErrorCode::NotYetApplied,
        ];
        codes.map(|code| code.definition().into()).to_vec()
    }
}

impl From<Failure> for ServiceError {
    fn from(failure: Failure) -> Self {
        let code = failure.code();
        ERRORS.with(["nats", code.as_str()]).increment(1);
        let mut body =
            problem::Problem::new(code, failure.detail().unwrap_or_else(|| code.to_string()));
        body.retry_after = failure.retry_after_seconds().or(body.retry_after);
        if let Some(cause) = failure.cause() {
            tracing::warn!(%code, error = %with_sources(&*cause), "a request over NATS failed");
        }
        Self {
            status: code.status(),
            code: code.as_str().to_owned(),
            // A problem of strings and a number always has a JSON form.
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
    }
}
