//! Finding MSAL among the tools, or fetching it: once for everybody, complete or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const REQUIREMENTS: &str = "tests/msal/requirements.txt";

/// MSAL is not there, and could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("Microsoft's library runs on Python 3.9 or newer, and there is no python3: install it")]
    NoPython(#[source] std::io::Error),
    #[error("Microsoft's library needs Python 3.9 or newer, and python3 said: {0}")]
    OddPython(String),
    #[error(
        "pip did not fetch Microsoft's library: install pip (`apt install python3-pip`), and see that it reaches its \
         index. pip said: {0}"
    )]
    Pip(String),
    #[error("{} cannot be used to keep Microsoft's library: {source}", path.display())]
    Directory {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// The directory that holds MSAL and all that it needs, for the Python of this machine.
pub(super) fn find_or_fetch() -> Result<PathBuf, FetchError> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join(REQUIREMENTS);
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| FetchError::Directory { path, source }
    };
    let pinned = std::fs::read(&requirements).map_err(unusable(&requirements))?;
    // Cargo's directory for what tests keep lies in the target directory, as the tools do.
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let kept = tools.join(format!("msal-{}-{}", python()?, short_digest(&pinned)));
    if kept.is_dir() {
        return Ok(kept);
    }
    std::fs::create_dir_all(&tools).map_err(unusable(&tools))?;
    let lock = File::create(tools.join("msal.lock")).map_err(unusable(&tools))?;
    lock.lock().map_err(unusable(&tools))?;
    if !kept.is_dir() {
        fetch(&tools, &requirements, &kept)?;
    }
    Ok(kept)
}

/// The kind of Python there is: compiled packages are made for one.
fn python() -> Result<String, FetchError> {
    let say = "import sys, sysconfig; v = sys.version_info; assert v >= (3, 9), v; \
               print(f'{sys.implementation.cache_tag}-{sysconfig.get_platform()}')";
    let output = Command::new("python3")
        .args(["-c", say])
        .stdin(Stdio::null())
        .output()
        .map_err(FetchError::NoPython)?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !said.is_empty() {
        Ok(said)
    } else {
        Err(FetchError::OddPython(last_line(&output)))
    }
}

pub(super) fn short_digest(pinned: &[u8]) -> String {
    // Without the two signs that are no good in a name everywhere.
    let digest = URL_SAFE_NO_PAD.encode(digest(&SHA256, pinned));
    let signs = digest.chars().filter(char::is_ascii_alphanumeric);
    signs.take(12).collect()
}

fn fetch(tools: &Path, requirements: &Path, kept: &Path) -> Result<(), FetchError> {
    let unusable = |source| FetchError::Directory {
        path: tools.to_owned(),
        source,
    };
    let workshop = tempfile::Builder::new()
        .prefix("fetch-")
        .tempdir_in(tools)
        .map_err(unusable)?;
    let packages = workshop.path().join("packages");
    // Into a directory of its own: no virtual environment is needed, which some systems cannot make, nor root, and a
    // Python that the system manages does not mind.
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-deps", "--no-compile"])
        .args(["--only-binary=:all:", "--require-hashes"])
        .args(["--timeout=20", "--retries=3", "--target"])
        .arg(&packages)
        .arg("--requirement")
        .arg(requirements)
        .env_remove("PIP_USER")
        .stdin(Stdio::null())
        .output()
        .map_err(FetchError::NoPython)?;
    if !output.status.success() {
        return Err(FetchError::Pip(last_line(&output)));
    }
    // The name appears at once and complete: whoever sees it may use it.
    std::fs::rename(&packages, kept).map_err(unusable)
}

fn last_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("nothing").to_owned()
}

#[test]
fn callers_at_once_find_one_library() {
    let found: Vec<PathBuf> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| find_or_fetch().unwrap_or_else(|error| panic!("{error}"))))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    for library in found {
        assert!(library.join("msal/__init__.py").is_file());
    }
}
