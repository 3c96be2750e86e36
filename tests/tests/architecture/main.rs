//! What ARCHITECTURE.md promises, held: who may depend on whom, who may name what, and how a file looks.

mod circles;
mod modules;
mod public_names;
mod variables;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

const MAIN_LINES: usize = 60;
const FILE_LINES: usize = 500;

/// Which of our crates each of our crates may depend on. Another edge is a decision: write it up in ARCHITECTURE.md.
const EDGES: &[(&str, &[&str])] = &[
    ("assent-domain", &[]),
    ("assent-contract", &["assent-domain"]),
    ("assent-checkpoint", &[]),
    // Names of streams and subjects are defined once.
    ("assent-messaging", &["assent-contract"]),
    (
        "assent-event-log",
        &["assent-contract", "assent-domain", "assent-messaging"],
    ),
    (
        "assent-token-vault",
        &["assent-contract", "assent-domain", "assent-messaging"],
    ),
    (
        "assent-permission-store",
        &["assent-checkpoint", "assent-domain"],
    ),
    ("assent-jwks", &[]),
    ("assent-metrics", &["assent-contract"]),
    (
        "assent-microsoft-identity",
        &["assent-domain", "assent-jwks", "assent-metrics"],
    ),
    ("assent-service-kit", &["assent-jwks", "assent-metrics"]),
    ("assent-entra-simulator", &[]),
    (
        "assent-consentctl",
        &[
            "assent-checkpoint",
            "assent-contract",
            "assent-domain",
            "assent-event-log",
            "assent-messaging",
            "assent-permission-store",
            "assent-service-kit",
            "assent-token-vault",
        ],
    ),
    ("assent-dev-stack", &[]),
    // As a customer would: by the public interfaces.
    ("assent-example-host", &[]),
    (
        "assent-consent-core",
        &[
            "assent-contract",
            "assent-domain",
            "assent-event-log",
            "assent-messaging",
            "assent-metrics",
            "assent-microsoft-identity",
            "assent-service-kit",
            "assent-token-vault",
        ],
    ),
    (
        "assent-consent-pages",
        &[
            "assent-consent-core",
            "assent-contract",
            "assent-domain",
            "assent-event-log",
            "assent-metrics",
            "assent-microsoft-identity",
            "assent-service-kit",
        ],
    ),
    (
        "consent-gateway",
        &[
            "assent-consent-core",
            "assent-consent-pages",
            "assent-contract",
            "assent-domain",
            "assent-event-log",
            "assent-messaging",
            "assent-metrics",
            "assent-microsoft-identity",
            "assent-service-kit",
            "assent-token-vault",
        ],
    ),
    (
        "login-hook",
        &[
            "assent-contract",
            "assent-domain",
            "assent-messaging",
            "assent-metrics",
            "assent-microsoft-identity",
            "assent-service-kit",
        ],
    ),
    (
        "token-broker",
        &[
            "assent-contract",
            "assent-domain",
            "assent-messaging",
            "assent-metrics",
            "assent-microsoft-identity",
            "assent-service-kit",
            "assent-token-vault",
        ],
    ),
    (
        "projection",
        &[
            "assent-contract",
            "assent-domain",
            "assent-event-log",
            "assent-messaging",
            "assent-metrics",
            "assent-permission-store",
            "assent-service-kit",
        ],
    ),
    // The developers' own: whatever they need, but never a service, which they run as a process.
    (
        "assent-bench",
        &[
            "assent-contract",
            "assent-dev-stack",
            "assent-domain",
            "assent-entra-simulator",
            "assent-event-log",
            "assent-messaging",
            "assent-permission-store",
        ],
    ),
    ("assent-demo", &["assent-dev-stack"]),
    ("assent-xtask", &[]),
    ("assent-tests", &[]),
    ("assent-browser-tests", &[]),
    ("assent-upgrade-tests", &[]),
];

/// Who may name these crates, in any kind of dependency.
const OWNERS: [(&str, &[&str]); 5] = [
    (
        "async-nats",
        &[
            "assent-bench",
            "assent-dev-stack",
            "assent-example-host",
            "assent-messaging",
        ],
    ),
    ("metrics", &["assent-metrics"]),
    ("oauth2", &["assent-microsoft-identity"]),
    ("sled", &["assent-permission-store"]),
    ("thirtyfour", &["assent-dev-stack"]),
];

/// Who may name them besides, for tests: they do to the log, or to the view, what it never would itself, or look at what one
/// thread has recorded.
const TESTERS: [(&str, &str); 3] = [
    ("async-nats", "assent-event-log"),
    ("metrics", "assent-microsoft-identity"),
    ("sled", "projection"),
];

