//! How a run ends, and the exit codes, which scripts can rely on.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assent_checkpoint::CheckpointError;
use assent_event_log::{FollowError, OpenError, ReadError};
use assent_messaging::ConnectError;

/// Exit code: something was found, and shown.
const FINDING: u8 = 1;
/// Exit code: the command line or the configuration can't be used (`EX_USAGE`).
pub(crate) const USAGE: u8 = 64;
/// Exit code: what is to be read can't be reached (`EX_UNAVAILABLE`).
const UNAVAILABLE: u8 = 69;

/// The outcome of a command that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Clean,
    /// Something was found; the output names it.
    Finding,
    /// NATS can't be reached, so that nothing can be told; the output says so.
    Unreachable,
}

impl Outcome {
    /// [`Self::Finding`] if something was found, else [`Self::Clean`].
    pub(crate) fn finding_if(found: bool) -> Self {
        if found { Self::Finding } else { Self::Clean }
    }
}

impl From<Outcome> for ExitCode {
    fn from(exit: Outcome) -> Self {
        match exit {
            Outcome::Clean => Self::SUCCESS,
            Outcome::Finding => Self::from(FINDING),
            Outcome::Unreachable => Self::from(UNAVAILABLE),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The settings can't be used.
    #[error("the configuration can't be used")]
    Settings(#[source] Box<dyn Error + Send + Sync>),
    /// What was given on the command line can't be used.
    #[error("the command line can't be used")]
    Argument(#[source] Box<dyn Error + Send + Sync>),
    /// A file that was named can't be used.
    #[error("{} can't be used", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A checkpoint is none of the key's.
    #[error("{} is not what the key's owner signed", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: CheckpointError,
    },
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

impl CommandError {
    /// A file that can't be used.
    pub(crate) fn file(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::File {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// The exit code that says so.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::Argument(_) | Self::File { .. } => USAGE,
            Self::NotReachable(_) => UNAVAILABLE,
            Self::Finding(_) | Self::Checkpoint { .. } | Self::Output(_) => FINDING,
        }
        .into()
    }
}

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        match error {
            error @ ConnectError::BadSettings { .. } => Self::Settings(error.into()),
            error @ (ConnectError::NotReachable { .. } | ConnectError::NotPermitted { .. }) => {
                Self::NotReachable(error.into())
            }
        }
    }
}

impl From<OpenError> for CommandError {
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

impl From<ReadError> for CommandError {
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

impl From<FollowError> for CommandError {
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
