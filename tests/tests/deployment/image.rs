//! The image, made of the programs as they were just built and run: it holds them and what they are linked with, and no shell;
//! whoever runs in it is nobody, and needs no place to write to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, ensure};
use assent_dev_stack::profile_directory;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::tools::{missing, of_system, root};

const FILE: &str = "deploy/container/Containerfile";
const PROGRAMS: [&str; 5] = [
    "consent-gateway",
    "projection",
    "login-hook",
    "token-broker",
    "consentctl",
];
const TAG: &str = "assent:tested";
const NOBODY: u32 = 65532;
/// Who may write where: everybody's, and the group's.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const SET_ID: u32 = 0o6000;

/// Images and containers of this test alone.
struct Buildah {
    program: PathBuf,
    store: tempfile::TempDir,
}

impl Buildah {
    /// `None`, which is said, where there is none, or where this is not root, who needs no preparation for it.
    fn find() -> anyhow::Result<Option<Self>> {
        let Some(program) = of_system("buildah", "BUILDAH")? else {
            return Ok(None);
        };
        if !rustix::process::geteuid().is_root() {
            missing("BUILDAH", "an image is made as root here")?;
            return Ok(None);
        }
        // Root of a container may not be allowed what a container needs.
        let probe = ["--mount", "--uts", "--ipc", "--pid", "--fork", "true"];
        let mut unshare = Command::new("unshare");
        let probed = unshare.args(probe).stderr(Stdio::null());
        if !probed.status().is_ok_and(|status| status.success()) {
            missing("BUILDAH", "this machine allows no namespaces")?;
            return Ok(None);
        }
        let store = tempfile::tempdir()?;
        Ok(Some(Self { program, store }))
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let at = |name| self.store.path().join(name);
        let output = Command::new(&self.program)
            .args(["--storage-driver", "vfs", "--root"])
            .arg(at("root"))
            .arg("--runroot")
            .arg(at("run"))
            .args(arguments)
            .current_dir(root())
            .stdin(Stdio::null())
            .output()?;
        Ok(output)
    }

    fn accepts(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "buildah {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Runs something in the container.
    fn inside(&self, container: &str, command: &[&str]) -> anyhow::Result<Output> {
        let run = ["run", "--isolation", "chroot", container, "--"];
        self.run(&[run.as_slice(), command].concat())
    }
}

/// As `deploy/container/files.sh` lays out the programs that were just built.
fn lay_out(directory: &Path) -> anyhow::Result<()> {
    let output = Command::new(root().join("deploy/container/files.sh"))
        .arg(profile_directory()?)
        .arg(directory)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "files.sh: {said}");
    Ok(())
}

#[tokio::test]
async fn programs_run_in_the_image_as_nobody_without_a_shell_on_a_root_that_is_read_only()
-> anyhow::Result<()> {
    let Some(buildah) = Buildah::find()? else {
        return Ok(());
    };
    let files = buildah.store.path().join("files");
    lay_out(&files)?;
    let context = format!("files={}", files.display());
    buildah.accepts(&[
        "build",
        "--isolation",
        "chroot",
        "--disable-compression",
        "--build-context",
        &context,
        "--build-arg",
        "VERSION=1.2.3",
        "--build-arg",
        "REVISION=4711",
        "--tag",
        TAG,
        "--file",
        FILE,
        ".",
    ])?;

    says_what_it_is(&buildah)?;
    let container = buildah.accepts(&["from", TAG])?;
    let mounted = PathBuf::from(buildah.accepts(&["mount", &container])?);
    holds_no_more_than_it_needs(&mounted)?;
    for program in PROGRAMS {
        let path = format!("/usr/bin/{program}");
        let told = buildah.inside(&container, &[&path, "--version"])?;
        let version = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        ensure!(
            told.status.success() && told.stdout == version.as_bytes(),
            "{told:?}"
        );
        let help = buildah.inside(&container, &[&path, "--help"])?;
        ensure!(help.status.success() && !help.stdout.is_empty(), "{help:?}");
    }
    let refused = buildah.inside(
        &container,
        &["/usr/bin/projection", "--config", "/not/there"],
    )?;
    ensure!(refused.status.code() == Some(64), "{refused:?}");
    for shell in ["/bin/sh", "/usr/bin/env", "/bin/ls"] {
        let ran = buildah.inside(&container, &[shell])?;
        ensure!(!ran.status.success(), "there is {shell}: {ran:?}");
    }
    serves(&mounted).await?;
    buildah.accepts(&["umount", &container])?;
    Ok(())
}

