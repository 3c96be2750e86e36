//! No circles of files: whoever reads a file finds what it stands on without coming back to it.
//!
//! A file and the modules below it count as one. What is left in [`KNOWN`] is to be cut, not to be added to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;

use crate::modules::{self, ModulePath};

/// The circles that there still are, each with its package.
const KNOWN: &[(&str, &[&str])] = &[];

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
    let metadata = crate::metadata()?;
    let mut new = Vec::new();
    let mut met = BTreeSet::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent();
        let Some(src) = folder.map(|folder| folder.join("src")) else {
            continue;
        };
        if !src.is_dir() {
            continue;
        }
        let name = package.name.as_str();
        for circle in circles(&modules::edges(&src)?) {
            let known = KNOWN.iter().position(|(package, known)| {
                *package == name && circle.iter().all(|module| known.contains(&module.as_str()))
            });
            match known {
                Some(index) => drop(met.insert(index)),
                None => new.push(format!("{name}: {}", circle.join(", "))),
            }
        }
    }
    ensure!(
        new.is_empty(),
        "files that need one another in a circle; move what both need to a file of its own:\n{}",
        new.join("\n")
    );
    for (index, known) in KNOWN.iter().enumerate() {
        ensure!(
            met.contains(&index),
            "{known:?} is a circle no longer: take it off the list"
        );
    }
    Ok(())
}
