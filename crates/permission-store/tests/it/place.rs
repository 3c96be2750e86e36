//! A directory for a view, and opening it as a test expects.

use std::fs;
use std::path::{Path, PathBuf};

use assent_permission_store::{BulkLoad, Digest, Entry, Opened, RebuildReason, Source, View};
use tempfile::TempDir;

use crate::log::source;

pub(crate) const CACHE: u64 = 8 * 1024 * 1024;

pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("view")
    }

    pub(crate) fn open(&self, source: &Source) -> Opened {
        View::open(&self.path(), source, CACHE).unwrap()
    }

    pub(crate) fn fresh(&self, expected: RebuildReason) -> BulkLoad {
        match self.open(&source()) {
            Opened::Fresh { load, why } => {
                assert_eq!(why, expected);
                *load
            }
            Opened::Resumed(view) => panic!("{view:?} was resumed"),
        }
    }

    pub(crate) fn resumed(&self) -> View {
        match self.open(&source()) {
            Opened::Resumed(view) => *view,
            Opened::Fresh { why, .. } => panic!("a view was begun anew: {why}"),
        }
    }

    /// The directories of its generations, whatever their state.
    pub(crate) fn folders(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "lock")
            .collect();
        names.sort();
        names
    }

    pub(crate) fn generation(&self) -> PathBuf {
        let folders = self.folders();
        let name = folders
            .iter()
            .find(|name| name.starts_with("generation-"))
            .unwrap();
        self.path().join(name)
    }

    /// A copy of all files, to damage.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.path(), &copy.path());
        copy
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn apply(view: &View, entries: &[Entry]) {
    view.apply(entries).unwrap();
}

/// The digest of a log, folded in one go.
pub(crate) fn digest_of(entries: &[Entry]) -> Digest {
    load(Place::new().fresh(RebuildReason::Missing), entries)
        .digest()
        .unwrap()
}

pub(crate) fn load(mut load: BulkLoad, entries: &[Entry]) -> View {
    load.add(entries).unwrap();
    load.finish().unwrap()
}