fn says_what_it_is(buildah: &Buildah) -> anyhow::Result<()> {
    let inspected = buildah.accepts(&["inspect", "--type", "image", TAG])?;
    let inspected: Value = serde_json::from_str(&inspected)?;
    let configured = inspected
        .pointer("/OCIv1/config")
        .context("no configuration")?;
    let user = configured.pointer("/User").and_then(Value::as_str);
    ensure!(user == Some("65532:65532"), "runs as {user:?}");
    for (label, expected) in [
        ("title", "Assent"),
        ("version", "1.2.3"),
        ("revision", "4711"),
        ("licenses", "Apache-2.0"),
    ] {
        let name = format!("org.opencontainers.image.{label}");
        let found = configured
            .pointer("/Labels")
            .and_then(|labels| labels.get(&name));
        ensure!(
            found.and_then(Value::as_str) == Some(expected),
            "{name}: {found:?}"
        );
    }
    Ok(())
}

/// The programs, libraries, certificates; nothing that is anybody's but root's, and one place to write to.
fn holds_no_more_than_it_needs(mounted: &Path) -> anyhow::Result<()> {
    let mut programs = Vec::new();
    let mut writable = Vec::new();
    let mut bytes = 0;
    let mut directories = Vec::from([mounted.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            let inside = path.strip_prefix(mounted)?.to_string_lossy().into_owned();
            let found = std::fs::symlink_metadata(&path)?;
            ensure!(found.mode() & SET_ID == 0, "{inside} gives rights away");
            if found.uid() != 0 || found.mode() & WRITABLE_BY_OTHERS != 0 {
                writable.push((inside.clone(), found.uid()));
            }
            if found.is_dir() {
                directories.push(path);
                continue;
            }
            bytes += found.len();
            let is_library = inside.starts_with("lib") || inside.starts_with("usr/lib");
            if found.mode() & 0o111 != 0 && !is_library {
                programs.push(inside);
            }
        }
    }
    programs.sort();
    writable.sort();
    let mut expected: Vec<_> = PROGRAMS.map(|name| format!("usr/bin/{name}")).into();
    expected.sort();
    ensure!(programs == expected, "{programs:?}");
    let tmp = ("tmp".to_owned(), 0);
    let data = ("var/lib/assent".to_owned(), NOBODY);
    ensure!(writable == [tmp, data], "{writable:?}");
    let megabytes = bytes / 1_000_000;
    writeln!(
        std::io::stderr(),
        "{megabytes} MB of programs as they were built here"
    )?;
    Ok(())
}

/// A projection, as that user, on the image's files as they are, which can't be written to.
async fn serves(mounted: &Path) -> anyhow::Result<()> {
    let root = mounted.to_string_lossy();
    let read_only = format!(
        "mount --bind '{root}' '{root}' && mount -o remount,ro,bind '{root}' && \
         exec chroot --userspec=65532:65532 '{root}' /usr/bin/projection"
    );
    let child = Command::new("unshare")
        .args(["--mount", "sh", "-c", &read_only])
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("ASSENT_LISTEN", "127.0.0.1:0")
        .env("ASSENT_NATS_URL", "nats://127.0.0.1:1")
        .env("ASSENT_HOST_ISSUER", "http://127.0.0.1:1")
        .env("ASSENT_HOST_JWKS_URL", "http://127.0.0.1:1/keys")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut running = Running(child);
    let log = running.0.stderr.take().context("no log")?;
    // Read to the end of the test: it writes on.
    let mut lines = BufReader::new(log).lines();
    let mut before = Vec::new();
    let mut address = None;
    for line in lines.by_ref() {
        let line = line?;
        let said: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        let word = |name| said.pointer(name).and_then(Value::as_str);
        if word("/message") == Some("listening") {
            address = word("/address").map(str::to_owned);
            break;
        }
        before.push(line);
    }
    let address = address.with_context(|| format!("it does not listen: {before:?}"))?;
    let alive = reqwest::get(format!("http://{address}/livez")).await?;
    ensure!(alive.status() == 200, "{alive:?}");
    let ready = reqwest::get(format!("http://{address}/readyz")).await?;
    ensure!(ready.status() == 503, "{ready:?}");
    let id = i32::try_from(running.0.id())?;
    kill_process(Pid::from_raw(id).context("no process")?, Signal::TERM)?;
    let ended = running.0.wait()?;
    ensure!(ended.success(), "{ended}");
    Ok(())
}

/// Killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
