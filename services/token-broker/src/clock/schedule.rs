//! Whose turn it is when. Pure: the time is given.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Again, Counted};
use crate::user_key::UserKey;

/// How much later than its moment a turn is taken at the most, so that several brokers do not all come at once: a part of
/// the period.
const LATER: u32 = 10;

/// The turns of all that is held.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The period, short enough that a turn that is taken late comes within what is promised.
    every: i64,
    later: u64,
    turns: BTreeSet<(i64, UserKey)>,
    users: HashMap<UserKey, Entry>,
    /// Who is being tried.
    under_way: HashSet<UserKey>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tenant: Uuid,
    due: i64,
}

/// Somebody's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) whose: UserKey,
    pub(super) tenant: Uuid,
    /// The moment: whoever was tried since has no need of it.
    pub(super) since: Timestamp,
}

impl Schedule {
    /// Everybody within `every`.
    pub(super) fn new(every: Duration) -> Self {
        let later = every / LATER;
        let milliseconds =
            |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1);
        Self {
            every: milliseconds(every.saturating_sub(later)),
            later: milliseconds(later).unsigned_abs(),
            turns: BTreeSet::new(),
            users: HashMap::new(),
            under_way: HashSet::new(),
        }
    }

    /// Takes in all that is held.
    pub(super) fn take_count(&mut self, counted: Vec<Counted>, now: Timestamp) {
        let mut gone: HashSet<UserKey> = self.users.keys().cloned().collect();
        for Counted {
            whose,
            tenant,
            verified_at,
        } in counted
        {
            gone.remove(&whose);
            if self.under_way.contains(&whose) {
                continue;
            }
            let moment = self.last_moment(&whose, now);
            let is_due = verified_at.as_millisecond() < moment;
            match self.users.get(&whose) {
                // It was put off, or its turn is to come.
                Some(entry) if is_due || now.as_millisecond() < entry.due => {}
                Some(_) | None => {
                    let due = if is_due { moment } else { moment + self.every };
                    self.put(whose, tenant, due.saturating_add(self.chance()));
                }
            }
        }
        for whose in gone {
            self.remove(&whose);
        }
    }

    /// The next turn, or how long there is none.
    pub(super) fn pop(&mut self, now: Timestamp) -> Result<Turn, Duration> {
        let now_ms = now.as_millisecond();
        let Some((due, _)) = self.turns.first() else {
            return Err(Duration::MAX);
        };
        if now_ms < *due {
            return Err(Duration::from_millis((due - now_ms).unsigned_abs()));
        }
        let Some((_, whose)) = self.turns.pop_first() else {
            return Err(Duration::MAX);
        };
        let tenant = self
            .users
            .get(&whose)
            .map(|entry| entry.tenant)
            .unwrap_or_default();
        let since = Timestamp::from_millisecond(self.last_moment(&whose, now)).unwrap_or(now);
        self.under_way.insert(whose.clone());
        Ok(Turn {
            whose,
            tenant,
            since,
        })
    }

    /// There is no budget for it now.
    pub(super) fn put_off(&mut self, turn: Turn, wait: Duration, now: Timestamp) {
        self.under_way.remove(&turn.whose);
        self.put(turn.whose, turn.tenant, later(now, wait));
    }

    /// Somebody was tried.
    pub(super) fn tried(&mut self, whose: UserKey, tenant: Uuid, again: Again, now: Timestamp) {
        self.under_way.remove(&whose);
        match again {
            Again::Never => self.remove(&whose),
            Again::NextTurn => {
                let due = self.last_moment(&whose, now) + self.every;
                let chance = self.chance();
                self.put(whose, tenant, due.saturating_add(chance));
            }
            Again::After(wait) => self.put(whose, tenant, later(now, wait)),
        }
    }

    fn put(&mut self, whose: UserKey, tenant: Uuid, due: i64) {
        let before = self.users.insert(whose.clone(), Entry { tenant, due });
        if let Some(before) = before {
            self.turns.remove(&(before.due, whose.clone()));
        }
        self.turns.insert((due, whose));
    }

    fn remove(&mut self, whose: &UserKey) {
        if self.under_way.contains(whose) {
            return;
        }
        if let Some(entry) = self.users.remove(whose) {
            self.turns.remove(&(entry.due, whose.clone()));
        }
    }

    /// The last moment that was this user's.
    fn last_moment(&self, whose: &UserKey, now: Timestamp) -> i64 {
        let every = self.every;
        let phase = i64::try_from(whose.spread() % every.unsigned_abs()).unwrap_or_default();
        let now = now.as_millisecond();
        now - (now - phase).rem_euclid(every)
    }

    /// How much later than its moment a turn is taken.
    fn chance(&self) -> i64 {
        i64::try_from(rand::random::<u64>() % self.later).unwrap_or_default()
    }
}

