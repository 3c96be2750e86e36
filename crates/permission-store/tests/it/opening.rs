//! Who may open a view, and what becomes of one that can't be used.

use assent_permission_store::{OpenError, Opened, RebuildReason, RowsCheck, View};

use crate::log::{created, granted, source};
use crate::place::{CACHE, Place, apply, digest_of, load};

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let place = Place::new();
    let view = load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    );
    let refused = View::open(&place.path(), &source(), CACHE).unwrap_err();
    assert!(matches!(refused, OpenError::InUse(_)));
    assert!(refused.to_string().contains("in use by another process"));
    drop(view);
    place.resumed();
}

#[test]
fn a_view_of_another_stream_is_kept_until_the_new_one_is_complete() {
    let place = Place::new();
    drop(load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    ));
    let other = created("2027-01-01T00:00:00Z");
    for _ in 0..2 {
        let Opened::Fresh { mut load, why } = place.open(&other) else {
            panic!("a view of another stream was resumed");
        };
        assert!(matches!(
            why,
            RebuildReason::OtherSource | RebuildReason::Incomplete
        ));
        assert_eq!(place.folders().len(), 2);
        load.add(&[granted(1, "umbrella", "zoe")]).unwrap();
        // Interrupted: whoever goes back finds the old one as it was.
    }
    assert_eq!(
        place.resumed().digest().unwrap(),
        digest_of(&[granted(1, "acme", "ana")])
    );
    let Opened::Fresh { load: anew, .. } = place.open(&other) else {
        panic!("a view of another stream was resumed");
    };
    let view = load(*anew, &[granted(1, "umbrella", "zoe")]);
    assert_eq!(place.folders().len(), 1);
    assert_eq!(view.cursor().source, other);
    drop(view);
    assert!(matches!(place.open(&other), Opened::Resumed(_)));
}

#[test]
fn starting_over_leaves_readers_of_the_old_view_alone() {
    let place = Place::new();
    let old = load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana")],
    );
    let anew = old.start_over(&source()).unwrap();
    let new = load(
        anew,
        &[granted(1, "acme", "ben"), granted(2, "acme", "ana")],
    );
    assert_eq!(old.counts().users, 1);
    assert_eq!(old.verify(|| {}).unwrap(), RowsCheck::Sound);
    drop(old);
    assert_eq!(new.counts().users, 2);
    drop(new);
    assert_eq!(place.resumed().counts().users, 2);
}

#[test]
fn a_load_that_was_interrupted_is_begun_anew() {
    let place = Place::new();
    let mut interrupted = place.fresh(RebuildReason::Missing).spill_at(1);
    interrupted.add(&[granted(1, "acme", "ana")]).unwrap();
    drop(interrupted);
    drop(load(
        place.fresh(RebuildReason::Incomplete),
        &[granted(1, "acme", "ben")],
    ));
    let view = place.resumed();
    assert_eq!(
        view.digest().unwrap(),
        digest_of(&[granted(1, "acme", "ben")])
    );
    apply(&view, &[granted(2, "acme", "ana")]);
    assert_eq!(place.folders().len(), 1);
}
