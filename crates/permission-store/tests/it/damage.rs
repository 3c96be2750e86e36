//! A directory that is not what was written: detected, set aside, begun anew; or of an earlier
//! moment, and right for that.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use assent_permission_store::{Entry, Opened, RebuildReason, RowsCheck};

use crate::log::{granted, source};
use crate::place::{Place, apply, digest_of, load};

fn entries() -> Vec<Entry> {
    (1..=3000)
        .map(|sequence| {
            granted(
                sequence,
                "acme",
                &format!("user-{}", (sequence * 37) % 1000),
            )
        })
        .collect()
}

/// A view with a history: loaded, followed, closed, opened, followed again.
fn written() -> (Place, Vec<Entry>) {
    let entries = entries();
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &entries[..2000]);
    for batch in entries[2000..2500].chunks(50) {
        apply(&view, batch);
    }
    drop(view);
    let view = place.resumed();
    for batch in entries[2500..].chunks(50) {
        apply(&view, batch);
    }
    drop(view);
    (place, entries)
}

/// Whatever was done to the files: the view is refused, or found damaged when checked, or right.
fn is_never_wrong_unnoticed(place: &Place, entries: &[Entry], what: &str) -> bool {
    match place.open(&source()) {
        Opened::Fresh { load: anew, .. } => {
            let view = load(*anew, entries);
            assert_eq!(view.digest().unwrap(), digest_of(entries), "{what}");
            true
        }
        Opened::Resumed(view) => match view.verify(|| {}) {
            Ok(RowsCheck::Sound) => {
                let end = usize::try_from(view.cursor().sequence.0).unwrap();
                assert_eq!(view.digest().unwrap(), digest_of(&entries[..end]), "{what}");
                false
            }
            Ok(RowsCheck::Damaged) | Err(_) => true,
        },
    }
}

fn database(place: &Place) -> std::path::PathBuf {
    place.generation().join("db")
}

fn flip(file: &Path, at: u64) {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    byte[0] ^= 0b0001_0000;
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&byte).unwrap();
}

#[test]
fn a_flipped_bit_anywhere_is_detected_or_harmless() {
    let (place, entries) = written();
    let bytes = fs::read(database(&place)).unwrap();
    let used: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let mut detected = 0;
    let trials = 48;
    for trial in 0..trials {
        let at = used[used.len() * trial / trials] as u64;
        let copy = place.copy();
        flip(&database(&copy), at);
        let what = format!("a bit of byte {at} was flipped");
        detected += u32::from(is_never_wrong_unnoticed(&copy, &entries, &what));
    }
    assert!(0 < detected, "no flipped bit mattered");
}

#[test]
fn a_flipped_bit_in_a_small_file_is_detected_or_harmless() {
    let (place, entries) = written();
    for entry in fs::read_dir(place.generation()).unwrap() {
        let entry = entry.unwrap();
        let length = entry.metadata().unwrap().len();
        if entry.file_name() == "db" || entry.file_type().unwrap().is_dir() || length == 0 {
            continue;
        }
        for part in 0..8 {
            let copy = place.copy();
            flip(
                &copy.generation().join(entry.file_name()),
                length * part / 8,
            );
            let what = format!("{:?}, part {part}", entry.file_name());
            is_never_wrong_unnoticed(&copy, &entries, &what);
        }
    }
}

#[test]
fn a_truncated_database_is_detected() {
    let (place, entries) = written();
    let length = fs::metadata(database(&place)).unwrap().len();
    for part in 0..8 {
        let copy = place.copy();
        let file = OpenOptions::new()
            .write(true)
            .open(database(&copy))
            .unwrap();
        file.set_len(length * part / 8).unwrap();
        is_never_wrong_unnoticed(&copy, &entries, &format!("{part} eighths are left"));
    }
}

#[test]
fn deleted_files_are_begun_anew() {
    let (place, _) = written();
    fs::remove_file(database(&place)).unwrap();
    drop(place.open(&source()));
    fs::remove_dir_all(place.path()).unwrap();
    place.fresh(RebuildReason::Missing);
}

#[test]
fn a_view_that_killed_its_opener_is_set_aside_and_only_the_last_such_one_is_kept() {
    let (place, entries) = written();
    for round in 0..3 {
        fs::write(place.generation().join("OPENING"), "").unwrap();
        let anew = place.fresh(RebuildReason::Damaged);
        let aside = place
            .folders()
            .into_iter()
            .filter(|name| name.starts_with("set-aside-"));
        assert_eq!(aside.count(), 1, "round {round}");
        drop(load(anew, &entries));
    }
    assert_eq!(place.resumed().digest().unwrap(), digest_of(&entries));
}
