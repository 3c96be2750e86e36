//! The rule by example, and held against a model: messages and pages in any order that the wire allows.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::assent::permissions::EmailLevel;

const CALENDAR: Permissions = Permissions {
    calendar: true,
    ..Permissions::NOTHING
};
const LOG: &str = "log";

fn change(account: &str, user: Option<&str>, effective: Permissions, sequence: u64) -> Change {
    Change {
        account_id: account.to_owned(),
        user_id: user.map(str::to_owned),
        effective: user.map(|_| effective),
        sequence,
        log: Some(LOG.to_owned()),
    }
}

fn ana(effective: Permissions, sequence: u64) -> Change {
    change("acme", Some("ana"), effective, sequence)
}

fn acme(sequence: u64) -> Change {
    change("acme", None, Permissions::NOTHING, sequence)
}

#[track_caller]
fn assert_permitted(changes: &[Change], expected: Permissions) {
    let mut known = KnownPermissions::new(LOG);
    for change in changes {
        known.apply_message(change).unwrap();
    }
    assert_eq!(known.permitted("acme", "ana"), expected, "{changes:?}");
}

#[test]
fn of_whom_nothing_was_heard_nothing_is_permitted() {
    assert_permitted(&[], Permissions::NOTHING);
    assert_permitted(
        &[change("acme", Some("ben"), CALENDAR, 1)],
        Permissions::NOTHING,
    );
}

#[test]
fn the_latest_counts_whenever_it_comes() {
    let (five, three) = (ana(CALENDAR, 5), ana(Permissions::EVERYTHING, 3));
    assert_permitted(&[five.clone(), three.clone()], CALENDAR);
    assert_permitted(&[three, five.clone()], CALENDAR);
    assert_permitted(&[five, ana(Permissions::NOTHING, 6)], Permissions::NOTHING);
}

#[test]
fn a_companys_change_ends_what_was_known_of_its_users_before() {
    let five = ana(CALENDAR, 5);
    assert_permitted(&[five.clone(), acme(7)], Permissions::NOTHING);
    assert_permitted(&[acme(7), five.clone()], Permissions::NOTHING);
    assert_permitted(&[acme(7), ana(CALENDAR, 7)], CALENDAR);
    assert_permitted(&[acme(7), ana(CALENDAR, 8), acme(4)], CALENDAR);
    assert_permitted(&[five, change("adatum", None, CALENDAR, 7)], CALENDAR);
}

#[test]
fn sequences_of_another_log_mean_nothing() {
    let mut known = KnownPermissions::new(LOG);
    known.apply_message(&ana(CALENDAR, 5)).unwrap();
    for log in [None, Some("another".to_owned())] {
        let off = Change {
            log,
            ..ana(Permissions::NOTHING, 1)
        };
        assert_eq!(known.apply_message(&off), Err(AnotherLog));
    }
}

#[test]
fn what_is_no_change_of_its_subject_is_not_read() {
    let of_ana = r#"{"account_id":"acme","user_id":"ana","method":"user_individual","new":1,
        "effective":{"calendar":true,"contacts":false,"email":"none"},"sequence":5,"log":"log"}"#;
    let read = Change::parse("consent.changes.v1.acme.user.ana", of_ana.as_bytes());
    assert_eq!(read, Some(ana(CALENDAR, 5)));
    let of_another = of_ana.replace("ana", "auth0|a.na");
    let subject = "consent.changes.v1.acme.user.auth0%7Ca%2Ena";
    assert!(Change::parse(subject, of_another.as_bytes()).is_some());
    for (subject, payload) in [
        ("consent.changes.v1.acme.user.ben", of_ana),
        ("consent.changes.v1.acme.company", of_ana),
        ("consent.changes.v1.acme.user.ana", "junk"),
        ("consent.changes.v1.acme.user.ana", "{}"),
        (
            "consent.changes.v1.acme.user.ana",
            r#"{"account_id":"acme","user_id":"ana"}"#,
        ),
    ] {
        assert_eq!(
            Change::parse(subject, payload.as_bytes()),
            None,
            "{subject}"
        );
    }
}

/// Something that happens to the log.
#[derive(Debug, Clone)]
enum Happens {
    Granted(usize, Permissions),
    /// Everybody in the company starts anew, or has no more than this.
    CompanyChanged(usize, Option<Permissions>),
    /// The log is set back by some events, and goes on under another name.
    SetBack(usize),
}

const USERS: [(&str, &str); 4] = [
    ("acme", "ana"),
    ("acme", "ben"),
    ("adatum", "dana"),
    ("adatum", "ed"),
];
const COMPANIES: [&str; 2] = ["acme", "adatum"];

