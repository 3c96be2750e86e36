//! How a run ends: by an exit code that scripts can rely on.

use std::error::Error;
use std::process::ExitCode;

use assent_event_log::{FollowError, OpenError, ReadError};
use assent_messaging::ConnectError;

/// Something was found, and shown.
const FINDING: u8 = 1;
/// The command line or the configuration can't be used (`EX_USAGE`).
pub(crate) const USAGE: u8 = 64;
/// What is to be read can't be reached (`EX_UNAVAILABLE`).
const UNAVAILABLE: u8 = 69;

/// How a command that did its work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is well.
    Well,
    /// Something was found; the output names it.
    Finding,
    /// It can't be told, as NATS can't be reached; the output says so.
    Unreachable,
}

impl Ending {
    /// A finding, if there is one.
    pub(crate) fn with(found: bool) -> Self {
        if found { Self::Finding } else { Self::Well }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Well => Self::SUCCESS,
            Ending::Finding => Self::from(FINDING),
            Ending::Unreachable => Self::from(UNAVAILABLE),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The settings can't be used.
    #[error("the configuration can't be used")]
    Settings(#[source] Box<dyn Error + Send + Sync>),
    /// What is to be read can't be reached.
    #[error("nothing can be read")]
    NotReachable(#[source] Box<dyn Error + Send + Sync>),
    /// What was read is not what it must be.
    #[error("something is wrong with the log")]
    Finding(#[source] Box<dyn Error + Send + Sync>),
    /// The output can't be written.
    #[error("the output can't be written")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// The exit code that says so.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) => USAGE,
            Self::NotReachable(_) => UNAVAILABLE,
            Self::Finding(_) | Self::Output(_) => FINDING,
        }
        .into()
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            error @ ConnectError::BadSettings { .. } => Self::Settings(error.into()),
            error @ (ConnectError::NotReachable { .. } | ConnectError::NotPermitted { .. }) => {
                Self::NotReachable(error.into())
            }
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            error @ (OpenError::ConfiguredOtherwise { .. } | OpenError::ServerTooOld(_)) => {
                Self::Finding(error.into())
            }
            error @ (OpenError::NotThere | OpenError::JetStream(_)) => {
                Self::NotReachable(error.into())
            }
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            error @ (ReadError::Unreadable { .. }
            | ReadError::BrokenChain { .. }
            | ReadError::Damaged(_)) => Self::Finding(error.into()),
            error @ (ReadError::NotThere | ReadError::JetStream(_)) => {
                Self::NotReachable(error.into())
            }
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        match error {
            error @ (FollowError::Gap { .. }
            | FollowError::StreamReplaced { .. }
            | FollowError::RolledBack { .. }) => Self::Finding(error.into()),
            error @ (FollowError::NotThere | FollowError::Refused(_)) => {
                Self::NotReachable(error.into())
            }
        }
    }
}
