//! What was found of a user a moment ago, so that a login need not ask each time.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assent_domain::ids::{AccountId, UserId};

pub(crate) type Key = (AccountId, UserId);

/// Two generations of a bounded size, of which the older one is dropped: what is noted is known for the half-life at least, and
/// twice as long at most.
#[derive(Debug)]
pub(crate) struct Remembered<V> {
    half_life: Duration,
    /// How many are remembered within that time; more are asked for again.
    most: usize,
    generations: Mutex<Generations<V>>,
}

#[derive(Debug)]
struct Generations<V> {
    young: HashMap<Key, V>,
    old: HashMap<Key, V>,
    since: Instant,
}

impl<V: Clone> Remembered<V> {
    pub(crate) fn new(half_life: Duration, most: usize) -> Self {
        Self {
            half_life,
            most,
            generations: Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
                since: Instant::now(),
            }),
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<V> {
        self.get_at(key, Instant::now())
    }

    pub(crate) fn note(&self, key: Key, value: V) {
        self.note_at(key, value, Instant::now());
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.in_generations(Instant::now(), |generations| {
            generations.young.remove(key);
            generations.old.remove(key);
        });
    }

    fn get_at(&self, key: &Key, now: Instant) -> Option<V> {
        self.in_generations(now, |generations| {
            let young = generations.young.get(key);
            young.or_else(|| generations.old.get(key)).cloned()
        })
    }

    fn note_at(&self, key: Key, value: V, now: Instant) {
        self.in_generations(now, |generations| {
            if generations.young.len() < self.most || generations.young.contains_key(&key) {
                generations.young.insert(key, value);
            } else {
                // What was known before is older than this.
                generations.old.remove(&key);
            }
        });
    }

    fn in_generations<T>(&self, now: Instant, act: impl FnOnce(&mut Generations<V>) -> T) -> T {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generations.age(now, self.half_life);
        act(&mut generations)
    }
}

impl<V> Generations<V> {
    fn age(&mut self, now: Instant, half_life: Duration) {
        let age = now.saturating_duration_since(self.since);
        if age < half_life {
            return;
        }
        let young = mem::take(&mut self.young);
        self.old = if age < 2 * half_life {
            young
        } else {
            HashMap::new()
        };
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_LIFE: Duration = Duration::from_secs(30);
    const MOST: usize = 100;

    fn key(number: usize) -> Key {
        let user = UserId::parse(&format!("user-{number}")).unwrap();
        (AccountId::parse("acme").unwrap(), user)
    }

    fn remembered() -> Remembered<u8> {
        Remembered::new(HALF_LIFE, MOST)
    }

    #[test]
    fn what_is_known_fades() {
        let known = remembered();
        let start = Instant::now();
        known.note_at(key(1), 7, start);
        assert_eq!(known.get_at(&key(1), start), Some(7));
        assert_eq!(known.get_at(&key(2), start), None);
        assert_eq!(known.get_at(&key(1), start + HALF_LIFE * 3 / 2), Some(7));
        assert_eq!(known.get_at(&key(1), start + HALF_LIFE * 3), None);
        known.note_at(key(1), 8, start + HALF_LIFE * 3);
        assert_eq!(known.get_at(&key(1), start + HALF_LIFE * 9), None);
    }

    #[test]
    fn what_is_forgotten_is_so_at_any_age() {
        let known = remembered();
        known.note(key(1), 7);
        known.forget(&key(1));
        assert_eq!(known.get(&key(1)), None);
        let earlier = Instant::now().checked_sub(HALF_LIFE).unwrap();
        known.note_at(key(2), 7, earlier);
        known.forget(&key(2));
        assert_eq!(known.get(&key(2)), None);
    }

    #[test]
    fn it_is_bounded() {
        let known = remembered();
        let now = Instant::now();
        for number in 0..=MOST {
            known.note_at(key(number), 1, now);
        }
        assert_eq!(known.get_at(&key(0), now), Some(1));
        assert_eq!(known.get_at(&key(MOST), now), None);
        known.note_at(key(0), 2, now);
        assert_eq!(known.get_at(&key(0), now), Some(2));
    }
}
