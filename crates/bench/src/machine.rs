//! What was measured on.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use assent_dev_stack::nats_server::find_or_fetch;
use assent_dev_stack::tools_directory;
use serde::{Deserialize, Serialize};

/// What figures depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
    pub(crate) nats_server: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// What this machine says of itself; `unknown` where it does not.
    pub(crate) fn describe() -> Self {
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| UNKNOWN.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_mib: field("/proc/meminfo", "MemTotal")
                .and_then(|size| size.strip_suffix(" kB")?.trim().parse::<u64>().ok())
                .unwrap_or_default()
                / 1024,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| UNKNOWN.to_owned(), |release| release.trim().to_owned()),
            nats_server: nats_server().unwrap_or_else(|| UNKNOWN.to_owned()),
        }
    }

    /// Whether figures of both can be compared beyond their ratios.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.cpu == other.cpu && self.cores == other.cores
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} cores, {} MiB, Linux {}, nats-server {}",
            self.cpu, self.cores, self.memory_mib, self.kernel, self.nats_server
        )
    }
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The first line of a file such as `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(found, _)| found.trim() == name)?;
    Some(value.trim().to_owned())
}

fn nats_server() -> Option<String> {
    let program = find_or_fetch(&tools_directory().ok()?).ok()?;
    let said = said(Command::new(program).arg("--version"))?;
    let (_, version) = said.rsplit_once('v')?;
    Some(version.to_owned())
}

/// What the tree is of; `-changed` where it is not what that commit holds.
pub(crate) fn commit() -> String {
    commit_and_changes().unwrap_or_else(|| UNKNOWN.to_owned())
}

fn commit_and_changes() -> Option<String> {
    let git = |arguments: &[&str]| {
        said(
            Command::new("git")
                .arg("-C")
                .arg(workspace())
                .args(arguments),
        )
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_changed = git(&["status", "--porcelain", "--untracked-files=no"])
        .is_none_or(|changes| !changes.is_empty());
    Some(if is_changed {
        format!("{commit}-changed")
    } else {
        commit
    })
}

/// What a command prints, if it succeeds.
fn said(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
