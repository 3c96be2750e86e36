//! Nobody but the owner may read a view.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assent_permission_store::RebuildReason;

use crate::log::granted;
use crate::place::{Place, apply, load};

/// What others may do with anything in a folder, and with the folder.
fn open_to_others(path: &Path, found: &mut Vec<String>) {
    let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let expected = if path.is_dir() { 0o700 } else { 0o600 };
    if mode != expected {
        found.push(format!("{} is {mode:o}", path.display()));
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            open_to_others(&entry.unwrap().path(), found);
        }
    }
}

fn open_for_all(path: &Path) {
    if path.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            open_for_all(&entry.unwrap().path());
        }
    } else {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
}

fn found(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    open_to_others(&place.path(), &mut found);
    found
}

#[test]
fn a_new_view_is_its_owners_alone() {
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &[]);
    apply(&view, &[granted(1, "acme", "ana")]);
    assert_eq!(found(&place), [] as [String; 0]);
}

#[test]
fn one_that_was_open_to_others_is_closed() {
    let place = Place::new();
    drop(load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    ));
    open_for_all(&place.path());
    assert!(!found(&place).is_empty());
    let view = place.resumed();
    assert_eq!(found(&place), [] as [String; 0]);
    drop(view);
}

#[test]
fn what_is_not_of_a_view_is_left_alone() {
    let place = Place::new();
    drop(load(place.fresh(RebuildReason::Missing), &[]));
    let other = place.path().join("lost+found");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o755)).unwrap();
    drop(place.resumed());
    let mode = fs::metadata(&other).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}
