//! Why a command stops, and with which exit code.

use std::io::Write;
use std::process::ExitCode;

use assent_event_log::{FollowError, OpenError, ReadError};
use assent_service_kit::telemetry::chain;

/// Something is not as it should be.
pub(crate) const FINDING: u8 = 1;
/// Wrong usage or configuration (EX_USAGE).
pub(crate) const USAGE: u8 = 64;
/// Something can't be reached (EX_UNAVAILABLE).
pub(crate) const UNREACHABLE: u8 = 69;

#[derive(Debug)]
pub(crate) enum Stop {
    /// Wrong usage or configuration.
    Usage(String),
    /// NATS, or what should be on it, can't be reached.
    Unreachable(String),
    /// The log is not as it should be.
    Finding(String),
    /// Whoever read our output has gone, as `head` does.
    OutputClosed,
}

impl Stop {
    pub(crate) fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Usage(text) => (text, USAGE),
            Self::Unreachable(text) => (text, UNREACHABLE),
            Self::Finding(text) => (text, FINDING),
            Self::OutputClosed => return ExitCode::SUCCESS,
        };
        // Nothing is left to be done where not even this can be written.
        drop(writeln!(std::io::stderr(), "consentctl: {text}"));
        ExitCode::from(code)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Unreachable(format!("the output can't be written: {error}"))
        }
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Finding(format!("the output has no JSON form: {error}"))
    }
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        let text = chain(&error).to_string();
        match error {
            OpenError::ConfiguredOtherwise { .. } | OpenError::ServerTooOld { .. } => {
                Self::Finding(text)
            }
            OpenError::NotThere
            | OpenError::NotReachable
            | OpenError::TimedOut
            | OpenError::NotPermitted { .. }
            | OpenError::Refused { .. } => Self::Unreachable(text),
        }
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        let text = chain(&error).to_string();
        match error {
            ReadError::Unreadable { .. } | ReadError::BrokenChain { .. } => Self::Finding(text),
            ReadError::NotThere
            | ReadError::NotReachable
            | ReadError::TimedOut
            | ReadError::NotPermitted { .. }
            | ReadError::Refused { .. }
            | ReadError::Nonsense(_) => Self::Unreachable(text),
        }
    }
}

impl From<FollowError> for Stop {
    fn from(error: FollowError) -> Self {
        let text = chain(&error).to_string();
        match error {
            FollowError::Gap { .. }
            | FollowError::StreamReplaced { .. }
            | FollowError::RolledBack { .. } => Self::Finding(text),
            FollowError::NotThere | FollowError::NotPermitted { .. } | FollowError::Refused(_) => {
                Self::Unreachable(text)
            }
        }
    }
}
