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

    let source = include_str!("../http.rs");
    let squeezed: String = source.split_whitespace().collect();
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
