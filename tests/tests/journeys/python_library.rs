//! Libraries of Python, fetched once for the tests that run one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// Where the programs in Python and their requirements are.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python")
}

#[expect(
    clippy::print_stderr,
    reason = "a test that did not run must say so, and has no other way"
)]
pub(crate) fn skipped(what: &str, why: &str) {
    eprintln!("SKIPPED: {what} was not run: {why}");
}

/// Where nobody may leave out what runs on Python: `PYTHON_CLIENTS=required`, as continuous integration has it.
const REQUIRED: &str = "PYTHON_CLIENTS";

fn missing(what: &str, why: &str) -> anyhow::Result<Option<PathBuf>> {
    let required = std::env::var_os(REQUIRED).is_some_and(|value| value == "required");
    anyhow::ensure!(!required, "{what} was not run: {why}");
    skipped(what, why);
    Ok(None)
}

/// The libraries of a file of requirements, fetched once and kept under this name; `None`, and a line about it, where
/// this machine can't have them.
pub(crate) async fn library(
    what: &str,
    kept: &str,
    requirements: &str,
) -> anyhow::Result<Option<PathBuf>> {
    // Cargo's directory for what tests keep lies in the target directory, as the tools do.
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let kept = tools.join(kept);
    if kept.is_dir() {
        return Ok(Some(kept));
    }
    std::fs::create_dir_all(&tools)?;
    let workshop = tempfile::tempdir_in(&tools)?;
    let packages = workshop.path().join("packages");
    // Into a directory of its own: no virtual environment is needed, which some systems can't make, nor root.
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-deps", "--no-compile"])
        .args([
            "--only-binary=:all:",
            "--require-hashes",
            "--timeout=20",
            "--target",
        ])
        .arg(&packages)
        .arg("--requirement")
        .arg(clients().join(requirements))
        .env_remove("PIP_USER")
        .stdin(Stdio::null())
        .output()
        .await;
    match pip {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return missing(what, &format!("pip did not fetch {requirements}: {said}"));
        }
        Err(error) => {
            return missing(what, &format!("there is no python3: {error}"));
        }
    }
    // The name appears at once and complete. Whoever was faster has put the same there.
    match std::fs::rename(&packages, &kept) {
        Err(error) if !kept.is_dir() => Err(error.into()),
        Ok(()) | Err(_) => Ok(Some(kept)),
    }
}
