//! No circles of files: whoever reads a file finds what it stands on without coming back to it.
//!
//! A file and the modules below it count as one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;

use crate::modules::{self, ModulePath};

/// All that can be reached from a module.
fn reachable<'a>(
    from: &'a ModulePath,
    edges: &'a BTreeMap<ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'a ModulePath> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        for target in edges.get(module).into_iter().flatten() {
            if reached.insert(target) {
                next.push(target);
            }
        }
    }
    reached
}

/// The circles of a graph: each a set of modules of which every one reaches every other.
fn circles(edges: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<_, _> = edges
        .keys()
        .map(|module| (module, reachable(module, edges)))
        .collect();
    let mut circles = BTreeSet::new();
    for (module, targets) in &reached {
        let circle: Vec<String> = targets
            .iter()
            .filter(|target| {
                reached
                    .get(*target)
                    .is_some_and(|back| back.contains(module))
            })
            .map(|target| target.join("::"))
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles
}

#[test]
fn no_circle_of_files() -> anyhow::Result<()> {
    let mut found = Vec::new();
    for package in crate::metadata()?.packages {
        let folder = package.manifest_path.parent();
        let Some(src) = folder.map(|folder| folder.join("src")) else {
            continue;
        };
        if src.is_dir() {
            for circle in circles(&modules::edges(&src)?) {
                found.push(format!("{}: {}", package.name, circle.join(", ")));
            }
        }
    }
    ensure!(
        found.is_empty(),
        "files that need one another in a circle; move what both need to a file of its own:\n{}",
        found.join("\n")
    );
    Ok(())
}

#[test]
fn a_circle_is_found_without_those_that_only_lead_into_it() {
    let module = |name: &str| vec![name.to_owned()];
    let edges = BTreeMap::from([
        (module("a"), BTreeSet::from([module("b")])),
        (module("b"), BTreeSet::from([module("c")])),
        (module("c"), BTreeSet::from([module("a"), module("leaf")])),
        (module("leaf"), BTreeSet::new()),
        (module("user"), BTreeSet::from([module("a")])),
    ]);
    let found = BTreeSet::from([["a", "b", "c"].map(str::to_owned).to_vec()]);
    assert_eq!(circles(&edges), found);
}
