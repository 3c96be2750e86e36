//! Queries, commands and their answers: round trips, and what is ignored or refused.

mod account_and_ids;
mod custody;
mod shapes;
mod versions;

use std::fmt::Debug;

use assent_contract::query::{AccountAnswer, AccountFacts, ConsentFacts, UserFacts};
use assent_contract::strict;
use assent_contract::values::{
    Cloud, EmailLevel, EmailSync, Identity, Method, Permission, PermissionSet, Tenant,
};
use assent_domain::account::AccountState;
use assent_domain::ids::{AccountId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

const SET: PermissionSet = PermissionSet {
    calendar: true,
    contacts: false,
    email: EmailLevel::Limited,
};
const ID: &str = "01999999-9999-7000-8000-000000000001";

fn account_id() -> AccountId {
    AccountId::parse("acme").unwrap()
}

fn user_id() -> UserId {
    UserId::parse("ana").unwrap()
}

fn id() -> Uuid {
    ID.parse().unwrap()
}

fn tenant() -> Tenant {
    Tenant {
        cloud: Cloud::Worldwide,
        id: id(),
    }
}

fn user_facts() -> UserFacts {
    UserFacts {
        epoch: 3,
        own: SET,
        automatic: SET,
        answered: Vec::from([Permission::Calendar, Permission::Email]),
        identity: Some(Identity {
            tenant: tenant(),
            object_id: id(),
        }),
        last_withdrawal: None,
        last_sequence: u64::MAX,
    }
}

fn account_facts() -> AccountFacts {
    AccountFacts {
        method: Method::AdminConfigured,
        email_sync: EmailSync::Full,
        epoch: u64::MAX,
        consent: Some(ConsentFacts {
            consent_id: id(),
            permissions: SET,
            tenant: tenant(),
            recorded_at: 6,
        }),
        last_sequence: 7,
    }
}

fn account() -> AccountAnswer {
    AccountAnswer {
        account_id: account_id(),
        facts: account_facts(),
        blocked: false,
        sequence: 9,
    }
}

fn default_account() -> AccountAnswer {
    AccountAnswer {
        facts: AccountFacts::from(&AccountState::default()),
        ..account()
    }
}

fn set() -> Value {
    json!({"calendar": true, "contacts": false, "email": "limited"})
}

fn allowed() -> Value {
    json!(["calendar", "email.send"])
}

/// The message is written as this JSON, and read from it.
#[track_caller]
fn assert_written_as<T>(message: &T, expected: &Value)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(&serde_json::to_value(message).unwrap(), expected);
    let text = serde_json::to_string(message).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message);
    assert_eq!(
        &serde_json::from_slice::<T>(text.as_bytes()).unwrap(),
        message
    );
}

/// As above; and read all the same with a field more in any of its objects.
#[track_caller]
fn assert_tolerant<T>(message: &T, expected: &Value)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_written_as(message, expected);
    for more in with_a_field_more(expected) {
        let text = more.to_string();
        assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message);
    }
}

/// As above; and refused with a field more, where it is read strictly.
#[track_caller]
fn assert_query<T>(query: &T, expected: &Value)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_tolerant(query, expected);
    let read = strict::from_slice::<T>(expected.to_string().as_bytes());
    assert_eq!(&read.unwrap(), query);
    for more in with_a_field_more(expected) {
        let read = strict::from_slice::<T>(more.to_string().as_bytes());
        assert!(read.is_err(), "{read:?} of {more}");
    }
}

/// The value as often as there are objects in it, each time with a field more in another one.
fn with_a_field_more(value: &Value) -> Vec<Value> {
    let put = |key: &dyn Fn(&mut Value) -> &mut Value, part: &Value| {
        with_a_field_more(part)
            .into_iter()
            .map(|part| {
                let mut whole = value.clone();
                *key(&mut whole) = part;
                whole
            })
            .collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    match value {
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("unheard_of".to_owned(), json!({"of": ["x"]}));
            found.push(Value::Object(more));
            for (name, part) in fields {
                found.extend(put(&|whole| &mut whole[name.as_str()], part));
            }
        }
        Value::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                found.extend(put(&|whole| &mut whole[index], part));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}
