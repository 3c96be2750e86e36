//! How a run ends, and the exit codes, which scripts can rely on.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assent_checkpoint::CheckpointError;
use assent_contract::words;
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
    /// One of Nagios' own exit codes, 0 to 3.
    Nagios(u8),
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
            Outcome::Nagios(code) => Self::from(code),
        }
    }
}

words! {
    "consentctl error"
    /// Why there is no answer, in one word: `error.code` of the line that `--json` writes to standard error. Where a service
    /// refused, its own code stands there.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum FailureCode {
        /// The command line can't be used, or needs somebody at a terminal.
        Usage = "usage",
            Operator: "the error says what is wrong; the command's --help says what it takes, with examples";
        /// The options, variables or files that say how to connect can't be used.
        Configuration = "configuration",
            Operator: "correct the option or variable that the error names";
        /// NATS or a service can't be reached or does not permit it, or the log is not there.
        NotReachable = "not_reachable",
            Operator: "see that NATS and the services run, and with whose credentials you ask: consentctl doctor";
        /// What was read of the log is not what it must be.
        LogNotSound = "log_not_sound",
            Operator: "consentctl doctor names what is wrong with the log, and what to do";
        /// A file that was named can't be used.
        FileNotUsable = "file_not_usable",
            Operator: "the error says which file, and what is wrong with it";
        /// A checkpoint is not one, or is not signed by the key that was named.
        CheckpointNotSound = "checkpoint_not_sound",
            Operator: "see that it is the file that checkpoint sign wrote, unchanged, and that the key is the one that signed it";
        /// Things are not as the command needs them, or an export is not as it must be.
        NotDone = "not_done",
            Operator: "the error says what stands in the way, and whether anything was changed";
        /// The answer, or a file, can't be written.
        NotWritten = "not_written",
            Operator: "see that the disk or the directory has room and may be written to";
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The command can't be run as it was asked for.
    #[error(transparent)]
    Usage(Box<dyn Error + Send + Sync>),
    /// A service refused, or would.
    #[error("refused: {detail} ({code})")]
    Refused {
        /// The HTTP status that the same refusal has over HTTP.
        status: u16,
        /// The service's own code.
        code: String,
        /// What went wrong this time, and what to do.
        detail: String,
    },
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
    /// The directory for what is needed only meanwhile does not serve.
    #[error(
        "no view of the log can be made in the directory for temporary files: set TMPDIR to one with room"
    )]
    Scratch(#[source] Box<dyn Error + Send + Sync>),
    /// A file or a directory of this machine does not serve.
    #[error("a file or directory can't be used")]
    Files(#[source] Box<dyn Error + Send + Sync>),
    /// Things are not as the command needs them, or an export is not as it must be.
    #[error("it was not done")]
    NotDone(#[source] Box<dyn Error + Send + Sync>),
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

    /// The exit code that says so. The status of a refusal tells whether waiting helps.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Settings(_)
            | Self::Argument(_)
            | Self::File { .. }
            | Self::Refused { status: 400, .. } => USAGE,
            Self::NotReachable(_) | Self::Refused { status: 500.., .. } => UNAVAILABLE,
            Self::Finding(_)
            | Self::Checkpoint { .. }
            | Self::Scratch(_)
            | Self::Files(_)
            | Self::NotDone(_)
            | Self::Output(_)
            | Self::Refused { .. } => FINDING,
        }
    }

    /// The stable word for it.
    pub(crate) fn code(&self) -> &str {
        let own = match self {
            Self::Refused { code, .. } => return code,
            Self::Usage(_) | Self::Argument(_) => FailureCode::Usage,
            Self::File { .. } => FailureCode::FileNotUsable,
            Self::Checkpoint { .. } => FailureCode::CheckpointNotSound,
            Self::Settings(_) => FailureCode::Configuration,
            Self::NotReachable(_) => FailureCode::NotReachable,
            Self::Finding(_) => FailureCode::LogNotSound,
            Self::NotDone(_) => FailureCode::NotDone,
            Self::Files(_) | Self::Scratch(_) | Self::Output(_) => FailureCode::NotWritten,
        };
        own.as_str()
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
