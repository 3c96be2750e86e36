//! How everybody stands, page by page.

use std::collections::BTreeSet;

use assent_domain::event::Aggregate;
use assent_permission_store::{AggregateChange, RebuildReason, View, effective};
use proptest::prelude::*;

use crate::log::{account, log};
use crate::place::{Place, load};

fn pages(view: &View, within: Option<&str>, limit: usize) -> Vec<AggregateChange> {
    let within = within.map(account);
    let mut all: Vec<AggregateChange> = Vec::new();
    loop {
        let after = all.last().map(|change| change.aggregate.clone());
        let reading = view.read();
        let page = reading
            .current_changes(within.as_ref(), after.as_ref(), limit)
            .unwrap();
        assert!(page.changes.len() <= limit);
        all.extend(page.changes);
        if !page.more {
            return all;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn each_whom_the_log_knows_comes_once_and_as_it_stands(
        numbers in proptest::collection::vec(any::<u32>(), 0..60),
        limit in 1..9_usize,
    ) {
        let entries = log(&numbers);
        let place = Place::new();
        let view = load(place.fresh(RebuildReason::Missing), &entries);
        let all = pages(&view, None, limit);
        let known: BTreeSet<String> = entries
            .iter()
            .filter_map(|entry| entry.aggregate.as_ref())
            .map(|aggregate| format!("{aggregate:?}"))
            .collect();
        let listed: Vec<String> = all.iter().map(|change| format!("{:?}", change.aggregate)).collect();
        prop_assert_eq!(listed.len(), known.len());
        prop_assert_eq!(&listed.iter().cloned().collect::<BTreeSet<_>>(), &known);
        let reading = view.read();
        for change in &all {
            prop_assert_eq!(reading.current_change(&change.aggregate).unwrap(), Some(change.clone()));
            let company = reading.account(change.aggregate.account()).unwrap();
            prop_assert_eq!(change.method, company.method());
            prop_assert!(company.last_sequence() <= change.sequence);
            if let Aggregate::User(id, user) = &change.aggregate {
                let user = reading.user(id, user).unwrap();
                prop_assert_eq!(change.effective, Some(effective(&company, &user)));
                prop_assert!(user.last_sequence() <= change.sequence);
            }
        }
        for within in ["acme", "acme-eu", "umbrella", "nobody"] {
            let expected: Vec<_> = all
                .iter()
                .filter(|change| change.aggregate.account().as_str() == within)
                .cloned()
                .collect();
            prop_assert_eq!(pages(&view, Some(within), limit), expected);
        }
    }
}
