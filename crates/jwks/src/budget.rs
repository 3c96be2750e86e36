//! How often made-up key names and signatures may make us fetch an issuer's keys.
//!
//! Several rotations in a row have to be noticed at once; somebody who invents key names must not make us hammer the
//! issuer. So there is a small supply of fetches that fills up slowly, and a name that was just looked for takes nothing
//! from it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

const BURST: u32 = 5;
const ONE_MORE_EVERY: Duration = Duration::from_secs(5);

/// For how long a name counts as looked for.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// So many names are remembered. Beyond that the supply alone protects the issuer.
const MOST_REMEMBERED: usize = 1024;

/// Genuine key names have some forty characters; longer ones than this are not remembered.
const LONGEST_REMEMBERED: usize = 256;

#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    /// When the supply was last filled up by one, or was full.
    filled: Option<Instant>,
    looked_for: HashMap<String, Instant>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: BURST,
            filled: None,
            looked_for: HashMap::new(),
        }
    }
}

impl Budget {
    /// Takes one fetch for a name, if there is one left and the name was not just looked for.
    pub(super) fn take(&mut self, name: &str, now: Instant) -> bool {
        self.fill(now);
        if self.left == 0 || self.is_remembered(name, now) {
            return false;
        }
        self.left -= 1;
        true
    }

    /// Remembers that a fetch was made for this name.
    pub(super) fn remember(&mut self, name: &str, now: Instant) {
        if self.looked_for.len() >= MOST_REMEMBERED {
            self.looked_for.retain(|_, at| is_recent(*at, now));
        }
        if self.looked_for.len() < MOST_REMEMBERED && name.len() <= LONGEST_REMEMBERED {
            self.looked_for.insert(name.to_owned(), now);
        }
    }

    fn is_remembered(&self, name: &str, now: Instant) -> bool {
        let looked_for = self.looked_for.get(name);
        looked_for.is_some_and(|at| is_recent(*at, now))
    }

    fn fill(&mut self, now: Instant) {
        let mut filled = self.filled.unwrap_or(now);
        while self.left < BURST && now.duration_since(filled) >= ONE_MORE_EVERY {
            self.left += 1;
            filled += ONE_MORE_EVERY;
        }
        self.filled = Some(if self.left == BURST { now } else { filled });
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.duration_since(at) < REMEMBERED_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second() -> Duration {
        Duration::from_secs(1)
    }

    /// How many of a hundred new names get a fetch.
    fn taken(budget: &mut Budget, now: Instant) -> usize {
        (0..100)
            .filter(|number| budget.take(&format!("{now:?} {number}"), now))
            .count()
    }

    #[test]
    fn five_at_once_and_one_more_every_five_seconds() {
        let mut budget = Budget::default();
        let mut now = Instant::now();
        assert_eq!(taken(&mut budget, now), 5);
        for (seconds, expected) in [
            (4, 0),
            (1, 1),
            (4, 0),
            (2, 1),
            (4, 1),
            (12, 2),
            (3, 1),
            (3600, 5),
            (4, 0),
        ] {
            now += second() * seconds;
            assert_eq!(taken(&mut budget, now), expected, "after {seconds} s");
        }
    }

    #[test]
    fn a_name_that_was_just_looked_for_takes_nothing() {
        let mut budget = Budget::default();
        let mut now = Instant::now();
        assert!(budget.take("k1", now));
        budget.remember("k1", now);
        now += second() * 9;
        assert!(!budget.take("k1", now));
        assert!(budget.take("k2", now));
        now += second();
        assert!(budget.take("k1", now));
    }

    #[test]
    fn the_names_remembered_are_bounded() {
        let mut budget = Budget::default();
        let now = Instant::now();
        for number in 0..5000 {
            budget.remember(&format!("k{number}"), now);
        }
        assert_eq!(budget.looked_for.len(), MOST_REMEMBERED);
        budget.remember("later", now + REMEMBERED_FOR);
        budget.remember(&"k".repeat(LONGEST_REMEMBERED + 1), now);
        assert_eq!(budget.looked_for.len(), 1);
    }
}
