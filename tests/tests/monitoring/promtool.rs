//! Prometheus' own tool, which knows best what Prometheus takes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{bail, ensure};

const PROMTOOL: &str = "promtool";
/// Where nobody may leave these tests out: `PROMTOOL=required`, as continuous integration has it.
const REQUIRED: &str = "PROMTOOL";

pub(crate) enum Promtool {
    Installed(Tool),
    /// What needs it is left out, which is said.
    Missing,
}

pub(crate) struct Tool(&'static str);

pub(crate) fn promtool() -> anyhow::Result<Promtool> {
    let asked = Command::new(PROMTOOL)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Ok(Promtool::Installed(Tool(PROMTOOL)));
    }
    let missing = "promtool is not on PATH: on Debian `apt install prometheus`";
    if std::env::var_os(REQUIRED).is_some_and(|value| value == "required") {
        bail!("{missing}");
    }
    writeln!(std::io::stderr(), "SKIPPED: {missing}")?;
    Ok(Promtool::Missing)
}

impl Tool {
    pub(crate) fn run(&self, directory: &Path, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.0);
        let output = command
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()?;
        ensure!(
            output.status.success(),
            "promtool {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}
