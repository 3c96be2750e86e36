//! A view whose rows were changed by other means, or that another version of the program wrote.

use std::path::Path;
use std::time::{Duration, Instant};

use assent_permission_store::{Entry, Opened, RebuildReason, RowsCheck};
use serde_json::Value;

use crate::log::{granted, source};
use crate::place::{Place, digest_of, load};

const PATIENCE: Duration = Duration::from_secs(10);

/// What is done to a database.
type Tampering = fn(&sled::Db);

fn entries() -> Vec<Entry> {
    (1..=30)
        .map(|sequence| granted(sequence, "acme", &format!("user-{}", sequence % 7)))
        .collect()
}

fn written() -> Place {
    let place = Place::new();
    drop(load(place.fresh(RebuildReason::Missing), &entries()));
    place
}

/// Opens the database as somebody would who is not the program.
fn tamper(generation: &Path, change: impl FnOnce(&sled::Db)) {
    // Whoever had it open lets go of the file a moment after it was dropped.
    let begun = Instant::now();
    let database = loop {
        match sled::open(generation) {
            Ok(database) => break database,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::yield_now();
    };
    change(&database);
    database.flush().unwrap();
}

fn head(database: &sled::Db, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let head = database.get("h").unwrap().unwrap();
    let mut head: Value = serde_json::from_slice(&head).unwrap();
    change(head.as_object_mut().unwrap());
    database.insert("h", head.to_string().as_bytes()).unwrap();
}

#[test]
fn a_row_that_was_changed_removed_or_added_is_found() {
    let changes: [(&str, Tampering); 3] = [
        ("changed", |database| {
            let (key, other) = (b"ruacme\0user-1", b"ruacme\0user-2");
            let row = database.get(other).unwrap().unwrap();
            assert_ne!(database.insert(key, row.clone()).unwrap(), Some(row));
        }),
        ("removed", |database| {
            assert!(database.remove(b"ruacme\0user-3").unwrap().is_some());
        }),
        ("added", |database| {
            let row = database.get(b"ruacme\0user-2").unwrap().unwrap();
            assert_eq!(database.insert(b"ruacme\0user-99", row).unwrap(), None);
        }),
    ];
    for (what, change) in changes {
        let place = written();
        assert_eq!(place.resumed().verify(|| {}).unwrap(), RowsCheck::Sound);
        tamper(&place.generation(), change);
        assert_eq!(
            place.resumed().verify(|| {}).unwrap(),
            RowsCheck::Damaged,
            "{what}"
        );
    }
}

#[test]
fn a_view_of_another_version_stays_until_a_new_one_is_complete() {
    let versions: [(&str, RebuildReason, Tampering); 3] = [
        (
            "before the root was kept",
            RebuildReason::OtherSchema,
            |database| {
                head(database, |head| {
                    head.insert("schema".to_owned(), 2.into());
                    assert!(head.remove("tree").is_some());
                });
            },
        ),
        ("newer rows", RebuildReason::OtherSchema, |database| {
            head(database, |head| {
                head.insert("schema".to_owned(), 1_000_000.into());
            });
        }),
        ("other rules", RebuildReason::OtherFold, |database| {
            head(database, |head| {
                head.insert("fold".to_owned(), 1.into());
            });
        }),
    ];
    for (what, expected, change) in versions {
        let place = written();
        let old = place.generation();
        tamper(&old, change);
        for _ in 0..2 {
            let Opened::Fresh { load, why } = place.open(&source()) else {
                panic!("{what}: it was resumed");
            };
            assert!(
                why == expected || why == RebuildReason::Incomplete,
                "{what}: {why}"
            );
            // Interrupted: the old one is there for whoever goes back.
            drop(load);
            assert!(old.join("db").exists(), "{what}");
        }
        let Opened::Fresh { load: anew, .. } = place.open(&source()) else {
            panic!("{what}: it was resumed");
        };
        drop(load(*anew, &entries()));
        assert!(!old.exists(), "{what}");
        assert_eq!(place.resumed().digest().unwrap(), digest_of(&entries()));
    }
}
