//! The documents hang together, and say what the types say.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{asyncapi, events};

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
