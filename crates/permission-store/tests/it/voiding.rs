//! Whoever was blocked by a message that is void now is known again, as if it had never been there.

use assent_domain::event::Aggregate;
use assent_domain::ids::Sequence;
use assent_permission_store::{
    AggregateChange, ApplyError, Content, Entry, Projected, RebuildReason, Refold, RowsCheck, View,
};
use proptest::prelude::*;

use crate::log::{account, granted, hash, log, unreadable, user};
use crate::place::{Place, apply, digest_of, load};

/// The entries as they are read once an operator declared some of them void.
fn voided(entries: &[Entry], is_void: impl Fn(u64) -> bool) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        if entry.content == Content::Unreadable && is_void(entry.sequence.0) {
            entry.content = Content::Void;
        }
    }
    entries
}

/// Folds the account or user of an entry anew, as whoever has the log does.
fn refold(view: &View, entries: &[Entry], sequence: Sequence) -> Option<AggregateChange> {
    let through = view.cursor().sequence;
    let entry = entries.iter().find(|entry| entry.sequence == sequence)?;
    let Some(aggregate) = &entry.aggregate else {
        view.pass_over_orphan(sequence).unwrap();
        return None;
    };
    let mut refold = Refold::new(aggregate.clone());
    entries
        .iter()
        .filter(|entry| entry.sequence <= through && entry.aggregate.as_ref() == Some(aggregate))
        .for_each(|entry| refold.add(entry));
    Some(view.replace(&refold, through).unwrap())
}

#[test]
fn what_was_blocked_is_effective_again_and_the_rest_goes_on() {
    let ana = Aggregate::User(account("acme"), user("ana"));
    let entries = [
        granted(1, "acme", "ana"),
        unreadable(2, Some(ana.clone())),
        granted(3, "acme", "ana"),
        granted(4, "acme", "ben"),
    ];
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &[]);
    apply(&view, &entries);
    assert_eq!(view.counts().blocked, 1);
    assert_eq!(
        view.user(&account("acme"), &user("ana")).unwrap(),
        Projected::Blocked { at: Sequence(2) }
    );
    let entries = voided(&entries, |_| true);
    let change = refold(&view, &entries, Sequence(2)).unwrap();
    assert_eq!(change.aggregate, ana);
    assert_eq!(change.sequence, Sequence(4), "as of the whole view");
    assert!(change.effective.unwrap().calendar);
    assert_eq!(view.counts().blocked, 0);
    assert_eq!(view.blocked(10).unwrap(), []);
    assert_eq!(view.voids().into_iter().collect::<Vec<_>>(), [Sequence(2)]);
    assert_eq!(view.digest().unwrap(), digest_of(&entries));
    drop(view);

    let view = place.resumed();
    assert_eq!(view.voids().into_iter().collect::<Vec<_>>(), [Sequence(2)]);
    assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
    let known = view.user(&account("acme"), &user("ana")).unwrap();
    assert_eq!(known.last_sequence(), Sequence(3));
}

#[test]
fn a_second_message_still_blocks() {
    let acme = Aggregate::Account(account("acme"));
    let entries = [
        unreadable(1, Some(acme.clone())),
        granted(2, "acme", "ana"),
        unreadable(3, Some(acme)),
    ];
    let view = load(Place::new().fresh(RebuildReason::Missing), &[]);
    apply(&view, &entries);
    let entries = voided(&entries, |sequence| sequence == 1);
    refold(&view, &entries, Sequence(1)).unwrap();
    assert_eq!(view.counts().blocked, 1);
    assert_eq!(view.blocked(10).unwrap()[0].at, Sequence(3));
    assert_eq!(view.digest().unwrap(), digest_of(&entries));
}

#[test]
fn what_was_read_up_to_another_place_is_refused() {
    let ana = Aggregate::User(account("acme"), user("ana"));
    let view = load(Place::new().fresh(RebuildReason::Missing), &[]);
    apply(&view, &[granted(1, "acme", "ana")]);
    let stale = view.replace(&Refold::new(ana), Sequence(0));
    assert!(matches!(stale, Err(ApplyError::Gap { .. })), "{stale:?}");
    let known = view.user(&account("acme"), &user("ana")).unwrap();
    assert_eq!(known.last_sequence(), Sequence(1));
}

#[test]
fn those_that_are_blocked_come_by_page() {
    let view = load(Place::new().fresh(RebuildReason::Missing), &[]);
    let who = [
        Aggregate::Account(account("acme")),
        Aggregate::Account(account("umbrella")),
        Aggregate::User(account("acme"), user("ana")),
        Aggregate::User(account("acme"), user("ben")),
    ];
    let entries = who.iter().zip(1..);
    let entries = entries.map(|(who, at)| unreadable(at, Some(who.clone())));
    apply(&view, &entries.collect::<Vec<_>>());
    let mut found = Vec::new();
    loop {
        let page = view.read().blocked_after(found.last(), 3).unwrap();
        if page.is_empty() {
            break;
        }
        found.extend(page.into_iter().map(|blocked| blocked.aggregate));
    }
    assert_eq!(found, who);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is declared void, before it is applied or after, one by one and between other
    /// entries: the view is that of a log in which it always was.
    #[test]
    fn it_does_not_matter_when_a_message_was_declared_void(
        numbers in prop::collection::vec(any::<u32>(), 1..60),
        chosen in any::<u64>(),
        steps in prop::collection::vec((1_usize..9, any::<bool>(), prop::bool::weighted(0.1)), 60),
    ) {
        let entries = log(&numbers);
        let is_void = |sequence: u64| chosen >> (sequence % 64) & 1 == 1;
        let known_of = |known: &std::collections::BTreeSet<u64>| {
            voided(&entries, |sequence| known.contains(&sequence))
        };
        let mut to_void: Vec<u64> = voided(&entries, is_void)
            .iter()
            .filter(|entry| entry.content == Content::Void)
            .map(|entry| entry.sequence.0)
            .collect();
        let mut known = std::collections::BTreeSet::new();
        let place = Place::new();
        let mut view = load(place.fresh(RebuildReason::Missing), &[]);
        let mut applied = 0;
        for (size, declare, interrupted) in steps {
            if let Some(sequence) = to_void.pop().filter(|_| declare) {
                known.insert(sequence);
                if sequence <= view.cursor().sequence.0 {
                    refold(&view, &known_of(&known), Sequence(sequence));
                }
            }
            let end = entries.len().min(applied + size);
            apply(&view, &known_of(&known)[applied..end]);
            applied = end;
            if interrupted {
                drop(view);
                view = place.resumed();
            }
        }
        apply(&view, &known_of(&known)[applied..]);
        for sequence in to_void {
            known.insert(sequence);
            refold(&view, &known_of(&known), Sequence(sequence));
        }
        let expected = known_of(&known);
        prop_assert_eq!(view.digest().unwrap(), digest_of(&expected));
        prop_assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
        let passed: Vec<_> = view.voids().into_iter().map(|sequence| sequence.0).collect();
        prop_assert_eq!(passed, known.into_iter().collect::<Vec<_>>());
        let rebuilt = load(Place::new().fresh(RebuildReason::Missing), &expected);
        prop_assert_eq!(view.counts(), rebuilt.counts());
        prop_assert_eq!(view.blocked(1000).unwrap(), rebuilt.blocked(1000).unwrap());
        prop_assert_eq!(view.cursor().hash, hash(entries.len() as u64));
    }
}
