//! What replicas are compared by: the digest of a sequence that was named before, and the rows.

use std::thread;
use std::time::Duration;

use assent_domain::event::Aggregate;
use assent_permission_store::{DigestAtError, Entry, Projected, RebuildReason, Row};

use crate::log::{account, granted, unreadable, user};
use crate::place::{Place, apply, digest_of, load};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_digest_is_of_the_sequence_that_was_named_however_entries_are_batched() {
    let entries: Vec<Entry> = (1..=300)
        .map(|sequence| granted(sequence, "acme", &format!("user-{}", sequence % 7)))
        .collect();
    for (wanted, batch) in [(1, 300), (150, 300), (150, 50), (299, 64), (300, 300)] {
        let place = Place::new();
        let view = load(place.fresh(RebuildReason::Missing), &[]);
        let at = entries[wanted - 1].sequence;
        let digest = thread::scope(|scope| {
            let waiting = scope.spawn(|| view.digest_at(at, PATIENCE));
            // It is applied once somebody waits: the first batch may hold the sequence already.
            while !view.is_awaited() {
                thread::yield_now();
            }
            entries.chunks(batch).for_each(|batch| apply(&view, batch));
            waiting.join().unwrap()
        });
        let digest = digest.unwrap();
        assert_eq!(digest.sequence(), at);
        assert_eq!(digest, digest_of(&entries[..wanted]), "{wanted} {batch}");
        assert_eq!(view.digest().unwrap(), digest_of(&entries));
    }
}

#[test]
fn what_is_past_or_does_not_come_has_no_digest() {
    let place = Place::new();
    let view = load(
        place.fresh(RebuildReason::Missing),
        &[granted(1, "acme", "ana"), granted(2, "acme", "ana")],
    );
    let past = view.digest_at(granted(1, "acme", "ana").sequence, PATIENCE);
    assert!(
        matches!(past, Err(DigestAtError::Passed(at)) if at.0 == 2),
        "{past:?}"
    );
    let never = view.digest_at(
        granted(3, "acme", "ana").sequence,
        Duration::from_millis(20),
    );
    assert!(matches!(never, Err(DigestAtError::NotReached)), "{never:?}");
    // Whoever gave up is not waited for.
    apply(
        &view,
        &[granted(3, "acme", "ana"), granted(4, "acme", "ana")],
    );
    let now = view
        .digest_at(granted(4, "acme", "ana").sequence, PATIENCE)
        .unwrap();
    assert_eq!(now, view.digest().unwrap());
}

#[test]
fn rows_come_by_page_companies_first() {
    let blocked = Aggregate::User(account("acme"), user("ben"));
    let mut log = vec![granted(1, "umbrella", "zoe"), granted(2, "acme", "ana")];
    log.push(unreadable(3, Some(blocked.clone())));
    log.push(unreadable(4, Some(Aggregate::Account(account("umbrella")))));
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &log);
    let reading = view.read();
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = reading.rows(after.as_ref(), 3).unwrap();
        rows.extend(page.rows);
        if !page.more {
            break;
        }
        after = rows.last().map(Row::aggregate);
    }
    let whose: Vec<_> = rows.iter().map(Row::aggregate).collect();
    assert_eq!(
        whose,
        [
            Aggregate::Account(account("umbrella")),
            Aggregate::User(account("acme"), user("ana")),
            blocked,
            Aggregate::User(account("umbrella"), user("zoe")),
        ]
    );
    assert!(matches!(&rows[0], Row::Account(_, Projected::Blocked { at }) if at.0 == 4));
    assert!(matches!(&rows[3], Row::User(_, _, Projected::Known(zoe)) if zoe.own.calendar));
}
