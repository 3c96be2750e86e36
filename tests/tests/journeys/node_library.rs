//! Libraries of JavaScript, fetched once for the tests that run one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

use crate::python_library::skipped;

/// Where the programs in JavaScript are, and what pins their libraries.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node")
}

/// The libraries of the lock file, fetched once and kept under this name; `None`, and a line about it, where this machine
/// can't have them.
pub(crate) async fn library(what: &str, kept: &str) -> anyhow::Result<Option<PathBuf>> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let kept = tools.join(kept);
    if kept.is_dir() {
        return Ok(Some(kept));
    }
    std::fs::create_dir_all(&tools)?;
    let workshop = tempfile::tempdir_in(&tools)?;
    let packages = workshop.path().join("packages");
    std::fs::create_dir(&packages)?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(clients().join(file), packages.join(file)).context(file)?;
    }
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&packages)
        .stdin(Stdio::null())
        .output();
    match npm.await {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            skipped(what, &format!("npm did not fetch its libraries: {said}"));
            return Ok(None);
        }
        Err(error) => {
            let how = "install Node.js with npm (on Debian: apt install nodejs npm)";
            skipped(what, &format!("{how}: {error}"));
            return Ok(None);
        }
    }
    // The name appears at once and complete. Whoever was faster has put the same there.
    match std::fs::rename(&packages, &kept) {
        Err(error) if !kept.is_dir() => Err(error.into()),
        Ok(()) | Err(_) => Ok(Some(kept)),
    }
}
