use std::collections::BTreeSet;

use serde_json::Value;

use super::OPENAPI;

/// The document and the router are two files; this holds them together.
#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{method} {path}"))
        })
        .collect();

    let sources = [
        include_str!("../http.rs"),
        include_str!("../../../../crates/consent-pages/src/router.rs"),
    ];
    let squeezed: String = sources.concat().split_whitespace().collect();
    let routed: BTreeSet<String> = squeezed
        .split(".route(\"")
        .skip(1)
        .flat_map(|rest| {
            let (path, rest) = rest.split_once("\",").unwrap();
            let (handlers, _) = rest.split_once(".with_state").unwrap_or((rest, ""));
            let methods = ["get", "post", "put", "delete"];
            methods
                .into_iter()
                .filter(|method| {
                    handlers.starts_with(&format!("{method}("))
                        || handlers.contains(&format!(").{method}("))
                })
                .map(|method| format!("{method} {path}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(routed, described);
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            found.push(reference.to_owned());
        }
        let children: Vec<&Value> = match value {
            Value::Object(map) => map.values().collect(),
            Value::Array(list) => list.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for child in children {
            references(child, found);
        }
    }
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

/// A limit that an operation can reach is described, and no other: a client that handles what never comes is as wrong as
/// one that does not handle what does.
#[test]
fn what_may_be_too_much_is_described_where_it_can_be() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut limited = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(answer) = operation["responses"].get("429") else {
                continue;
            };
            limited.insert(format!("{method} {path}"));
            assert_eq!(
                answer["headers"]["Retry-After"]["schema"]["type"],
                "integer"
            );
            let is_page = answer["content"].get("text/html").is_some();
            let description = answer["description"].as_str().unwrap();
            assert_eq!(
                description.contains("too_many_requests"),
                !is_page,
                "{method} {path}"
            );
        }
    }
    let expected = [
        "delete /v1/accounts/{account}/users/{user}/grants/{permission}",
        "get /settings/account",
        "get /v1/accounts/{account}",
        "get /v1/accounts/{account}/users/{user}",
        "post /hand-off/{token}",
        "post /settings/account/administrator-links",
        "post /settings/account/another-microsoft-account",
        "post /settings/account/confirmation",
        "post /settings/account/permissions",
        "post /settings/company/administrator-consent",
        "post /settings/company/administrator-links",
        "post /settings/company/email-sync",
        "post /settings/company/method",
        "post /v1/accounts/{account}/admin-consents",
        "post /v1/accounts/{account}/hand-offs",
        "post /v1/accounts/{account}/users/{user}/grants",
        "post /v1/flows/{flow}/confirmation",
        "put /v1/accounts/{account}/authorization-method",
    ];
    assert_eq!(limited, expected.map(str::to_owned).into());
}
