//! Tokens that were found good, so that one that is sent again and again is verified once.
//!
//! A service's token is the same for minutes and comes with each login; verifying its signature was a quarter of what the
//! login hook did. What is remembered belongs to the keys of one fetch and goes with them: a key that is not published any
//! more vouches for nobody whom it vouched for before. Only what is good is remembered, under the SHA-256 of the whole token,
//! header and signature too, so that nobody finds anything who has not got the very token.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::Caller;

/// How many are remembered at the most, in each of two generations.
const MOST: usize = 512;

/// What a token is remembered by. The token itself is not kept.
pub(super) type TokenDigest = [u8; 32];

pub(super) fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token.as_bytes()).into()
}

/// Bearers by their tokens: two generations of a bounded size. Whoever comes again is in the younger one, and the older one
/// is dropped when that is full: a flood of tokens that come once drives out the others like them.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<TokenDigest, Caller>,
    old: HashMap<TokenDigest, Caller>,
}

impl Remembered {
    /// Whose token it is, if it was found good before and has not run out at `now`, `leeway` included.
    pub(super) fn recall(
        &self,
        token: &TokenDigest,
        now: SystemTime,
        leeway: Duration,
    ) -> Option<Caller> {
        let mut generations = self.generations();
        let is_good = |caller: &Caller| {
            let until = caller.expires_at.checked_add(leeway);
            until.is_some_and(|until| now <= until)
        };
        if let Some(caller) = generations.young.get(token) {
            return is_good(caller).then(|| caller.clone());
        }
        let caller = generations.old.remove(token).filter(is_good)?;
        generations.note(*token, caller.clone());
        Some(caller)
    }

    /// Remembers whose token it is, after all of it was checked.
    pub(super) fn remember(&self, token: TokenDigest, caller: &Caller) {
        self.generations().note(token, caller.clone());
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // Whoever panicked while holding it left each entry whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn note(&mut self, token: TokenDigest, caller: Caller) {
        if MOST <= self.young.len() {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(token, caller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEEWAY: Duration = Duration::from_secs(30);

    fn caller(subject: &str, expires_at: SystemTime) -> Caller {
        Caller {
            subject: subject.to_owned(),
            account: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            scopes: Vec::new(),
            token_id: None,
            issued_at: None,
            expires_at,
            name: None,
            account_name: None,
        }
    }

    #[test]
    fn nobody_is_remembered_for_longer_than_the_token_lasts() {
        let (remembered, now) = (Remembered::default(), SystemTime::now());
        let token = digest("one");
        let expires_at = now + Duration::from_mins(1);
        remembered.remember(token, &caller("ana", expires_at));
        let at = |time| {
            remembered
                .recall(&token, time, LEEWAY)
                .map(|caller| caller.subject)
        };
        assert_eq!(at(now).as_deref(), Some("ana"));
        assert_eq!(at(expires_at + LEEWAY).as_deref(), Some("ana"));
        assert_eq!(at(expires_at + LEEWAY + Duration::from_secs(1)), None);

        // Nor in the older generation.
        for number in 0..MOST {
            remembered.remember(digest(&number.to_string()), &caller("others", expires_at));
        }
        assert_eq!(at(expires_at + LEEWAY + Duration::from_secs(1)), None);
        assert_eq!(at(now), None, "one that has run out is forgotten");
    }

    #[test]
    fn only_the_very_token_is_remembered() {
        let (remembered, now) = (Remembered::default(), SystemTime::now());
        let expires_at = now + Duration::from_mins(1);
        remembered.remember(digest("head.body.signature"), &caller("ana", expires_at));
        for other in [
            "head.body.signaturE",
            "head.body.",
            "head.body",
            "head.body.signature ",
        ] {
            assert_eq!(
                remembered.recall(&digest(other), now, LEEWAY),
                None,
                "{other}"
            );
        }
    }

    #[test]
    fn a_flood_of_others_is_bounded_and_drives_out_nobody_who_comes_again() {
        let (remembered, now) = (Remembered::default(), SystemTime::now());
        let expires_at = now + Duration::from_mins(1);
        let service = digest("the service's");
        remembered.remember(service, &caller("service", expires_at));
        for number in 0..10 * MOST {
            remembered.remember(digest(&number.to_string()), &caller("others", expires_at));
            if number % 100 == 0 {
                assert!(
                    remembered.recall(&service, now, LEEWAY).is_some(),
                    "{number}"
                );
            }
        }
        let generations = remembered.generations();
        assert!(generations.young.len() <= MOST && generations.old.len() <= MOST);
    }
}
