//! Which nats-server we talk to, and the oldest we accept.

use std::fmt;
use std::str::FromStr;

/// A nats-server release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl ServerVersion {
    /// Older servers find a control header's name inside another header's value and then skip the
    /// concurrency check of an append; 2.12.2 is the first 2.12 that does not.
    pub const REQUIRED: Self = Self::new(2, 12, 2);

    /// The release `major.minor.patch`.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The text is not a nats-server release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a nats-server version")]
pub struct ParseServerVersionError(String);

impl FromStr for ServerVersion {
    type Err = ParseServerVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || ParseServerVersionError(text.to_owned());
        // A pre-release ("2.14.0-RC.1") counts as the release it precedes.
        let release = text
            .trim_start_matches('v')
            .split(['-', '+'])
            .next()
            .unwrap_or_default();
        let mut numbers = release.split('.').map(str::parse::<u32>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(unreadable);
        Ok(Self::new(next()?, next()?, next()?))
    }
}

/// The server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerVersionError {
    /// There has been no connection yet, so the server's version is not known.
    #[error("not connected to NATS yet: its version is not known")]
    NotConnected,
    /// The server is too old.
    #[error("nats-server {found} is too old: {required} or later is required")]
    TooOld {
        /// What the server says it is.
        found: ServerVersion,
        /// The oldest accepted.
        required: ServerVersion,
    },
    /// The server gave a version nobody can read.
    #[error("the server's version cannot be read ({required} or later is required)")]
    Unreadable {
        /// The oldest accepted.
        required: ServerVersion,
        /// What was wrong with it.
        #[source]
        source: ParseServerVersionError,
    },
}

#[cfg(test)]
mod tests {
    use super::ServerVersion;

    #[test]
    fn versions_are_read_and_compared_by_number() {
        let version = |text: &str| text.parse::<ServerVersion>().unwrap();
        assert!(version("2.9.10") < version("2.12.2"));
        assert!(version("v2.15.1") > ServerVersion::REQUIRED);
        assert_eq!(version("2.14.0-RC.1"), ServerVersion::new(2, 14, 0));
        for garbage in ["", "2", "2.12", "x.y.z", "2.12.-1"] {
            assert!(garbage.parse::<ServerVersion>().is_err(), "{garbage:?}");
        }
    }
}
