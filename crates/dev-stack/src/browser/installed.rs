//! What a browser test needs of the machine: a Chromium, its driver, and axe-core, which npm fetches.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::BrowserError;
use super::accessibility::axe_or_fetch;

const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const CHROMEDRIVER: [&str; 1] = ["chromedriver"];
const NPM: [&str; 1] = ["npm"];
/// Whatever is missing, so that nobody installs one after the other.
const INSTALL: &str = "`apt install chromium chromium-driver npm`, or what your system calls them";

/// Where everything is.
#[derive(Debug, Clone)]
pub struct BrowserTools {
    /// The browser.
    pub chromium: PathBuf,
    /// What steers it; of the same version.
    pub chromedriver: PathBuf,
    /// The script that judges pages.
    pub axe: PathBuf,
}

/// Something that browser tests need is not on `PATH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotInstalled {
    /// No browser.
    #[error("neither chromium nor google-chrome is on PATH: {INSTALL}")]
    Chromium,
    /// No driver.
    #[error("chromedriver is not on PATH: {INSTALL}")]
    Chromedriver,
    /// Nothing to fetch axe-core with.
    #[error("npm, which fetches axe-core, is not on PATH: {INSTALL}")]
    Npm,
}

/// Finds the programs on `PATH`, and axe-core in `tools`, fetched first if need be.
///
/// Blocks, for some seconds when it fetches.
pub fn find_or_fetch(tools: &Path) -> Result<BrowserTools, BrowserError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(BrowserTools {
        chromium: first_of(&CHROMIUM, &path).ok_or(NotInstalled::Chromium)?,
        chromedriver: first_of(&CHROMEDRIVER, &path).ok_or(NotInstalled::Chromedriver)?,
        axe: axe_or_fetch(tools, || first_of(&NPM, &path).ok_or(NotInstalled::Npm))?,
    })
}

fn first_of(names: &[&str], path: &OsStr) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        std::env::split_paths(path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    })
}