fn meet(one: Permissions, other: Permissions) -> Permissions {
    Permissions {
        calendar: one.calendar && other.calendar,
        contacts: one.contacts && other.contacts,
        email: EmailLevel::None,
    }
}

/// What a projection knows as of an event.
#[derive(Debug, Clone)]
struct View {
    log: String,
    sequence: u64,
    granted: BTreeMap<usize, (Permissions, u64)>,
    caps: BTreeMap<usize, (Permissions, u64)>,
}

impl View {
    fn entries(&self) -> Vec<Change> {
        let companies = self.caps.iter().map(|(company, (_, last))| {
            change(COMPANIES[*company], None, Permissions::NOTHING, *last)
        });
        let users = self.granted.keys().map(|user| self.of_user(*user));
        companies.chain(users).collect()
    }

    fn of_user(&self, user: usize) -> Change {
        let (account, name) = USERS[user];
        let (granted, last) = self.granted[&user];
        let cap = self.caps.get(&(user / 2)).copied();
        let (cap, changed) = cap.unwrap_or((Permissions::EVERYTHING, 0));
        let effective = meet(granted, cap);
        Change {
            log: Some(self.log.clone()),
            ..change(account, Some(name), effective, last.max(changed))
        }
    }
}

/// What is told, one message after another, and what a projection that has got there knows.
fn told(happenings: &[Happens]) -> Vec<(Change, View)> {
    let mut history = vec![View {
        log: "log 0".to_owned(),
        sequence: 0,
        granted: BTreeMap::new(),
        caps: BTreeMap::new(),
    }];
    let mut told = Vec::new();
    for (number, happens) in happenings.iter().enumerate() {
        let mut view = history[history.len() - 1].clone();
        view.sequence += 1;
        let message = match happens {
            Happens::Granted(user, permissions) => {
                view.granted.insert(*user, (*permissions, view.sequence));
                Change {
                    sequence: view.sequence,
                    ..view.of_user(*user)
                }
            }
            Happens::CompanyChanged(company, cap) => {
                if cap.is_none() {
                    for (user, (granted, _)) in &mut view.granted {
                        if user / 2 == *company {
                            *granted = Permissions::NOTHING;
                        }
                    }
                }
                let cap = cap.unwrap_or(Permissions::EVERYTHING);
                view.caps.insert(*company, (cap, view.sequence));
                Change {
                    log: Some(view.log.clone()),
                    ..change(COMPANIES[*company], None, cap, view.sequence)
                }
            }
            Happens::SetBack(by) => {
                history.truncate((history.len() - 1).saturating_sub(*by).max(1));
                let log = format!("log {}", number + 1);
                for view in &mut history {
                    view.log.clone_from(&log);
                }
                // All that stands is told anew; and if nothing does, "nothing" is.
                let view = history[history.len() - 1].clone();
                let nothing = change("acme", Some("ghost"), Permissions::NOTHING, view.sequence);
                for entry in std::iter::once(nothing).chain(view.entries()) {
                    let entry = Change {
                        log: Some(log.clone()),
                        ..entry
                    };
                    told.push((entry, view.clone()));
                }
                continue;
            }
        };
        told.push((message, view.clone()));
        history.push(view);
    }
    told
}

/// Pages that are asked for one after another, while messages go on being told.
struct Pages {
    account: Option<String>,
    log: String,
    least: usize,
    after: usize,
    entries: Vec<Change>,
}

/// A worker on the wire: what was told to it and not taken yet, and what it asked for.
struct Wire<'a> {
    told: &'a [(Change, View)],
    now: usize,
    waiting: VecDeque<Change>,
    dice: VecDeque<usize>,
}

