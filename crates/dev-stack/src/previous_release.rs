//! The programs of the previous release, built once from this repository's history: what runs beside
//! today's programs while an operator upgrades.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::target::{TargetError, tools_directory};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const PROGRAMS: [&str; 3] = ["consent-gateway", "projection", "login-hook"];

/// The programs of the previous release are not there.
#[derive(Debug, thiserror::Error)]
pub enum PreviousReleaseError {
    /// Where to put them is unknown.
    #[error("the place for the previous release is unknown")]
    Target(#[from] TargetError),
    /// This is no clone, or a shallow one.
    #[error("commit {commit}, the previous release, is not in this repository's history: {said}")]
    NotInHistory {
        /// The commit that `tests/previous-release` names.
        commit: String,
        /// What Git said.
        said: String,
    },
    /// Files could not be written, or a program could not be run.
    #[error("the previous release could not be built")]
    Io(#[from] io::Error),
    /// Git or Cargo failed.
    #[error("the previous release could not be built: {command} ended with {status}")]
    Failed {
        /// Which command.
        command: &'static str,
        /// How it ended.
        status: ExitStatus,
    },
}

/// The commit that is the previous release.
fn commit() -> &'static str {
    let named = include_str!("../../../tests/previous-release");
    named.lines().next().unwrap_or_default().trim()
}

/// Whether it is there, or in this repository's history, which a shallow clone and a source archive lack.
pub fn require_available() -> Result<(), PreviousReleaseError> {
    let (place, kept) = places()?;
    if kept.is_dir() {
        return Ok(());
    }
    require_history(&place)
}

/// The directory with the three services of the previous release. The first call builds them, which
/// takes minutes; they are kept in `target/previous-release`, by their commit.
pub fn find_or_build() -> Result<PathBuf, PreviousReleaseError> {
    let (place, kept) = places()?;
    if kept.is_dir() {
        return Ok(kept);
    }
    build(&place, &kept)?;
    Ok(kept)
}

/// Where it is built, and where the programs are kept.
fn places() -> Result<(PathBuf, PathBuf), TargetError> {
    let place = tools_directory()?.with_file_name("previous-release");
    let kept = place.join(commit());
    Ok((place, kept))
}

/// Builds in `place`. Whoever else builds at the same time, in whatever process, waits.
fn build(place: &Path, kept: &Path) -> Result<(), PreviousReleaseError> {
    fs::create_dir_all(place)?;
    let lock = File::create(place.join("lock"))?;
    lock.lock()?;
    if kept.is_dir() {
        return Ok(());
    }
    let (source, target) = (place.join("source"), place.join("build"));
    check_out(place, &source)?;
    // The Cargo that runs this, so that there is one toolchain.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo
        .args(["build", "--locked", "--bins"])
        .args(PROGRAMS.iter().flat_map(|name| ["--package", name]))
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    run("cargo build", &mut cargo)?;
    let whole = place.join("whole");
    renew(&whole)?;
    for name in PROGRAMS {
        fs::copy(target.join("debug").join(name), whole.join(name))?;
    }
    fs::rename(&whole, kept)?;
    // A gigabyte that nothing needs any more.
    fs::remove_dir_all(&target)?;
    Ok(fs::remove_dir_all(&source)?)
}

/// Puts the files of the previous release into `source`, without touching the index or work tree of
/// whoever works here.
fn check_out(place: &Path, source: &Path) -> Result<(), PreviousReleaseError> {
    require_history(place)?;
    renew(source)?;
    run("git read-tree", git(place).args(["read-tree", commit()]))?;
    let prefix = format!("--prefix={}/", source.display());
    run(
        "git checkout-index",
        git(place).args(["checkout-index", "--all", &prefix]),
    )
}

fn require_history(place: &Path) -> Result<(), PreviousReleaseError> {
    let wanted = format!("{}^{{commit}}", commit());
    let said = match git(place).args(["cat-file", "-e", &wanted]).output() {
        Ok(found) if found.status.success() => return Ok(()),
        Ok(found) => String::from_utf8_lossy(&found.stderr).trim().to_owned(),
        Err(error) => format!("git can't be run: {error}"),
    };
    Err(PreviousReleaseError::NotInHistory {
        commit: commit().to_owned(),
        said,
    })
}

fn git(place: &Path) -> Command {
    let mut git = Command::new("git");
    // Whoever owns the clone: it is only read.
    git.args(["-c", "safe.directory=*"])
        .current_dir(REPOSITORY)
        .env("GIT_INDEX_FILE", place.join("index"));
    git
}

fn renew(directory: &Path) -> io::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir(directory)
}

fn run(name: &'static str, command: &mut Command) -> Result<(), PreviousReleaseError> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() {
        return Ok(());
    }
    Err(PreviousReleaseError::Failed {
        command: name,
        status,
    })
}
