//! Libraries of JavaScript, fetched once for the tests that run one.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::python_library::skipped;

/// Where nobody may leave out what runs on Node: `NODE_CLIENTS=required`, as continuous integration has it.
const REQUIRED: &str = "NODE_CLIENTS";

/// Where the programs in JavaScript and TypeScript are, and what pins their libraries.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node")
}

/// The `node_modules` of a folder's lock file, fetched once; `None`, and a line about it, where this machine can't have
/// them.
pub(crate) async fn library(what: &str, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let folder = folder.to_owned();
    match fetched(&folder).await {
        Ok(modules) => Ok(Some(modules)),
        Err(why) if std::env::var_os(REQUIRED).is_some_and(|value| value == "required") => Err(why),
        Err(why) => {
            skipped(what, &format!("{why:#}"));
            Ok(None)
        }
    }
}

async fn fetched(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut pinned = DefaultHasher::new();
    std::fs::read(folder.join("package-lock.json"))?.hash(&mut pinned);
    let name = format!("node-{:016x}", pinned.finish());
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let kept = tools.join(&name);
    let modules = kept.join("node_modules");
    std::fs::create_dir_all(&tools)?;
    // Each test is a process of its own: one fetches, and the others wait for it.
    let turn = File::create(tools.join(format!("{name}.lock")))?;
    let turn = tokio::task::spawn_blocking(move || turn.lock().map(|()| turn)).await??;
    if !modules.is_dir() {
        let workshop = tempfile::tempdir_in(&tools)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(folder.join(file), workshop.path().join(file)).context(file)?;
        }
        // What the lock file's hashes do not admit is not taken, and no package's script is run.
        let npm = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(workshop.path())
            .stdin(Stdio::null())
            .output();
        let how = "install Node.js with npm (on Debian: apt install nodejs npm)";
        let npm = npm.await.context(how)?;
        let said = String::from_utf8_lossy(&npm.stderr);
        ensure!(
            npm.status.success(),
            "npm did not fetch its libraries: {said}"
        );
        // The name appears at once and complete.
        std::fs::rename(workshop.keep(), &kept)?;
    }
    drop(turn);
    Ok(modules)
}