impl Wire<'_> {
    fn roll(&mut self, below: usize) -> usize {
        self.dice.pop_front().unwrap_or_default() % below
    }

    /// Some more is told.
    fn go_on(&mut self, most: usize) {
        for _ in 0..self.roll(most + 1) {
            if let Some((message, _)) = self.told.get(self.now) {
                self.waiting.push_back(message.clone());
                self.now += 1;
            }
        }
    }

    fn first_page(&self, account: Option<String>) -> Pages {
        Pages {
            account,
            log: self.view(self.now).log,
            least: self.now,
            after: 0,
            entries: Vec::new(),
        }
    }

    /// What a projection knows that has applied what the first so many messages tell.
    fn view(&self, messages: usize) -> View {
        match messages.checked_sub(1).and_then(|last| self.told.get(last)) {
            Some((_, view)) => view.clone(),
            None => View {
                log: "log 0".to_owned(),
                sequence: 0,
                granted: BTreeMap::new(),
                caps: BTreeMap::new(),
            },
        }
    }

    /// The next page, from any replica that has got far enough, lagging behind or ahead of what was
    /// told: `None` where its log is another one by now.
    fn next_page(&mut self, pages: &mut Pages) -> Option<bool> {
        let furthest = (self.now + 2).min(self.told.len());
        let at = pages.least + self.roll(furthest - pages.least + 1);
        let view = self.view(at);
        if view.log != pages.log {
            return None;
        }
        let all = view.entries();
        let of_account = |change: &&Change| {
            pages
                .account
                .as_ref()
                .is_none_or(|it| *it == change.account_id)
        };
        // In the order of their keys, which the model numbers.
        let key = |change: &Change| {
            let company = COMPANIES
                .iter()
                .position(|it| *it == change.account_id)
                .unwrap();
            match &change.user_id {
                None => 1 + company,
                Some(user) => 10 + USERS.iter().position(|it| it.1 == user).unwrap(),
            }
        };
        let mut rest: Vec<_> = all
            .iter()
            .filter(of_account)
            .filter(|it| pages.after < key(it))
            .collect();
        rest.sort_by_key(|it| key(it));
        let size = 1 + self.roll(2);
        let more = size < rest.len();
        for entry in rest.into_iter().take(size) {
            pages.after = key(entry);
            pages.entries.push(entry.clone());
        }
        Some(more)
    }

    fn all_pages(&mut self, account: Option<String>) -> Option<Pages> {
        let mut pages = self.first_page(account);
        loop {
            let more = self.next_page(&mut pages)?;
            self.go_on(2);
            if !more {
                return Some(pages);
            }
        }
    }
}

/// The worker as `sync_worker.rs` runs it.
fn work(told: &[(Change, View)], begins: usize, dice: Vec<usize>) -> KnownPermissions {
    let mut wire = Wire {
        told,
        now: begins.min(told.len()),
        waiting: VecDeque::new(),
        dice: dice.into(),
    };
    'anew: loop {
        wire.waiting.clear();
        let Some(pages) = wire.all_pages(None) else {
            continue;
        };
        let mut known = KnownPermissions::new(pages.log);
        pages
            .entries
            .iter()
            .for_each(|entry| known.apply_entry(entry));
        let mut asked: Vec<Pages> = Vec::new();
        loop {
            if let Some(message) = wire.waiting.pop_front() {
                if known.apply_message(&message).is_err() {
                    continue 'anew;
                }
                if message.user_id.is_none() {
                    asked.push(wire.first_page(Some(message.account_id)));
                }
            }
            let mut still_asked = Vec::new();
            for mut pages in asked {
                // An answer may be long in coming.
                if 0 < wire.roll(3) {
                    still_asked.push(pages);
                    continue;
                }
                match wire.next_page(&mut pages) {
                    Some(true) => still_asked.push(pages),
                    Some(false) if pages.log == known.log() => {
                        pages
                            .entries
                            .iter()
                            .for_each(|entry| known.apply_entry(entry));
                    }
                    Some(false) | None => continue 'anew,
                }
            }
            asked = still_asked;
            if wire.waiting.is_empty() && asked.is_empty() {
                if wire.now == told.len() {
                    return known;
                }
                wire.waiting.push_back(told[wire.now].0.clone());
                wire.now += 1;
            }
            wire.go_on(2);
        }
    }
}

fn permissions() -> impl Strategy<Value = Permissions> {
    (any::<bool>(), any::<bool>()).prop_map(|(calendar, contacts)| Permissions {
        calendar,
        contacts,
        email: EmailLevel::None,
    })
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (0..USERS.len(), permissions()).prop_map(|(user, to)| Happens::Granted(user, to)),
        3 => (0..COMPANIES.len(), proptest::option::of(permissions()))
            .prop_map(|(company, cap)| Happens::CompanyChanged(company, cap)),
        1 => (0..6_usize).prop_map(Happens::SetBack),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_first_it_ends_in_the_truth(
        happenings in proptest::collection::vec(happens(), 1..24),
        begins in 0..24_usize,
        dice in proptest::collection::vec(0..64_usize, 0..200),
    ) {
        let told = told(&happenings);
        let known = work(&told, begins, dice);
        if let Some((_, truth)) = told.last() {
            for (user, (account, name)) in USERS.into_iter().enumerate() {
                let expected = if truth.granted.contains_key(&user) {
                    truth.of_user(user).effective.unwrap()
                } else {
                    Permissions::NOTHING
                };
                prop_assert_eq!(known.permitted(account, name), expected, "{}", name);
            }
        }
    }
}
