//! Every kind of alarm and security event that the sources name is in the list, and is named by somebody.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use assent_metrics::alarms::{ALARMS, Alarm, OTHER, SECURITY_EVENTS};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The sources of what ships, without those of the list itself.
fn sources() -> anyhow::Result<Vec<String>> {
    let mut folders = Vec::new();
    for group in ["crates", "services"] {
        for package in std::fs::read_dir(Path::new(ROOT).join(group))? {
            let package = package?;
            if package.file_name() != "metrics" {
                folders.push(package.path().join("src"));
            }
        }
    }
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                texts.push(std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(texts)
}

fn kinds(alarms: &[Alarm]) -> BTreeSet<&'static str> {
    alarms.iter().map(|alarm| alarm.kind).collect()
}

/// What stands between quotation marks after each `field = `.
fn named<'a>(text: &'a str, field: &str) -> Vec<&'a str> {
    let after = text.split(field).skip(1);
    after
        .filter_map(|rest| rest.strip_prefix(" = \"")?.split_once('"'))
        .map(|(kind, _)| kind)
        .collect()
}

#[test]
fn every_kind_is_listed_and_every_listed_kind_is_used() -> anyhow::Result<()> {
    let sources = sources()?;
    for (field, alarms) in [
        ("operator_alarm", ALARMS),
        ("security_event", SECURITY_EVENTS),
    ] {
        let listed = kinds(alarms);
        ensure!(listed.len() == alarms.len(), "a {field} is listed twice");
        for kind in sources.iter().flat_map(|text| named(text, field)) {
            ensure!(
                listed.contains(kind),
                "{field} {kind} is not in crates/metrics/src/alarms.rs"
            );
        }
        // Some are put into a variable first, and so found by their name alone.
        for kind in listed.iter().filter(|kind| **kind != OTHER) {
            let quoted = format!("\"{kind}\"");
            ensure!(
                sources.iter().any(|text| text.contains(&quoted)),
                "nobody says {field} {kind}"
            );
        }
    }
    Ok(())
}
