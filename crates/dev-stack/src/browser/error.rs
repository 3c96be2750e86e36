//! What can go wrong with a browser.

use std::path::PathBuf;
use std::time::Duration;

use thirtyfour::prelude::WebDriverError;

use super::accessibility::AxeError;
use super::installed::NotInstalled;
use crate::port::PortError;
use crate::target::TargetError;

/// A browser did not start, or did not do or show what was expected of it.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// Something that has to be installed is not.
    #[error(transparent)]
    NotInstalled(#[from] NotInstalled),
    /// axe-core could not be fetched.
    #[error("there is no axe-core to judge pages with")]
    Axe(#[from] AxeError),
    /// Nowhere to keep fetched tools.
    #[error("there is no place for fetched tools")]
    Target(#[from] TargetError),
    /// No port for chromedriver.
    #[error("there is no port for chromedriver")]
    Port(#[from] PortError),
    /// Files of the browser could not be written or read.
    #[error("the files of the browser cannot be used")]
    Files(#[source] std::io::Error),
    /// chromedriver could not be run.
    #[error("{} could not be run", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// chromedriver ended by itself, or was not ready in time.
    #[error("chromedriver did not come up: {reason}; its log ends:\n{log}")]
    NotReady {
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// chromedriver started no browser.
    #[error("chromedriver started no Chromium; its log ends:\n{log}")]
    NoSession {
        /// The last lines of its log.
        log: String,
        /// What it said.
        #[source]
        source: Box<WebDriverError>,
    },
    /// The browser would not do something.
    #[error("the browser would not {what}, {page}")]
    Refused {
        /// What it was to do.
        what: String,
        /// What it showed.
        page: String,
        /// What it said.
        #[source]
        source: Box<WebDriverError>,
    },
    /// Something did not appear in time.
    #[error("{what}: not there within {} s{failure}, {page}", within.as_secs_f32())]
    NotThere {
        /// What was waited for.
        what: String,
        /// How long it was waited for.
        within: Duration,
        /// How the last attempt failed, if it did.
        failure: String,
        /// What the browser showed.
        page: String,
    },
    /// The page is not as expected.
    #[error("{what}, {page}")]
    Unexpected {
        /// What is wrong.
        what: String,
        /// What the browser showed.
        page: String,
    },
}

impl BrowserError {
    /// What has to be installed, if that is all that is wrong.
    pub fn not_installed(&self) -> Option<NotInstalled> {
        match self {
            Self::NotInstalled(missing) | Self::Axe(AxeError::NotInstalled(missing)) => {
                Some(*missing)
            }
            Self::Axe(_)
            | Self::Target(_)
            | Self::Port(_)
            | Self::Files(_)
            | Self::Spawn { .. }
            | Self::NotReady { .. }
            | Self::NoSession { .. }
            | Self::Refused { .. }
            | Self::NotThere { .. }
            | Self::Unexpected { .. } => None,
        }
    }
}
