//! Finding MSAL for Node among the tools, or fetching it: once for everybody, complete or not at all.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::library::short_digest;

const FOLDER: &str = "tests/msal_node";
/// Where nobody may leave these tests out: `NODE_CLIENTS=required`, as continuous integration has it.
const REQUIRED: &str = "NODE_CLIENTS";

/// Its `node_modules`; `None`, which is said, where this machine cannot have them.
#[expect(
    clippy::print_stderr,
    reason = "a test that did not run must say so, and has no other way"
)]
pub(super) fn find_or_fetch() -> Option<PathBuf> {
    match fetched() {
        Ok(library) => Some(library),
        Err(why) => {
            let required = std::env::var_os(REQUIRED).is_some_and(|value| value == "required");
            assert!(!required, "{why}");
            eprintln!("SKIPPED: MSAL for Node was not run: {why}");
            None
        }
    }
}

fn fetched() -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let kept = tools.join(format!("msal-node-{}", short_digest(&lock)));
    let modules = kept.join("node_modules");
    std::fs::create_dir_all(&tools)?;
    let turn = File::create(tools.join("msal-node.lock"))?;
    turn.lock()?;
    if modules.is_dir() {
        return Ok(modules);
    }
    let workshop = tempfile::tempdir_in(&tools)?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(folder.join(file), workshop.path().join(file))?;
    }
    // What the lock file's hashes do not admit is not taken, and no package's script is run.
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(workshop.path())
        .stdin(Stdio::null())
        .output();
    let npm = npm.map_err(|error| {
        format!("install Node.js with npm (on Debian: apt install nodejs npm): {error}")
    })?;
    if !npm.status.success() {
        return Err(String::from_utf8_lossy(&npm.stderr).into());
    }
    // The name appears at once and complete: whoever sees it may use it.
    std::fs::rename(workshop.keep(), &kept)?;
    Ok(modules)
}
