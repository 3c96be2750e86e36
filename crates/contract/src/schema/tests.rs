//! The documents hang together, and say what the types say.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{MESSAGES, asyncapi, events, messages};

fn references(value: &Value, into: &mut BTreeSet<String>) {
    if let Some(Value::String(target)) = value.get("$ref") {
        into.insert(target.clone());
    }
    if let Value::Object(fields) = value {
        for field in fields.values() {
            references(field, into);
        }
    }
    if let Value::Array(items) = value {
        for item in items {
            references(item, into);
        }
    }
}

#[track_caller]
fn assert_whole(document: &Value) {
    let mut all = BTreeSet::new();
    references(document, &mut all);
    assert!(!all.is_empty());
    for target in all {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{target} leads nowhere"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let events = events();
    let each = events.as_object().unwrap();
    assert_eq!(each.len(), 4);
    for event in each.values() {
        assert_whole(event);
    }
    assert_whole(&asyncapi());
}

#[test]
fn an_event_has_all_of_its_fields_and_no_others() {
    let events = events();
    let revoked = &events["UserScopeRevoked"];
    let required = json!([
        "account_id",
        "user_id",
        "epoch",
        "permissions",
        "reason",
        "revoked_by"
    ]);
    assert_eq!(revoked["required"], required);
    assert_eq!(revoked["additionalProperties"], false);
    let granted = &events["UserScopeGranted"];
    assert_eq!(
        granted["$defs"]["PermissionSet"]["additionalProperties"],
        false
    );
}

#[test]
fn each_query_says_what_it_is_refused_with() {
    let document = asyncapi();
    let refused = &document["components"]["messages"]["tokenError"]["payload"]["allOf"][1];
    let codes = refused["properties"]["code"]["enum"].as_array().unwrap();
    for code in ["not_permitted", "no_refresh_token", "consent_withdrawn"] {
        assert!(codes.contains(&code.into()), "{code}");
    }
    assert_eq!(
        document["operations"]["permissions"]["reply"]["messages"],
        json!([
            {"$ref": "#/channels/reply/messages/PermissionsAnswer"},
            {"$ref": "#/channels/reply/messages/permissionsError"},
        ])
    );
}

/// Whatever name there is for a subject is the address of a channel.
#[test]
fn every_subject_is_described() {
    use crate::names;
    let document = asyncapi();
    let channels = document["channels"].as_object().unwrap().values();
    let addresses: BTreeSet<_> = channels.filter_map(|one| one["address"].as_str()).collect();
    for subject in [
        names::APPENDED,
        names::TOKEN_GET,
        names::CUSTODY_STATUS,
        names::CUSTODY_DEPOSIT,
        names::CUSTODY_OVERVIEW,
        names::QUERY_PERMISSIONS,
        names::QUERY_LOGIN_STATE,
        names::QUERY_ACCOUNT,
        names::QUERY_USERS,
        names::QUERY_CHANGES,
        names::QUERY_BLOCKED,
        names::REPLICA_STATUS,
        names::COMMAND_RECORD_AUTOMATIC_GRANT,
        names::COMMAND_BEGIN_USER_CONSENT,
        names::COMMAND_BEGIN_CONNECTION,
        names::COMMAND_RECORD_WITHDRAWAL,
        names::COMMAND_VOID_MESSAGE,
    ] {
        assert!(addresses.contains(subject), "{subject}");
    }
    // Each request has an answer, and an error whose codes are listed.
    let operations = document["operations"].as_object().unwrap();
    for (name, operation) in operations {
        if operation["action"] != "receive" {
            continue;
        }
        let error =
            format!("/components/messages/{name}Error/payload/allOf/1/properties/code/enum");
        let codes = document.pointer(&error).and_then(Value::as_array);
        let codes = codes.unwrap();
        let each: BTreeSet<_> = codes.iter().filter_map(Value::as_str).collect();
        assert!(!each.is_empty() && each.len() == codes.len(), "{name}");
    }
}

#[test]
fn each_message_stands_alone() {
    let messages = messages();
    let names: Vec<_> = messages.as_object().unwrap().keys().collect();
    let mut expected = MESSAGES.to_vec();
    expected.sort_unstable();
    let sorted: BTreeSet<_> = names.iter().map(|name| name.as_str()).collect();
    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), expected);
    for (name, schema) in messages.as_object().unwrap() {
        let mut all = BTreeSet::new();
        references(schema, &mut all);
        for target in all {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{name}: {target}");
        }
        let is_asked = name.ends_with("Query") || name.ends_with("Request");
        assert_eq!(schema["additionalProperties"] == false, is_asked, "{name}");
    }
}
