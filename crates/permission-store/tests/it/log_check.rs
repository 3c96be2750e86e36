//! The root of the log in the view, and a log that is not what the view was built from.

use assent_checkpoint::Tree;
use assent_permission_store::{Entry, LogVerdict, RebuildReason, View};
use proptest::{prop_assert_eq, proptest};

use crate::log::{granted, unreadable};
use crate::place::{Place, apply, load};

/// Entries of all kinds, as every message of the log is a leaf.
fn log(length: u64) -> Vec<Entry> {
    (1..=length)
        .map(|sequence| {
            let mut entry = match sequence % 5 {
                0 => unreadable(sequence, None),
                _ => granted(sequence, "acme", &format!("user-{}", sequence % 11)),
            };
            // Hashes differ from their first byte on, as SHA-256 has it.
            entry.hash[..8]
                .copy_from_slice(&sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            entry
        })
        .collect()
}

fn root_of(log: &[Entry]) -> String {
    let mut tree = Tree::default();
    for entry in log {
        tree.push(entry.hash);
    }
    tree.root().to_string()
}

fn verdict(view: &View, log: &[Entry]) -> LogVerdict {
    let mut check = view.check_log();
    for entry in log {
        check.add(entry.sequence, entry.hash).unwrap();
    }
    assert_eq!(check.sequence(), check.through());
    check.verdict()
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    /// However it was batched, loaded, spilled, closed and opened: the root is that of the log, and a message that is
    /// another one is named.
    #[test]
    fn the_view_knows_the_root_and_every_message(
        loaded in 0_usize..700,
        followed in 1_usize..300,
        batch in 1_usize..90,
        spill in 1_usize..40,
        changed in 0.0..1.0_f64,
    ) {
        let log = log((loaded + followed) as u64);
        let place = Place::new();
        let mut bulk = place.fresh(RebuildReason::Missing).spill_at(spill);
        log[..loaded].chunks(batch).for_each(|part| bulk.add(part).unwrap());
        let view = bulk.finish().unwrap();
        let half = loaded + followed / 2;
        log[loaded..half].chunks(batch).for_each(|part| apply(&view, part));
        drop(view);
        let view = place.resumed();
        log[half..].chunks(batch).for_each(|part| apply(&view, part));

        prop_assert_eq!(view.read().root().to_string(), root_of(&log));
        prop_assert_eq!(verdict(&view, &log), LogVerdict::Same);
        let mut other = log.clone();
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any of them")]
        let at = (changed * other.len() as f64) as usize;
        other[at].hash[2] ^= 1;
        prop_assert_eq!(verdict(&view, &other), LogVerdict::Different { at: Some(other[at].sequence) });
        // Where the change is in what is not kept, the root still tells.
        other[at].hash[2] ^= 1;
        other[at].hash[20] ^= 1;
        prop_assert_eq!(verdict(&view, &other), LogVerdict::Different { at: None });
    }
}

#[test]
fn a_log_that_grows_meanwhile_is_compared_as_far_as_it_was() {
    let log = log(40);
    let place = Place::new();
    let view = load(place.fresh(RebuildReason::Missing), &log[..30]);
    let mut check = view.check_log();
    apply(&view, &log[30..]);
    for entry in &log {
        check.add(entry.sequence, entry.hash).unwrap();
    }
    assert_eq!(check.through(), log[29].sequence);
    assert_eq!(check.verdict(), LogVerdict::Same);
}