/// What `assent-consent-core` never names, as a dependency of any kind or in its code.
const NOT_IN_THE_CORE: [&str; 6] = ["askama", "axum", "hyper", "http", "tower", "tower-http"];

/// What `cargo metadata --no-deps` says of the workspace, as far as it is needed here. Not with the crate
/// `cargo_metadata`: it wants features of `serde_json` that nothing else does, and has half the workspace built twice.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev` or `build`; nothing for a normal one.
    kind: Option<String>,
}

fn metadata() -> anyhow::Result<Metadata> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn dependencies(package: &Package, only_normal: bool) -> BTreeSet<&str> {
    let listed = package.dependencies.iter();
    listed
        .filter(|dependency| !only_normal || dependency.kind.is_none())
        .map(|dependency| dependency.name.as_str())
        .collect()
}

/// Every source file of the repository.
fn sources(metadata: &Metadata) -> anyhow::Result<Vec<PathBuf>> {
    let root = &metadata.workspace_root;
    let mut folders = ["crates", "services", "tests"]
        .map(|name| root.join(name))
        .to_vec();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                files.push(path);
            }
        }
    }
    Ok(files)
}

#[test]
fn dependencies_point_one_way() -> anyhow::Result<()> {
    let metadata = metadata()?;
    let packages = &metadata.packages;
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    for package in packages {
        let name = package.name.as_str();
        let may = allowed
            .get(name)
            .with_context(|| format!("{name} is new: say what it may depend on"))?;
        for dependency in dependencies(package, true) {
            ensure!(
                !ours.contains(dependency) || may.contains(&dependency),
                "{name} depends on {dependency}, which ARCHITECTURE.md does not foresee"
            );
        }
    }
    Ok(())
}

#[test]
fn the_domain_is_pure() -> anyhow::Result<()> {
    let metadata = metadata()?;
    let packages = &metadata.packages;
    let domain = packages
        .iter()
        .find(|package| package.name.as_str() == "assent-domain")
        .context("there is no domain")?;
    let expected = BTreeSet::from(["thiserror", "uuid"]);
    ensure!(
        dependencies(domain, true) == expected,
        "{:?}",
        dependencies(domain, true)
    );
    let folder = domain.manifest_path.parent().context("no folder")?;
    for file in sources(&metadata)? {
        if file.starts_with(folder) {
            let text = std::fs::read_to_string(&file)?;
            for word in [
                "async fn",
                "SystemTime",
                "Instant::now",
                "std::fs",
                "std::net",
                "std::env",
                "serde",
            ] {
                ensure!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
    Ok(())
}

#[test]
fn the_gateways_core_knows_no_http() -> anyhow::Result<()> {
    let metadata = metadata()?;
    let packages = &metadata.packages;
    let core = packages
        .iter()
        .find(|package| package.name.as_str() == "assent-consent-core")
        .context("there is no core")?;
    let named = dependencies(core, false);
    for dependency in NOT_IN_THE_CORE {
        ensure!(!named.contains(dependency), "the core names {dependency}");
    }
    let folder = core.manifest_path.parent().context("no folder")?;
    for file in sources(&metadata)? {
        if file.starts_with(folder) {
            let text = std::fs::read_to_string(&file)?;
            // What `service-kit` has of HTTP.
            for word in ["Problem", "StatusCode", "HeaderMap", "IntoResponse"] {
                ensure!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
    Ok(())
}

#[test]
fn what_has_an_owner_is_named_by_its_owner_only() -> anyhow::Result<()> {
    let metadata = metadata()?;
    for package in &metadata.packages {
        let name = package.name.as_str();
        let (ships, names) = (dependencies(package, true), dependencies(package, false));
        for (dependency, owners) in OWNERS {
            let may_test = TESTERS.contains(&(dependency, name)) && !ships.contains(dependency);
            ensure!(
                !names.contains(dependency) || owners.contains(&name) || may_test,
                "{name} names {dependency}"
            );
        }
    }
    Ok(())
}

#[test]
fn every_manifest_takes_the_workspaces_lints() -> anyhow::Result<()> {
    for package in metadata()?.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path)?;
        ensure!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has no [lints] workspace = true, and so no lints at all",
            package.manifest_path.display()
        );
    }
    Ok(())
}

#[test]
fn a_services_main_is_short_and_every_file_can_be_read_in_one_go() -> anyhow::Result<()> {
    let metadata = metadata()?;
    for file in sources(&metadata)? {
        let lines = std::fs::read_to_string(&file)?.lines().count();
        let is_main =
            file.ends_with("src/main.rs") && file.to_string_lossy().contains("/services/");
        let most = if is_main { MAIN_LINES } else { FILE_LINES };
        ensure!(
            lines <= most,
            "{} has {lines} lines, more than {most}",
            file.display()
        );
    }
    Ok(())
}
