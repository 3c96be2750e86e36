//! Fetching axe-core, once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::browser::installed::NotInstalled;
use crate::fetch_once::fetch_once;

const PACKAGE: &str = "axe-core";
const VERSION: &str = "4.14.1";
/// SHA-512 of the package, as npm writes it into lock files.
const INTEGRITY: &str =
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";
/// What is kept of it.
const SCRIPT: &str = "package/axe.min.js";

/// axe-core could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum AxeError {
    /// There is no npm.
    #[error(transparent)]
    NotInstalled(#[from] NotInstalled),
    /// A program could not be run.
    #[error("{0} cannot be run")]
    Run(&'static str, #[source] std::io::Error),
    /// npm has no network, or there is no such package.
    #[error("npm did not fetch {PACKAGE} {VERSION}; it said: {0}")]
    Npm(String),
    /// Other bytes than expected.
    #[error("what npm fetched as {PACKAGE} {VERSION} is not what it should be: its SHA-512 is {0}")]
    Integrity(String),
    /// The package could not be unpacked.
    #[error("the fetched {PACKAGE} could not be unpacked: {0}")]
    Unpack(String),
    /// The directory for tools cannot be used.
    #[error("{} cannot be used to keep {PACKAGE}", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// axe-core's script in `tools`, fetched first if need be.
pub(in crate::browser) fn axe_or_fetch(
    tools: &Path,
    npm: impl FnOnce() -> Result<PathBuf, NotInstalled>,
) -> Result<PathBuf, AxeError> {
    let unusable = |source| AxeError::Directory {
        path: tools.to_path_buf(),
        source,
    };
    let name = format!("{PACKAGE}-{VERSION}.min.js");
    fetch_once(tools, &name, unusable, |workshop| fetch(&npm()?, workshop))
}

fn fetch(npm: &Path, workshop: &Path) -> Result<PathBuf, AxeError> {
    // `pack` installs nothing, and runs no script of the package.
    let mut pack = Command::new(npm);
    pack.args(["pack", "--ignore-scripts", "--loglevel=error"])
        .args(["--fetch-timeout=20000", "--fetch-retries=3"])
        .arg("--pack-destination")
        .arg(workshop)
        .arg(format!("{PACKAGE}@{VERSION}"));
    let output = run(&mut pack, workshop, "npm")?;
    if !output.status.success() {
        return Err(AxeError::Npm(said(&output)));
    }
    let package = workshop.join(format!("{PACKAGE}-{VERSION}.tgz"));
    let bytes = std::fs::read(&package).map_err(|error| AxeError::Unpack(error.to_string()))?;
    let found = BASE64_STANDARD.encode(digest(&SHA512, &bytes));
    if found != INTEGRITY {
        return Err(AxeError::Integrity(found));
    }
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(&package).arg(SCRIPT);
    let output = run(&mut unpack, workshop, "tar")?;
    if !output.status.success() {
        return Err(AxeError::Unpack(said(&output)));
    }
    Ok(workshop.join(SCRIPT))
}

fn run(command: &mut Command, folder: &Path, name: &'static str) -> Result<Output, AxeError> {
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| AxeError::Run(name, source))
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_npm_nothing_is_fetched_and_the_error_says_what_to_install() {
        let tools = tempfile::tempdir().unwrap();

        let refused = axe_or_fetch(tools.path(), || Err(NotInstalled::Npm)).unwrap_err();

        assert!(
            refused
                .to_string()
                .contains("`apt install chromium chromium-driver npm`")
        );
        assert!(!tools.path().join("axe-core-4.14.1.min.js").exists());
    }
}
