//! Of whom the token broker was found to hold a token a moment ago: a login need not ask that each time.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assent_contract::values::PersonId;
use assent_domain::ids::{AccountId, UserId};

/// What is known is known for so long at least, and twice as long at most.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// How many are remembered within that time; more are asked for again.
const MOST: usize = 10_000;

/// What a token was found to be held for. A grant, a revocation, a withdrawal and a change of method are later events, with
/// which the token may have gone: then the broker is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldFor {
    /// Whose mailbox it is.
    pub(crate) person: PersonId,
    /// The company's last event.
    pub(crate) account_sequence: u64,
    /// The user's last event.
    pub(crate) user_sequence: u64,
}

/// Users and their mailboxes of whom a token is held. Two generations of a bounded size, of which the older one is dropped.
#[derive(Debug)]
pub(crate) struct KnownCustody {
    generations: Mutex<Generations>,
}

#[derive(Debug)]
struct Generations {
    young: HashMap<Key, HeldFor>,
    old: HashMap<Key, HeldFor>,
    since: Instant,
}

type Key = (AccountId, UserId);

impl KnownCustody {
    pub(crate) fn new() -> Self {
        Self {
            generations: Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
                since: Instant::now(),
            }),
        }
    }

    /// Whether a token of this mailbox was held a moment ago.
    pub(crate) fn holds(&self, key: &Key, held_for: HeldFor) -> bool {
        self.holds_at(key, held_for, Instant::now())
    }

    pub(crate) fn note(&self, key: Key, held_for: HeldFor) {
        self.note_at(key, held_for, Instant::now());
    }

    fn holds_at(&self, key: &Key, held_for: HeldFor, now: Instant) -> bool {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generations.age(now);
        let young = generations.young.get(key);
        young.or_else(|| generations.old.get(key)) == Some(&held_for)
    }

    fn note_at(&self, key: Key, held_for: HeldFor, now: Instant) {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generations.age(now);
        if generations.young.len() < MOST || generations.young.contains_key(&key) {
            generations.young.insert(key, held_for);
        }
    }
}

impl Generations {
    fn age(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.since);
        if age < HALF_LIFE {
            return;
        }
        let young = mem::take(&mut self.young);
        self.old = if age < 2 * HALF_LIFE {
            young
        } else {
            HashMap::new()
        };
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(number: usize) -> Key {
        let user = UserId::parse(&format!("user-{number}")).unwrap();
        (AccountId::parse("acme").unwrap(), user)
    }

    fn person(number: u128) -> HeldFor {
        HeldFor {
            person: PersonId {
                tenant_id: Uuid::from_u128(1),
                object_id: Uuid::from_u128(number),
            },
            account_sequence: 1,
            user_sequence: 2,
        }
    }

    #[test]
    fn with_a_later_event_it_is_known_no_more() {
        let known = KnownCustody::new();
        let before = person(1);
        known.note(key(1), before);
        assert!(known.holds(&key(1), before));
        let later = [
            HeldFor {
                account_sequence: 3,
                ..before
            },
            HeldFor {
                user_sequence: 3,
                ..before
            },
        ];
        assert!(!later.iter().any(|later| known.holds(&key(1), *later)));
    }

    #[test]
    fn what_is_known_is_of_one_mailbox_and_fades() {
        let known = KnownCustody::new();
        let start = Instant::now();
        known.note_at(key(1), person(1), start);
        assert!(known.holds_at(&key(1), person(1), start));
        assert!(!known.holds_at(&key(1), person(2), start));
        assert!(!known.holds_at(&key(2), person(1), start));
        assert!(known.holds_at(&key(1), person(1), start + HALF_LIFE * 3 / 2));
        assert!(!known.holds_at(&key(1), person(1), start + HALF_LIFE * 3));
        known.note_at(key(1), person(1), start + HALF_LIFE * 3);
        assert!(!known.holds_at(&key(1), person(1), start + HALF_LIFE * 9));
    }

    #[test]
    fn it_is_bounded() {
        let known = KnownCustody::new();
        let now = Instant::now();
        for number in 0..=MOST {
            known.note_at(key(number), person(1), now);
        }
        assert!(known.holds_at(&key(0), person(1), now));
        assert!(!known.holds_at(&key(MOST), person(1), now));
        known.note_at(key(0), person(2), now);
        assert!(known.holds_at(&key(0), person(2), now));
    }
}
