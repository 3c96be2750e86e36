use std::time::Duration;

use assent_domain::ids::{AccountId, UserId};
use governor::clock::FakeRelativeClock;
use proptest::prelude::*;
use uuid::Uuid;

use super::rate::MOST_KEYS;
use super::{Limit, Limited, Limits, WAITS};

fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn limits() -> (Limits<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (Limits::with_clock(clock.clone()), clock)
}

/// How many go through before one is refused, and the refusal.
fn until_refused(mut ask: impl FnMut() -> Result<(), Limited>) -> (usize, Limited) {
    for number in 0..10_000 {
        if let Err(limited) = ask() {
            return (number, limited);
        }
    }
    panic!("nothing is refused");
}

/// What is asked, by whom, how often, and after how long it is possible once more.
type Row = (
    Limit,
    fn(&Limits<FakeRelativeClock>, &str, &str) -> Result<(), Limited>,
    usize,
    u64,
);

const ROWS: [Row; 5] = [
    (
        Limit::Starts,
        |limits, acme, ana| limits.start(&account(acme), &user(ana)),
        60,
        1_000,
    ),
    (
        Limit::LinkStarts,
        |limits, acme, ana| {
            let link = Uuid::from_u128(ana.len().try_into().unwrap());
            limits.start_through_link(&account(acme), link)
        },
        300,
        500,
    ),
    (
        Limit::Lookups,
        |limits, acme, _| limits.look_up(&account(acme)),
        30,
        2_000,
    ),
    (
        Limit::Writes,
        |limits, acme, _| limits.write(&account(acme)),
        1_000,
        20,
    ),
    (
        Limit::Revocations,
        |limits, acme, ana| limits.revoke(&account(acme), &user(ana)),
        100,
        200,
    ),
];

#[test]
fn each_limit_holds_tells_when_to_come_back_and_ends() {
    for (limit, ask, burst, step) in ROWS {
        let (limits, clock) = limits();
        let (went_through, limited) = until_refused(|| ask(&limits, "acme", "ana"));
        assert_eq!((limited.limit, went_through), (limit, burst));
        assert!(
            limited.retry_after <= Duration::from_millis(step),
            "{limited:?}"
        );
        clock.advance(limited.retry_after);
        assert_eq!(ask(&limits, "acme", "ana"), Ok(()), "{limit:?}");
        assert!(ask(&limits, "acme", "ana").is_err(), "{limit:?}");
        // After a long time there is all of it again, and no more.
        clock.advance(Duration::from_hours(24));
        let (again, _) = until_refused(|| ask(&limits, "acme", "ana"));
        assert_eq!(again, burst, "{limit:?}");
    }
}

#[test]
fn one_users_or_accounts_flood_is_nobody_elses() {
    for (limit, ask, _, _) in ROWS {
        let (limits, _clock) = limits();
        until_refused(|| ask(&limits, "acme", "ana"));
        assert_eq!(ask(&limits, "other", "ana"), Ok(()), "{limit:?}");
        let by_account = matches!(limit, Limit::Lookups | Limit::Writes);
        assert_eq!(
            ask(&limits, "acme", "benjamin").is_err(),
            by_account,
            "{limit:?}"
        );
    }
}

#[test]
fn a_no_is_not_refused_because_the_account_is_flooded() {
    let (limits, _clock) = limits();
    until_refused(|| limits.write(&account("acme")));
    until_refused(|| limits.revoke(&account("acme"), &user("mallory")));
    assert_eq!(limits.revoke(&account("acme"), &user("ana")), Ok(()));
}

#[test]
fn the_memory_is_bounded_and_forgets_whoever_has_been_quiet() {
    let (limits, clock) = limits();
    let someone = |number: usize| user(&format!("u{number}"));
    for number in 0..MOST_KEYS + 5_000 {
        limits.start(&account("acme"), &someone(number)).unwrap();
    }
    assert_eq!(limits.starts.keys(), MOST_KEYS);
    clock.advance(Duration::from_mins(2));
    for number in 0..2_000 {
        limits.start(&account("other"), &someone(number)).unwrap();
    }
    assert!(limits.starts.keys() <= 2_000, "{}", limits.starts.keys());
    // They are counted once more.
    until_refused(|| limits.start(&account("acme"), &user("ana")));
}

#[test]
fn waits_are_counted_while_they_last() {
    let (limits, _clock) = limits();
    let acme = account("acme");
    let waiting: Vec<_> = (0..WAITS).map(|_| limits.wait(&acme).unwrap()).collect();
    let limited = limits.wait(&acme).unwrap_err();
    assert_eq!(limited.limit, Limit::Waits);
    assert!(limits.wait(&account("other")).is_ok());
    drop(waiting);
    assert!(limits.wait(&acme).is_ok());
    assert_eq!(limits.waits.accounts(), 0);
}

proptest! {
    /// Whatever the pattern of calls, an account writes at most its burst and fifty a second.
    #[test]
    fn no_pattern_of_calls_gets_more_than_the_rate(pauses in prop::collection::vec(0_u64..200, 1..4_000)) {
        let (limits, clock) = limits();
        let (mut written, mut passed) = (0_u64, 0_u64);
        for pause in pauses {
            clock.advance(Duration::from_millis(pause));
            passed += pause;
            written += u64::from(limits.write(&account("acme")).is_ok());
        }
        prop_assert!(written <= 1_000 + passed * 50 / 1_000 + 1, "{written} in {passed} ms");
    }
}
