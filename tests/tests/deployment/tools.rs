//! The tools of others that know best whether what is in `deploy/` can be taken.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{bail, ensure};

/// Where `.ci/run` puts the Python environment of `.ci/deployment-tools.txt`.
const ENVIRONMENT: &str = "target/tools/deployment/bin";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A program of the Python environment; `None`, which is said, where it is not there and `DEPLOYMENT_TOOLS=required` does
/// not ask for it.
pub(crate) fn of_environment(program: &str) -> anyhow::Result<Option<PathBuf>> {
    let path = root().join(ENVIRONMENT).join(program);
    if path.exists() {
        return Ok(Some(path));
    }
    missing(
        "DEPLOYMENT_TOOLS",
        &format!(
            "{ENVIRONMENT}/{program} is not there: .ci/run makes it from .ci/deployment-tools.txt"
        ),
    )
}

/// A program of the system.
pub(crate) fn of_system(program: &str, required_by: &str) -> anyhow::Result<Option<PathBuf>> {
    let asked = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Ok(Some(program.into()));
    }
    missing(required_by, &format!("{program} is not on PATH"))
}

pub(crate) fn missing(required_by: &str, what: &str) -> anyhow::Result<Option<PathBuf>> {
    if std::env::var_os(required_by).is_some_and(|value| value == "required") {
        bail!("{what}");
    }
    writeln!(std::io::stderr(), "SKIPPED: {what}")?;
    Ok(None)
}

pub(crate) fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(program);
    let output = command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

/// What it writes, if it takes what it is given.
pub(crate) fn accepts(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = run(program, arguments)?;
    ensure!(
        output.status.success(),
        "{} {arguments:?}: {}{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
