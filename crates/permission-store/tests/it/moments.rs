//! What readers see while entries are applied: one moment, never half of one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use assent_domain::ids::Sequence;
use assent_permission_store::{ApplyError, RebuildReason, RowsCheck};

use crate::log::{account, granted, hash, user};
use crate::place::{Place, apply, load};

#[test]
fn rows_and_sequence_are_of_one_moment() {
    let place = Place::new();
    let view = load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    );
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                let reading = view.read();
                let ana = reading.user(&account("acme"), &user("ana")).unwrap();
                let zoe = reading.user(&account("acme"), &user("zoe")).unwrap();
                // Every batch ends with an event of hers, after one of his.
                assert_eq!(ana.last_sequence(), reading.sequence());
                assert!(zoe.last_sequence().0 + 1 == reading.sequence().0 || seen <= 1);
                seen = reading.sequence().0;
            }
            seen
        });
        for sequence in (2..4000).step_by(2) {
            let batch = [
                granted(sequence, "acme", "zoe"),
                granted(sequence + 1, "acme", "ana"),
            ];
            apply(&view, &batch);
        }
        done.store(true, Ordering::Relaxed);
        assert!(1 < reader.join().unwrap());
    });
}

#[test]
fn a_digest_and_a_check_are_of_one_moment_too() {
    let entries: Vec<_> = (1..=4000)
        .map(|sequence| {
            let number = (sequence * 7919) % 1500;
            let company = format!("account-{}", number % 7);
            granted(sequence, &company, &format!("user-{number}"))
        })
        .collect();
    // The same, one batch after another, with nobody beside it.
    let alone = Place::new();
    let reference = load(alone.fresh(RebuildReason::Missing), &entries[..1000]);
    let mut moments = HashSet::from([reference.digest().unwrap()]);
    for batch in entries[1000..].chunks(20) {
        apply(&reference, batch);
        moments.insert(reference.digest().unwrap());
    }

    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &entries[..1000]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let checker = scope.spawn(|| {
            let mut seen = HashSet::new();
            while !done.load(Ordering::Relaxed) {
                assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
                let digest = view.digest().unwrap();
                assert!(moments.contains(&digest), "the view was never like that");
                seen.insert(digest);
            }
            seen.len()
        });
        for batch in entries[1000..].chunks(20) {
            apply(&view, batch);
        }
        done.store(true, Ordering::Relaxed);
        assert!(0 < checker.join().unwrap());
    });
    assert_eq!(view.digest().unwrap(), reference.digest().unwrap());
}

#[test]
fn a_gap_is_refused_and_nothing_is_applied() {
    let place = Place::new();
    let view = load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    );
    let before = view.digest().unwrap();
    for gap in [
        vec![granted(3, "acme", "ana")],
        vec![granted(2, "acme", "ana"), granted(4, "acme", "ana")],
        vec![granted(2, "acme", "ana"), granted(2, "acme", "ana")],
    ] {
        let refused = view.apply(&gap);
        assert!(
            matches!(refused, Err(ApplyError::Gap { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(view.digest().unwrap(), before);
    assert_eq!(view.cursor().sequence, Sequence(1));
    // What was seen before is no gap, and changes nothing, not even the hash.
    assert!(view.apply(&[granted(1, "acme", "ana")]).unwrap().is_empty());
    assert_eq!(view.cursor().hash, hash(1));
}

#[test]
fn users_are_listed_by_page_within_their_account() {
    let names = ["a", "a-", "b", "ben", "zoe"];
    let mut entries = Vec::new();
    for name in names {
        for company in ["acme", "acme-eu", "acm"] {
            entries.push(granted(entries.len() as u64 + 1, company, name));
        }
    }
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &entries);
    let acme = account("acme");
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = view.users(&acme, after.as_ref(), 2).unwrap();
        listed.extend(page.users.iter().map(|(user, _)| user.as_str().to_owned()));
        after = page.users.last().map(|(user, _)| user.clone());
        if !page.more {
            break;
        }
    }
    assert_eq!(listed, names);
    assert!(
        view.users(&account("nobody"), None, 2)
            .unwrap()
            .users
            .is_empty()
    );
}
