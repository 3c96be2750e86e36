//! Services of two versions beside one another: what is new is ignored, and where it must not be, refused.

use assent_contract::command::{BeginUserConsent, MessageVoided, UserConsentBegun, VoidMessage};
use assent_contract::event_hash::EventHash;
use assent_contract::operation::VoidRecord;
use assent_contract::query::{
    AggregateId, BlockedEntry, BlockedPage, BlockedQuery, LastEvents, UserFacts,
};
use assent_contract::values::Permission;
use assent_domain::ids::Sequence;
use assent_domain::user::UserState;
use serde_json::json;

use super::{
    ID, account_id, assert_query, assert_tolerant, assert_written_as, user_facts, user_id,
    with_a_field_more,
};

#[test]
fn what_is_asked_and_answered_of_those_who_are_blocked() {
    let ana = AggregateId {
        account_id: account_id(),
        user_id: Some(user_id()),
    };
    let written = json!({"account_id": "acme", "user_id": "ana"});
    assert_query(
        &BlockedQuery {
            after: Some(ana.clone()),
            limit: Some(7),
            at_least: Some(5),
        },
        &json!({"after": written, "limit": 7, "at_least": 5}),
    );
    assert_query(&BlockedQuery::default(), &json!({}));
    assert_tolerant(
        &BlockedPage {
            blocked: Vec::from([BlockedEntry {
                held: false,
                whose: ana.clone(),
                since: 3,
            }]),
            next: Some(AggregateId {
                user_id: None,
                ..ana
            }),
            total: 2,
            orphans: 1,
            sequence: 9,
        },
        &json!({
            "blocked": [{"whose": written, "since": 3}], "next": {"account_id": "acme"},
            "total": 2, "orphans": 1, "sequence": 9,
        }),
    );
}

/// Half of what an operator says may be the wrong half.
#[test]
fn an_operators_command_is_understood_as_a_whole_or_refused() {
    let command = VoidMessage {
        sequence: 7,
        reason: "an answer of the server's".to_owned(),
        operator: Some("kim".to_owned()),
    };
    let written = json!({"sequence": 7, "reason": "an answer of the server's", "operator": "kim"});
    assert_written_as(&command, &written);
    for more in with_a_field_more(&written) {
        assert!(serde_json::from_value::<VoidMessage>(more).is_err());
    }
}

/// The record is read strictly where it lies in the log, and tolerantly where an answer shows it.
#[test]
fn the_answer_to_an_operator() {
    let hash = EventHash::from([0xab; 32]);
    assert_tolerant(
        &MessageVoided {
            record: VoidRecord {
                log: "2026-11-23T10:00:00Z".to_owned(),
                sequence: 7,
                subject: "consent.events.v1.acme.company".to_owned(),
                hash,
                reason: "an answer of the server's".to_owned(),
                recorded_at: "2026-11-24T09:30:00Z".parse().unwrap(),
                operator: "kim".to_owned(),
            },
            already: false,
        },
        &json!({
            "record": {
                "log": "2026-11-23T10:00:00Z", "sequence": 7, "hash": hash.to_string(),
                "subject": "consent.events.v1.acme.company", "operator": "kim",
                "reason": "an answer of the server's", "recorded_at": "2026-11-24T09:30:00Z",
            },
            "already": false,
        }),
    );
}

/// A program that has never heard of a kind of permission does without it, and has all the rest.
#[test]
fn a_kind_of_permission_that_is_new_is_left_out_of_lists() {
    let kinds = json!(["calendar", "tasks", "email"]);
    let known = [Permission::Calendar, Permission::Email];
    let mut user = serde_json::to_value(user_facts()).unwrap();
    user["answered"] = kinds.clone();
    let user: UserFacts = serde_json::from_value(user).unwrap();
    assert_eq!(user.answered, known);
    let command = json!({"account_id": "acme", "user_id": "ana", "permissions": kinds});
    let command: BeginUserConsent = serde_json::from_value(command).unwrap();
    assert_eq!(command.permissions, known);
    let begun: UserConsentBegun = serde_json::from_value(json!({
        "flow_id": ID, "authorize_url": "https://login.example/authorize",
        "expires_at": "2026-11-24T00:10:00Z", "permissions": kinds, "needs_approval": ["tasks"],
    }))
    .unwrap();
    assert_eq!(
        (begun.permissions.as_slice(), begun.needs_approval),
        (&known[..], Vec::new())
    );
}

/// What was withdrawn is a field more of a user's state, and absent for nearly everybody: a program that reads it and one
/// that has never heard of it understand one another.
#[test]
fn a_user_of_whom_something_was_withdrawn() {
    let mut user = serde_json::to_value(user_facts()).unwrap();
    assert!(user.get("last_withdrawal").is_none());
    user["last_withdrawal"] = json!({"calendar": 0, "contacts": 7, "email": 9});
    let facts: UserFacts = serde_json::from_value(user.clone()).unwrap();
    let state = UserState::from(&facts);
    let last = LastEvents {
        calendar: 0,
        contacts: 7,
        email: 9,
    };
    assert_eq!(facts.last_withdrawal, Some(last));
    assert_eq!(state.last_withdrawal.contacts, Sequence(7));
    assert_eq!(serde_json::to_value(UserFacts::from(&state)).unwrap(), user);
}

/// Neither is a value that is new taken for another one: the whole message can't be read.
#[test]
fn a_value_that_is_new_is_taken_for_no_other() {
    let written = json!({"calendar": true, "contacts": false, "email": "read_only"});
    let mut user = serde_json::to_value(user_facts()).unwrap();
    user["own"] = written;
    assert!(serde_json::from_value::<UserFacts>(user).is_err());
}

/// Every type of a message, so that none is forgotten here.
#[test]
fn each_type_of_a_message_is_among_these_tests() {
    let sources = [
        include_str!("../../../src/query.rs"),
        include_str!("../../../src/command.rs"),
        include_str!("../../../src/change.rs"),
        include_str!("../../../src/custody.rs"),
    ];
    let tests = [
        include_str!("shapes.rs"),
        include_str!("custody.rs"),
        include_str!("versions.rs"),
        include_str!("account_and_ids.rs"),
        include_str!("../messages.rs"),
    ]
    .concat();
    let types = sources.iter().flat_map(|source| {
        let lines: Vec<_> = source.lines().collect();
        let declared = lines.windows(2).filter_map(|pair| match pair {
            [attributes, declaration]
                if attributes.contains("Deserialize") || attributes.starts_with("#[serde(") =>
            {
                declaration.strip_prefix("pub struct ")
            }
            _ => None,
        });
        declared
            .map(|rest| rest.split([' ', '(']).next().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    let mut number = 0;
    for name in types {
        number += 1;
        assert!(
            tests.contains(&format!("{name} {{")) || tests.contains(&format!("{name}(")),
            "{name} is in no test"
        );
    }
    assert!(number >= 20, "{number} types were found");
}