fn later(now: Timestamp, wait: Duration) -> i64 {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    now.checked_add(wait)
        .unwrap_or(Timestamp::MAX)
        .as_millisecond()
}

#[cfg(test)]
mod tests {
    use assent_domain::ids::{AccountId, UserId};

    use super::*;

    const EVERY: Duration = Duration::from_hours(1);

    fn user(number: usize) -> UserKey {
        UserKey {
            account: AccountId::parse("acme").unwrap(),
            user: UserId::parse(&format!("user-{number}")).unwrap(),
        }
    }

    fn counted(number: usize, verified_at: Timestamp) -> Counted {
        Counted {
            whose: user(number),
            tenant: Uuid::nil(),
            verified_at,
        }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
    }

    /// Everybody is tried within the period, time and again, and in every minute about as many as in any other.
    #[test]
    fn everybody_has_a_turn_in_each_period_and_turns_are_spread() {
        const USERS: usize = 1_500;
        let mut schedule = Schedule::new(EVERY);
        let mut verified = vec![at(0); USERS];
        let count = |verified: &[Timestamp]| {
            let all = verified.iter().enumerate();
            all.map(|(number, at)| counted(number, *at))
                .collect::<Vec<_>>()
        };
        schedule.take_count(count(&verified), at(0));
        let numbers: HashMap<UserKey, usize> = (0..USERS).map(|n| (user(n), n)).collect();
        let mut tried_in_minute = Vec::new();
        for minute in 1..=240 {
            let now = at(minute);
            let mut tried = 0;
            while let Ok(turn) = schedule.pop(now) {
                let number = numbers[&turn.whose];
                assert!(verified[number] < turn.since, "tried for nothing");
                let waited = now.duration_since(verified[number]);
                assert!(waited <= SignedDuration::from_mins(61), "{waited}");
                verified[number] = now;
                tried += 1;
                schedule.tried(turn.whose, turn.tenant, Again::NextTurn, now);
            }
            tried_in_minute.push(tried);
            if minute % 15 == 0 {
                schedule.take_count(count(&verified), now);
            }
        }
        let busiest = tried_in_minute.iter().skip(60).max().unwrap();
        let idlest = tried_in_minute.iter().skip(60).min().unwrap();
        assert!(*idlest > 8 && *busiest < 60, "{idlest} to {busiest}");
    }

    #[test]
    fn two_brokers_share_the_turns_and_what_syncs_has_none() {
        let (mut one, mut other) = (Schedule::new(EVERY), Schedule::new(EVERY));
        let now = at(0);
        // Just tried, by a worker who wanted a token.
        one.take_count(vec![counted(1, now)], now);
        assert!(one.pop(now).is_err());
        // Tried long ago: both take the turn, and whoever looks second sees that it was taken.
        let long_ago = at(-200);
        one.take_count(vec![counted(1, now), counted(2, long_ago)], now);
        other.take_count(vec![counted(2, long_ago)], now);
        let later = at(6);
        let (first, second) = (one.pop(later).unwrap(), other.pop(later).unwrap());
        assert_eq!(first, second);
        assert!(first.since <= later);
    }

    #[test]
    fn who_is_gone_has_no_turn_and_who_is_put_off_comes_again() {
        let mut schedule = Schedule::new(EVERY);
        let (now, long_ago) = (at(0), at(-200));
        schedule.take_count(vec![counted(1, long_ago), counted(2, long_ago)], now);
        schedule.take_count(vec![counted(1, long_ago)], now);
        let turn = schedule.pop(at(6)).unwrap();
        assert_eq!(turn.whose, user(1));
        assert_eq!(schedule.pop(at(6)), Err(Duration::MAX));
        schedule.put_off(turn, Duration::from_secs(90), at(6));
        assert_eq!(schedule.pop(at(7)), Err(Duration::from_secs(30)));
        let turn = schedule.pop(at(8)).unwrap();
        schedule.tried(turn.whose, turn.tenant, Again::Never, at(8));
        assert_eq!(schedule.pop(at(300)), Err(Duration::MAX));
    }
}
