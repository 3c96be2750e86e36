//! A version 2 of an event beside version 1, as README.md says it is added: a newer reader reads a log of both, an older one
//! loses the one account or user of whom there is a newer event, and nobody else.

use std::collections::BTreeMap;

use assent_contract::codec::{DecodedEvent, Unreadable};
use assent_contract::event_hash::EventHash;
use assent_domain::event::{Aggregate, Event};
use assent_domain::ids::{AccountId, Sequence, UserId};
use assent_domain::permissions::{EmailLevel, PermissionSet};
use assent_domain::user::UserState;
use serde::Deserialize;
use serde_json::json;

use crate::stored::Stored;

const VERSION_1: &str = "assent.consent.UserScopeRevoked.v1";
const VERSION_2: &str = "assent.consent.UserScopeRevoked.v2";

/// What a version 2 might be: each permission by itself, and no list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserScopeRevokedV2 {
    account_id: String,
    user_id: String,
    epoch: u64,
    revoked: Revoked,
    reason: String,
    revoked_by: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    calendar: bool,
    contacts: bool,
    email: bool,
}

/// Today's reader.
fn older(stored: &Stored) -> Result<DecodedEvent, Unreadable> {
    stored.read()
}

/// The reader of the release that comes first: it knows both, and makes one event of the domain of either.
fn newer(stored: &Stored) -> Result<DecodedEvent, Unreadable> {
    if stored.headers["ce-type"] != VERSION_2 {
        return older(stored);
    }
    let body: UserScopeRevokedV2 = serde_json::from_str(&stored.body).map_err(Unreadable::Body)?;
    let Revoked {
        calendar,
        contacts,
        email,
    } = body.revoked;
    let named = [
        (calendar, "calendar"),
        (contacts, "contacts"),
        (email, "email"),
    ];
    let permissions: Vec<_> = named
        .into_iter()
        .filter_map(|(is_named, name)| is_named.then_some(name))
        .collect();
    let as_version_1 = json!({
        "account_id": body.account_id, "user_id": body.user_id, "epoch": body.epoch,
        "permissions": permissions, "reason": body.reason, "revoked_by": body.revoked_by,
    });
    let mut stored = stored.clone().with_header("ce-type", VERSION_1);
    stored.body = as_version_1.to_string();
    older(&stored)
}

fn hash(stored: &Stored) -> EventHash {
    let headers = stored
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    EventHash::compute(&stored.subject, headers, stored.body.as_bytes())
}

/// An event of the fixtures, of another user.
fn of(name: &str, user: &str) -> Stored {
    let mut stored = Stored::fixture(name);
    stored.subject = format!("consent.events.v1.acme.user.{user}");
    stored.body = stored
        .body
        .replace("\"user_id\":\"ana\"", &format!("\"user_id\":\"{user}\""));
    stored.with_header("ce-subject", &format!("accounts/acme/users/{user}"))
}

/// A revocation of the calendar as the next release writes it.
fn revoked_by_version_2(user: &str) -> Stored {
    let mut stored = of("user_scope_revoked_by_user", user).with_header("ce-type", VERSION_2);
    stored.body = json!({
        "account_id": "acme", "user_id": user, "epoch": 3, "reason": "user_revoked", "revoked_by": user,
        "revoked": {"calendar": true, "contacts": false, "email": false},
    })
    .to_string();
    stored
}

/// A log in its order, each event naming the one before it on its subject.
fn chained(log: Vec<Stored>) -> Vec<Stored> {
    let mut last = BTreeMap::new();
    let chained = log.into_iter().map(|stored| {
        let before = last.get(&stored.subject).copied();
        let before = before.unwrap_or(EventHash::NONE).to_string();
        let stored = stored.with_header("ce-prevhash", &before);
        last.insert(stored.subject.clone(), hash(&stored));
        stored
    });
    chained.collect()
}

