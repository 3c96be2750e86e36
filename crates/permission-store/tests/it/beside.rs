//! A view that is built beside the one that is served, and takes its place.

use std::ops::ControlFlow;

use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_permission_store::{
    Candidate, Comparison, Entry, FieldDifference, NotAdopted, NotCompared, RebuildReason, Refold,
    RowsCheck, View,
};
use proptest::prelude::*;

use crate::log::{account, granted, log, unreadable, user};
use crate::place::{Place, apply, digest_of, load};

fn candidate(view: &View, entries: &[Entry]) -> Candidate {
    let mut load = view.build_beside().unwrap();
    load.add(entries).unwrap();
    load.finish().unwrap()
}

fn compare(view: &View, candidate: &Candidate) -> Comparison {
    let compared = view.compare_with(candidate, || {}, |_| ControlFlow::Continue(()));
    compared.unwrap()
}

/// Makes a row say what these entries add up to, whatever the log says.
fn spoil(view: &View, aggregate: &Aggregate, entries: &[Entry]) {
    let mut refold = Refold::new(aggregate.clone());
    for entry in entries {
        refold.add(entry);
    }
    view.replace(&refold, view.cursor().sequence).unwrap();
}

fn ana() -> Aggregate {
    Aggregate::User(account("acme"), user("ana"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_says_the_same_and_readers_never_notice(
        numbers in prop::collection::vec(any::<u32>(), 1..80),
        built in 0_usize..80,
        compared in 0_usize..80,
    ) {
        let entries = log(&numbers);
        let (built, compared) = (built.min(entries.len()), compared.min(entries.len()));
        let (built, compared) = (built.min(compared), compared.max(built));
        let place = Place::new();
        let view = load(place.fresh(RebuildReason::Missing), &entries[..built]);
        let candidate = candidate(&view, &entries[..built]);
        apply(&view, &entries[built..compared]);
        apply(candidate.view(), &entries[built..compared]);
        let compared_as_of = Sequence(compared as u64);
        // What is applied while it is compared changes nothing of it.
        let comparison = view
            .compare_with(&candidate, || apply(&view, &entries[compared..]), |_| ControlFlow::Continue(()))
            .unwrap();
        prop_assert!(comparison.is_same(), "{comparison:?}");
        prop_assert_eq!(comparison.sequence, compared_as_of);
        let old_path = view.path();
        if compared < entries.len() {
            let elsewhere = view.adopt(&candidate).unwrap_err();
            let is_elsewhere = matches!(elsewhere, NotAdopted::Elsewhere { .. });
            prop_assert!(is_elsewhere);
        }
        apply(candidate.view(), &entries[compared..]);
        view.adopt(&candidate).unwrap();
        drop(candidate);
        prop_assert_ne!(view.path(), old_path);
        prop_assert_eq!(place.folders().len(), 1);
        let digest = digest_of(&entries);
        prop_assert_eq!(view.digest().unwrap(), digest);
        prop_assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
        prop_assert_eq!(view.read().corrected(9).unwrap(), []);
        drop(view);
        prop_assert_eq!(place.resumed().digest().unwrap(), digest);
    }
}

#[test]
fn whoever_does_not_take_the_place_leaves_nothing() {
    let place = Place::new();
    let entries = [granted(1, "acme", "ana")];
    let view = load(place.fresh(RebuildReason::Missing), &entries);
    let mut unfinished = view.build_beside().unwrap();
    unfinished.add(&entries).unwrap();
    let finished = candidate(&view, &entries);
    assert_eq!(place.folders().len(), 3);
    // As a kill would leave it: only the one that is served is found.
    let killed = place.copy();
    assert_eq!(killed.resumed().digest().unwrap(), digest_of(&entries));
    assert_eq!(killed.folders().len(), 1);

    drop(finished);
    drop(unfinished);
    assert_eq!(place.folders().len(), 1);
    assert_eq!(view.digest().unwrap(), digest_of(&entries));
}

#[test]
fn the_first_difference_is_named_by_account_user_and_field() {
    let place = Place::new();
    let entries = [
        granted(1, "acme", "ana"),
        granted(2, "acme", "ben"),
        granted(3, "umbrella", "ana"),
    ];
    let view = load(place.fresh(RebuildReason::Missing), &entries);
    spoil(&view, &ana(), &[unreadable(1, Some(ana()))]);
    let candidate = candidate(&view, &entries);
    let found = compare(&view, &candidate);
    assert_eq!((found.rows, found.different), (3, 1));
    assert_eq!((found.users_gaining, found.users_losing), (1, 0));
    assert_eq!(found.first[0].aggregate, ana());
    assert_eq!(
        found.first[0].fields[0],
        FieldDifference {
            field: "blocked_at",
            served: Some("1".to_owned()),
            rebuilt: None
        }
    );
    assert!(found.counts.is_some(), "one is blocked and none");

    // Whom others were told wrongly of is noted, also for whoever is killed right after.
    view.adopt(&candidate).unwrap();
    drop(candidate);
    drop(view);
    let view = place.resumed();
    assert_eq!(view.read().corrected(9).unwrap(), [ana()]);
    view.forget_corrected(&[ana()]).unwrap();
    assert_eq!(view.read().corrected(9).unwrap(), []);
    assert_eq!(view.digest().unwrap(), digest_of(&entries));
}

#[test]
fn rows_that_only_one_has_are_differences() {
    let entries = [granted(1, "acme", "ana"), granted(2, "acme", "ben")];
    let without = [entries[0].clone(), unreadable(2, None)];
    for (served, rebuilt, gaining, losing) in
        [(&entries, &without, 0, 1), (&without, &entries, 1, 0)]
    {
        let place = Place::new();
        let view = load(place.fresh(RebuildReason::Missing), served);
        let found = compare(&view, &candidate(&view, rebuilt));
        assert_eq!((found.rows, found.different), (2, 1));
        assert_eq!((found.users_gaining, found.users_losing), (gaining, losing));
        assert_eq!(found.first[0].fields[0].field, "row");
    }
}

#[test]
fn a_company_that_differs_is_counted_by_its_users() {
    let place = Place::new();
    let entries = [
        granted(1, "acme", "ana"),
        granted(2, "acme", "ben"),
        granted(3, "umbrella", "zoe"),
    ];
    let view = load(place.fresh(RebuildReason::Missing), &entries);
    let acme = Aggregate::Account(account("acme"));
    spoil(&view, &acme, &[unreadable(1, Some(acme.clone()))]);
    let found = compare(&view, &candidate(&view, &entries));
    assert_eq!((found.different, found.users_gaining), (1, 2));
    assert_eq!(found.first[0].aggregate, acme);
}

#[test]
fn another_event_at_the_same_place_is_another_log() {
    let place = Place::new();
    let view = load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    );
    let mut load = view.build_beside().unwrap();
    let other = Entry {
        hash: [9; 32],
        ..granted(1, "acme", "ana")
    };
    load.add(&[other]).unwrap();
    let candidate = load.finish().unwrap();
    let is_another = |refused| matches!(refused, NotAdopted::OtherLog(Sequence(1)));
    assert!(is_another(view.adopt(&candidate).unwrap_err()));
    let compared = view.compare_with(&candidate, || {}, |_| ControlFlow::Continue(()));
    match compared.unwrap_err() {
        NotCompared::NotLevel(refused) => assert!(is_another(refused)),
        other @ (NotCompared::Damaged(_) | NotCompared::Stopped) => panic!("{other}"),
    }
}

#[test]
fn a_log_that_was_changed_is_compared_and_never_adopted() {
    let place = Place::new();
    let entries = [granted(1, "acme", "ana"), granted(2, "acme", "ben")];
    let view = load(place.fresh(RebuildReason::Missing), &entries);
    // The first event is another one by now; the last is the same.
    let mut changed = entries.clone();
    changed[0] = Entry {
        hash: [9; 32],
        ..unreadable(1, Some(ana()))
    };
    let candidate = candidate(&view, &changed);
    let found = compare(&view, &candidate);
    assert!(!found.same_events && !found.is_same());
    assert_eq!(found.users_losing, 1);
    let refused = view.adopt(&candidate).unwrap_err();
    assert!(matches!(refused, NotAdopted::OtherEvents(Sequence(2))));
    drop(candidate);
    assert_eq!(view.digest().unwrap(), digest_of(&entries));
    assert!(view.knows_message(Sequence(1), &entries[0].hash).unwrap());
    assert!(!view.knows_message(Sequence(1), &changed[0].hash).unwrap());
}

#[test]
fn a_row_is_corrected_alone() {
    let place = Place::new();
    let entries = [granted(1, "acme", "ana"), granted(2, "acme", "ben")];
    let view = load(place.fresh(RebuildReason::Missing), &entries);
    let stranger = Aggregate::User(account("acme"), user("nobody"));
    let theirs = granted(2, "acme", "nobody");
    spoil(&view, &ana(), &[]);
    spoil(&view, &stranger, &[theirs]);
    assert_ne!(view.digest().unwrap(), digest_of(&entries));
    let fold = |aggregate: &Aggregate, entries: &[Entry]| {
        let mut refold = Refold::new(aggregate.clone());
        for entry in entries {
            refold.add(entry);
        }
        refold
    };
    let [hers, theirs] = [fold(&ana(), &entries[..1]), fold(&stranger, &[])];
    for refold in [&hers, &theirs] {
        let difference = view.difference_from(refold, Sequence(2)).unwrap().unwrap();
        assert_eq!(difference.fields[0].field, "row");
        assert!(view.difference_from(refold, Sequence(1)).is_err());
        assert!(view.correct(refold, Sequence(2)).unwrap());
        assert_eq!(view.difference_from(refold, Sequence(2)).unwrap(), None);
    }
    assert_eq!(view.digest().unwrap(), digest_of(&entries));
    assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
    assert_eq!(view.counts().users, 2);
    assert_eq!(view.read().corrected(9).unwrap(), [ana(), stranger]);
}
