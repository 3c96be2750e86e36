//! The source of a crate as a graph of modules: one node for each file, one edge for each path that leads from a file
//! to another one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use syn::visit::{self, Visit};

/// The path of a module within its crate: empty for the root, `["flow", "store"]` for `src/flow/store.rs`.
pub(crate) type ModulePath = Vec<String>;

/// For each file of a crate's `src`, the other files that it names, without those that are modules of its own.
///
/// A file and the modules below it are one unit: a module may use its parts, as `mod` and `pub use` do. Tests are left
/// out.
pub(crate) fn edges(src: &Path) -> anyhow::Result<BTreeMap<ModulePath, BTreeSet<ModulePath>>> {
    let mut files = BTreeMap::new();
    collect(src, &mut Vec::new(), &mut files)?;
    leave_out_tests(&mut files);
    let modules: BTreeSet<ModulePath> = files.keys().cloned().collect();
    let mut edges = BTreeMap::new();
    for (module, file) in files {
        let mut finder = PathFinder {
            within: module.clone(),
            paths: Vec::new(),
        };
        finder.visit_file(&file);
        let named = finder.paths.iter();
        let targets = named
            .filter_map(|path| longest_module(path, &modules))
            .filter(|target| !target.starts_with(&module))
            .collect();
        edges.insert(module, targets);
    }
    Ok(edges)
}

fn collect(
    folder: &Path,
    module: &mut ModulePath,
    files: &mut BTreeMap<ModulePath, syn::File>,
) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().context("no name")?;
        let name = stem.to_string_lossy().into_owned();
        if path.is_dir() {
            module.push(name);
            collect(&path, module, files)?;
            module.pop();
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
            let mut module = module.clone();
            if name != "lib" && name != "main" {
                module.push(name);
            }
            files.insert(module, file);
        }
    }
    Ok(())
}

/// Takes out the files that only tests see: `#[cfg(test)] mod laws;` and all below it.
fn leave_out_tests(files: &mut BTreeMap<ModulePath, syn::File>) {
    let mut only_tests = Vec::new();
    for (module, file) in files.iter() {
        for item in &file.items {
            if let syn::Item::Mod(part) = item
                && is_test(&part.attrs)
            {
                let mut path = module.clone();
                path.push(part.ident.to_string());
                only_tests.push(path);
            }
        }
    }
    files.retain(|module, _| !only_tests.iter().any(|part| module.starts_with(part)));
}

/// The file that a path leads into.
fn longest_module(path: &[String], modules: &BTreeSet<ModulePath>) -> Option<ModulePath> {
    let lengths = (0..=path.len()).rev();
    lengths
        .filter_map(|length| path.get(..length))
        .find(|start| modules.contains(*start))
        .map(<[String]>::to_vec)
}

/// Finds the paths within the crate: those that begin with `crate`, `self` or `super`.
struct PathFinder {
    within: ModulePath,
    paths: Vec<ModulePath>,
}

impl PathFinder {
    fn add(&mut self, segments: &[String]) {
        let Some(first) = segments.first() else {
            return;
        };
        let mut path = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.within.clone(),
            _ => return,
        };
        let mut rest = segments;
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(path.pop()),
                _ => break,
            }
            rest = others;
        }
        path.extend_from_slice(rest);
        self.paths.push(path);
    }

    fn add_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let mut segments = before.to_vec();
        match tree {
            syn::UseTree::Path(path) => {
                segments.push(path.ident.to_string());
                self.add_use(&segments, &path.tree);
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.add_use(&segments, item);
                }
            }
            syn::UseTree::Name(name) => {
                segments.push(name.ident.to_string());
                self.add(&segments);
            }
            syn::UseTree::Rename(name) => {
                segments.push(name.ident.to_string());
                self.add(&segments);
            }
            syn::UseTree::Glob(_) => self.add(&segments),
        }
    }
}

/// Whether an item is there for tests only.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => {
            list.path.is_ident("cfg") && list.tokens.to_string().contains("test")
        }
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => attribute.path().is_ident("test"),
    })
}

impl<'ast> Visit<'ast> for PathFinder {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_some() && !is_test(&module.attrs) {
            self.within.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.within.pop();
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.add_use(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        let names: Vec<String> = segments.map(|segment| segment.ident.to_string()).collect();
        self.add(&names);
        visit::visit_path(self, path);
    }
}