/// What a reader comes to of each user: `Err` with the first event that it can't believe.
fn folded(
    log: &[Stored],
    read: fn(&Stored) -> Result<DecodedEvent, Unreadable>,
) -> BTreeMap<String, Result<UserState, usize>> {
    let mut users: BTreeMap<String, Result<UserState, usize>> = BTreeMap::new();
    for (at, stored) in log.iter().enumerate() {
        let state = users
            .entry(stored.subject.clone())
            .or_insert(Ok(UserState::default()));
        let Ok(known) = state.clone() else { continue };
        let sequence = Sequence(u64::try_from(at).unwrap() + 1);
        *state = match read(stored) {
            Ok(decoded) => known.evolve(sequence, &decoded.event).map_err(|_| at),
            Err(_) => Err(at),
        };
    }
    users
}

fn subject_of(user: &str) -> String {
    format!("consent.events.v1.acme.user.{user}")
}

fn old_log() -> Vec<Stored> {
    vec![
        of("user_scope_granted_by_user", "ana"),
        of("user_scope_granted_by_user", "ben"),
        of("user_scope_revoked_by_user", "ben"),
        of("user_scope_granted_by_user", "zoe"),
    ]
}

#[test]
fn an_old_log_is_read_by_the_newer_contract_as_it_always_was() {
    let log = chained(old_log());
    assert!(log.iter().all(|stored| older(stored).is_ok()));
    assert_eq!(folded(&log, newer), folded(&log, older));
    // Nor does any event of version 1 that there ever was read otherwise.
    for (name, expected) in crate::fixtures::expected::all() {
        assert_eq!(newer(&Stored::fixture(name)).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_newer_reader_goes_on_and_an_older_one_loses_that_user_alone() {
    let mut log = old_log();
    let at = log.len();
    log.push(revoked_by_version_2("ana"));
    log.push(of("user_scope_revoked_by_user", "zoe"));
    log.push(of("user_scope_granted_by_user", "ana"));
    let log = chained(log);

    let (by_newer, by_older) = (folded(&log, newer), folded(&log, older));
    assert!(by_newer.values().all(Result::is_ok), "{by_newer:?}");
    // She is blocked from the newer event on, what is of version 1 after it included.
    assert_eq!(by_older[&subject_of("ana")], Err(at));
    for user in ["ben", "zoe"] {
        let subject = subject_of(user);
        assert_eq!(by_older[&subject], by_newer[&subject], "{user}");
        assert!(by_older[&subject].is_ok(), "{user}");
    }
    // The older reader says which type it does not know: what an operator is told, and no voiding helps against.
    let why = older(&log[at]).unwrap_err();
    assert!(
        matches!(&why, Unreadable::UnknownType(unknown) if unknown == VERSION_2),
        "{why}"
    );
    // The chain is of what is stored: it goes on over an event that the reader does not know.
    let after = &log[at + 2];
    assert_eq!(after.headers["ce-prevhash"], hash(&log[at]).to_string());
}

#[test]
fn both_versions_are_one_event_of_the_domain() {
    let version_1 =
        of("user_scope_revoked_by_user", "ana").with_body("[\"email\"]", "[\"calendar\"]");
    let [one, two] = [version_1, revoked_by_version_2("ana")].map(|stored| newer(&stored).unwrap());
    assert_eq!(one.event, two.event);
    let Event::UserScopeRevoked(revoked) = two.event else {
        panic!("it is a revocation");
    };
    assert!(revoked.permissions.calendar && !revoked.permissions.email);
    let ana = UserId::parse("ana").unwrap();
    let acme = AccountId::parse("acme").unwrap();
    assert_eq!(
        Event::UserScopeRevoked(revoked).aggregate(),
        Aggregate::User(acme, ana)
    );
}

#[test]
fn the_newer_version_is_read_as_strictly() {
    let stored = revoked_by_version_2("ana");
    for (part, otherwise) in [
        ("\"contacts\":false", "\"contacts\":false,\"tasks\":true"),
        ("\"reason\":\"user_revoked\"", "\"reason\":\"a new one\""),
        ("\"epoch\":3", "\"epoch\":3,\"more\":1"),
        ("\"calendar\":true,", ""),
    ] {
        let changed = stored.clone().with_body(part, otherwise);
        assert!(newer(&changed).is_err(), "{otherwise}");
    }
    let user = newer(&stored).unwrap().event;
    let UserState { own, .. } = UserState::default().evolve(Sequence(1), &user).unwrap();
    assert_eq!(own.email, EmailLevel::None);
    assert_eq!(own, PermissionSet::NOTHING);
}
