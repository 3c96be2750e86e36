//! What is shipped, made in one go: the programs, the chart, what they are made of, the image, checksums and a signature.
//!
//! What can't be made here, because a tool is not there, is told at the end: a release without it is the caller's decision.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};

use crate::programs::cargo;

/// Each program, and the package it is of.
const PROGRAMS: [(&str, &str); 5] = [
    ("consent-gateway", "consent-gateway"),
    ("projection", "projection"),
    ("login-hook", "login-hook"),
    ("token-broker", "token-broker"),
    ("consentctl", "assent-consentctl"),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to put it; a directory that is not there yet
    #[arg(long, default_value = "target/shipped")]
    to: PathBuf,
    /// Take the programs from a directory instead of building them
    #[arg(long, value_name = "DIRECTORY")]
    programs: Option<PathBuf>,
    /// minisign's secret key, which signs the checksums
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Also where there are changes that are not committed
    #[arg(long)]
    allow_dirty: bool,
}

/// Makes it, and lists what was left out.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let to = root.join(&arguments.to);
    let version = env!("CARGO_PKG_VERSION");
    let changed = output(
        Command::new("git")
            .current_dir(&root)
            .args(["status", "--porcelain"]),
    )?;
    ensure!(
        changed.is_empty() || arguments.allow_dirty,
        "there are changes that are not committed:\n{changed}"
    );
    let revision = output(
        Command::new("git")
            .current_dir(&root)
            .args(["rev-parse", "HEAD"]),
    )?;
    fs::create_dir(&to).with_context(|| format!("{} can't be made", to.display()))?;
    let mut left_out = Vec::new();

    let built = match &arguments.programs {
        Some(directory) => directory.clone(),
        None => build(&root)?,
    };
    programs(&root, &to, &built, version)?;
    archive(
        &to,
        &format!("assent-chart-{version}.tgz"),
        &root.join("deploy/helm"),
        "assent",
    )?;
    if has("dpkg-deb") {
        check(
            Command::new(root.join("deploy/debian/package.sh"))
                .arg(built.canonicalize()?)
                .arg(version)
                .arg(&to),
        )?;
    } else {
        left_out.push("the Debian package: make it where dpkg-deb is");
    }
    if has("cargo-cyclonedx") {
        for (_, package) in PROGRAMS {
            describe(&root, &to, package)?;
        }
    } else {
        left_out
            .push("what each program is made of (SBOM): cargo install cargo-cyclonedx --locked");
    }
    if has("buildah") {
        let of = (version, revision.trim());
        image(&root, &to, &built.canonicalize()?, of)?;
    } else {
        left_out.push("the image: install buildah");
    }

    let mut files = fs::read_dir(&to)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort();
    let sums = output(Command::new("sha256sum").current_dir(&to).args(&files))?;
    fs::write(to.join("SHA256SUMS"), sums)?;
    match &arguments.key {
        Some(key) => check(
            Command::new("minisign")
                .current_dir(&to)
                .args([
                    "-S",
                    "-m",
                    "SHA256SUMS",
                    "-t",
                    &format!("assent {version}"),
                    "-s",
                ])
                .arg(key.canonicalize()?),
        )?,
        None => left_out.push("a signature of SHA256SUMS: give minisign's key by --key"),
    }
    let mut screen = std::io::stderr();
    writeln!(screen, "{} is in {}", version, to.display())?;
    for file in files {
        let bytes = fs::metadata(to.join(&file))?.len();
        writeln!(screen, "{:>8} MB  {}", megabytes(bytes), file.display())?;
    }
    for what in left_out {
        writeln!(screen, "LEFT OUT: {what}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The programs with `deploy`, to be unpacked anywhere.
fn programs(root: &Path, to: &Path, built: &Path, version: &str) -> anyhow::Result<()> {
    let name = format!("assent-{version}-{}-linux", std::env::consts::ARCH);
    let staged = to.join(&name);
    fs::create_dir_all(staged.join("bin"))?;
    for (program, _) in PROGRAMS {
        let from = built.join(program);
        let copied = fs::copy(&from, staged.join("bin").join(program));
        copied.with_context(|| format!("{} is not built", from.display()))?;
    }
    fs::copy(root.join("LICENSE"), staged.join("LICENSE"))?;
    check(
        Command::new("cp")
            .arg("-R")
            .arg(root.join("deploy"))
            .arg(&staged),
    )?;
    archive(to, &format!("{name}.tar.gz"), to, &name)?;
    Ok(fs::remove_dir_all(&staged)?)
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let mut command = cargo();
    command
        .args([
            "build",
            "--release",
            "--locked",
            "--config",
            "profile.release.strip=\"symbols\"",
        ])
        .args(
            PROGRAMS
                .iter()
                .flat_map(|(_, package)| ["--package", package]),
        );
    check(&mut command)?;
    Ok(root.join("target/release"))
}

/// Always the same bytes of the same files.
fn archive(to: &Path, file: &str, from: &Path, directory: &str) -> anyhow::Result<()> {
    check(
        Command::new("tar")
            .current_dir(from)
            .args([
                "--sort=name",
                "--owner=0",
                "--group=0",
                "--numeric-owner",
                "--mtime=@0",
            ])
            .args(["--use-compress-program", "gzip -n", "-cf"])
            .arg(to.join(file))
            .arg(directory),
    )
}

fn describe(root: &Path, to: &Path, package: &str) -> anyhow::Result<()> {
    let manifest = output(cargo().args(["pkgid", "--package", package]))?;
    let path = manifest.trim().trim_start_matches("path+file://");
    let directory = PathBuf::from(path.split('#').next().unwrap_or(path));
    let named = format!("{package}.cdx");
    let mut command = cargo();
    command
        .args([
            "cyclonedx",
            "--format",
            "json",
            "--override-filename",
            &named,
            "--manifest-path",
        ])
        .arg(directory.join("Cargo.toml"))
        .current_dir(root);
    check(&mut command)?;
    let made = format!("{named}.json");
    fs::rename(directory.join(&made), to.join(&made))?;
    Ok(())
}

/// The image of the programs that are shipped, and not of others that would be built a second time.
fn image(
    root: &Path,
    to: &Path,
    programs: &Path,
    (version, revision): (&str, &str),
) -> anyhow::Result<()> {
    let work = to.join("image");
    let (files, store) = (work.join("files"), work.join("store"));
    fs::create_dir_all(&work)?;
    check(
        Command::new(root.join("deploy/container/files.sh"))
            .arg(programs)
            .arg(&files),
    )?;
    // A store of its own: nothing of it is left, and no driver has to be there.
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command.current_dir(root);
        command.args(["--storage-driver", "vfs", "--root"]);
        command.arg(&store).arg("--runroot").arg(work.join("run"));
        command.args(arguments);
        command
    };
    let tag = format!("assent:{version}");
    check(
        buildah(&["build", "--isolation", "chroot", "--timestamp", "0"])
            .args(["--tag", &tag])
            .args(["--build-arg", &format!("VERSION={version}")])
            .args(["--build-arg", &format!("REVISION={revision}")])
            .args(["--build-context", &format!("files={}", files.display())])
            .args(["--file", "deploy/container/Containerfile", "."]),
    )?;
    let file = to.join(format!("assent-image-{version}.tar"));
    check(buildah(&["push", &tag]).arg(format!("oci-archive:{}:{tag}", file.display())))?;
    if fs::remove_dir_all(&work).is_ok() {
        return Ok(());
    }
    // Whoever is not root: some of it belongs to users that only the namespace of containers has.
    check(
        Command::new("buildah")
            .args(["unshare", "rm", "-rf"])
            .arg(&work),
    )
}

/// With one decimal.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn has(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok()
}

fn check(command: &mut Command) -> anyhow::Result<()> {
    let ended = command.stdin(Stdio::null()).status();
    let ended = ended.with_context(|| format!("{command:?} can't be run"))?;
    ensure!(ended.success(), "{command:?} ended with {ended}");
    Ok(())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let ended = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let ended = ended.with_context(|| format!("{command:?} can't be run"))?;
    ensure!(
        ended.status.success(),
        "{command:?} ended with {}",
        ended.status
    );
    Ok(String::from_utf8(ended.stdout)?)
}
