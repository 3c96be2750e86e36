//! Folding the log gives the same state as projecting it, however it is batched, interrupted,
//! duplicated or replayed; and both give what the domain says.

use std::collections::BTreeMap;

use assent_domain::account::AccountState;
use assent_domain::event::Aggregate;
use assent_domain::permissions::PermissionSet;
use assent_domain::user::UserState;
use assent_permission_store::{
    Content, Entry, Projected, RebuildReason, RowsCheck, View, effective,
};
use proptest::prelude::*;

use crate::log::{hash, log};
use crate::place::{Place, apply, digest_of, load};

/// What the domain makes of a log, with none of the store's code.
#[derive(Default)]
struct Reference {
    accounts: BTreeMap<Aggregate, Projected<AccountState>>,
    users: BTreeMap<Aggregate, Projected<UserState>>,
    orphans: u64,
}

fn reference(entries: &[Entry]) -> Reference {
    let mut all = Reference::default();
    for entry in entries {
        let blocked_at = entry.sequence;
        match &entry.aggregate {
            None => all.orphans += u64::from(entry.content != Content::Void),
            Some(aggregate @ Aggregate::Account(_)) => {
                let standing = all.accounts.entry(aggregate.clone()).or_default();
                if let Projected::Known(state) = standing {
                    let next = match &entry.content {
                        Content::Event(event) => state.clone().evolve(entry.sequence, event).ok(),
                        Content::Unreadable => None,
                        Content::Void => Some(state.clone()),
                    };
                    *standing =
                        next.map_or(Projected::Blocked { at: blocked_at }, Projected::Known);
                }
            }
            Some(aggregate @ Aggregate::User(..)) => {
                let standing = all.users.entry(aggregate.clone()).or_default();
                if let Projected::Known(state) = standing {
                    let next = match &entry.content {
                        Content::Event(event) => state.clone().evolve(entry.sequence, event).ok(),
                        Content::Unreadable => None,
                        Content::Void => Some(state.clone()),
                    };
                    *standing =
                        next.map_or(Projected::Blocked { at: blocked_at }, Projected::Known);
                }
            }
        }
    }
    all
}

fn agrees_with_the_domain(view: &View, entries: &[Entry]) {
    let expected = reference(entries);
    let mut blocked = Vec::new();
    for (aggregate, standing) in &expected.accounts {
        assert_eq!(view.account(aggregate.account()).unwrap(), *standing);
        blocked.extend(matches!(standing, Projected::Blocked { .. }).then(|| aggregate.clone()));
    }
    for (aggregate, standing) in &expected.users {
        let Aggregate::User(account, user) = aggregate else {
            continue;
        };
        let found = view.user(account, user).unwrap();
        assert_eq!(found, *standing);
        let company = view.account(account).unwrap();
        if company.known().is_none() || standing.known().is_none() {
            assert_eq!(effective(&company, &found), PermissionSet::NOTHING);
        }
        blocked.extend(matches!(standing, Projected::Blocked { .. }).then(|| aggregate.clone()));
    }
    let counts = view.counts();
    assert_eq!(counts.accounts, expected.accounts.len() as u64);
    assert_eq!(counts.users, expected.users.len() as u64);
    assert_eq!(counts.orphans, expected.orphans);
    assert_eq!(counts.blocked, blocked.len() as u64);
    let listed: Vec<_> = view.blocked(1000).unwrap();
    let listed: Vec<_> = listed
        .into_iter()
        .map(|blocked| blocked.aggregate)
        .collect();
    assert_eq!(listed, blocked);
    assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn however_a_log_is_applied_it_adds_up_to_the_same(
        numbers in prop::collection::vec(any::<u32>(), 1..60),
        steps in prop::collection::vec((1_usize..9, 0_usize..12, prop::bool::weighted(0.1)), 60),
    ) {
        let entries = log(&numbers);
        let place = Place::new();
        let mut view = load(place.fresh(RebuildReason::Missing), &[]);
        let mut applied = 0;
        for (size, again, interrupted) in steps {
            let end = entries.len().min(applied + size);
            // Some that were applied before are delivered once more.
            apply(&view, &entries[applied.saturating_sub(again)..end]);
            applied = end;
            prop_assert_eq!(view.cursor().sequence.0, end as u64);
            if interrupted {
                drop(view);
                view = place.resumed();
            }
        }
        apply(&view, &entries[applied..]);
        prop_assert_eq!(view.cursor().hash, hash(entries.len() as u64));
        prop_assert_eq!(view.digest().unwrap(), digest_of(&entries));
        agrees_with_the_domain(&view, &entries);
    }

    #[test]
    fn a_load_that_spills_adds_up_to_the_same(
        numbers in prop::collection::vec(any::<u32>(), 1..60),
        size in 1_usize..9,
        spill_at in 1_usize..6,
    ) {
        let entries = log(&numbers);
        let place = Place::new();
        let mut load = place.fresh(RebuildReason::Missing).spill_at(spill_at);
        for batch in entries.chunks(size) {
            load.add(batch).unwrap();
        }
        let view = load.finish().unwrap();
        prop_assert_eq!(view.digest().unwrap(), digest_of(&entries));
        agrees_with_the_domain(&view, &entries);
        drop(view);
        prop_assert_eq!(place.resumed().digest().unwrap(), digest_of(&entries));
    }
}

#[test]
fn a_change_tells_what_is_effective_as_of_its_event() {
    let entries = log(&(0..400)
        .map(|n: u32| n.wrapping_mul(2_654_435_761))
        .collect::<Vec<_>>());
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &[]);
    // In one batch, so that later events of the same batch could show through.
    let changes = view.apply(&entries).unwrap();
    let mut told = changes.iter();
    let other = Place::new();
    let one_by_one = load(other.fresh(RebuildReason::Missing), &[]);
    for entry in &entries {
        apply(&one_by_one, std::slice::from_ref(entry));
        let Some(aggregate) = &entry.aggregate else {
            continue;
        };
        let change = told.next().unwrap();
        assert_eq!(
            (&change.aggregate, change.sequence),
            (aggregate, entry.sequence)
        );
        let company = one_by_one.account(aggregate.account()).unwrap();
        assert_eq!(change.method, company.method());
        let expected = match aggregate {
            Aggregate::Account(_) => None,
            Aggregate::User(account, user) => Some(effective(
                &company,
                &one_by_one.user(account, user).unwrap(),
            )),
        };
        assert_eq!(change.effective, expected);
    }
    assert!(told.next().is_none());
}
