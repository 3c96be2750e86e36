//! The description says what the router does.

use std::collections::BTreeSet;

use assent_contract::values::{EmailLevel, Method};
use serde_json::Value;

use super::{OPENAPI, routes};
use crate::answer::{Reason, Verdict};

fn description() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

fn words(value: &Value) -> BTreeSet<&str> {
    let words = value.as_array().unwrap();
    words.iter().filter_map(Value::as_str).collect()
}

#[test]
fn every_path_is_described_and_no_other() {
    let description = description();
    assert_eq!(description["openapi"], "3.1.0");
    let described: BTreeSet<&str> = description["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let routed: BTreeSet<&str> = routes().iter().map(|(path, _)| *path).collect();
    assert_eq!(described, routed);
}

#[test]
fn every_word_of_an_answer_is_described_and_no_other() {
    let description = description();
    let schemas = &description["components"]["schemas"];
    let properties = &schemas["LoginDecision"]["properties"];
    let verdicts: BTreeSet<&str> = Verdict::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words(&properties["decision"]["enum"]), verdicts);
    let reasons: BTreeSet<&str> = Reason::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words(&properties["reason"]["enum"]), reasons);
    let methods = [Method::UserIndividual, Method::AdminConfigured].map(Method::as_str);
    assert_eq!(
        words(&properties["method"]["enum"]),
        BTreeSet::from(methods)
    );
    let levels = [EmailLevel::None, EmailLevel::Limited, EmailLevel::Full].map(EmailLevel::as_str);
    assert_eq!(
        words(&schemas["PermissionSet"]["properties"]["email"]["enum"]),
        BTreeSet::from(levels)
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn follow(whole: &Value, part: &Value) {
        if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(whole.pointer(pointer).is_some(), "{reference}");
        }
        let of_object = part
            .as_object()
            .into_iter()
            .flat_map(|parts| parts.values());
        let of_array = part.as_array().into_iter().flatten();
        for part in of_object.chain(of_array) {
            follow(whole, part);
        }
    }
    let description = description();
    follow(&description, &description);
}
