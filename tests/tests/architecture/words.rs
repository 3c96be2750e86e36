//! Every word that a program answers or logs is in `assent_contract::words`, with its meaning, and none is there that nobody
//! says.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use anyhow::{Context, ensure};
use assent_contract::meaning::Meaning;
use assent_contract::words::{self, OperatorAlarm, SecurityEvent};
use serde_json::Value;

const SERVICES: [&str; 4] = [
    "consent-gateway",
    "login-hook",
    "projection",
    "token-broker",
];

/// The log's words, and where they are listed.
const LIST: &str = "crates/contract/src/words/alarms.rs";

/// What stands behind `field = ` in a source: a literal, or an expression.
fn values<'a>(source: &'a str, field: &'a str) -> impl Iterator<Item = &'a str> {
    let assignments = source.split(field).skip(1);
    assignments.filter_map(|rest| {
        let value = rest.strip_prefix(" = ")?;
        value.split([',', '\n', ';']).next()
    })
}

/// What the sources say, and say of words that are not listed.
struct Said {
    words: BTreeSet<String>,
    untyped: BTreeSet<String>,
}

fn said(field: &str, kind: &str) -> anyhow::Result<Said> {
    let metadata = crate::metadata()?;
    let root = metadata.workspace_root.as_path();
    let path_to = format!("{kind}::");
    let mut said = Said {
        words: BTreeSet::new(),
        untyped: BTreeSet::new(),
    };
    for path in crate::sources(&metadata)? {
        let inside = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if !inside.contains("/src/") || inside == LIST {
            continue;
        }
        let source = std::fs::read_to_string(&path)?;
        for value in values(&source, field) {
            match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
                Some(word) => said.words.extend([word.to_owned()]),
                None if value.ends_with(".as_str()") => {}
                None => said.untyped.extend([format!("{inside}: {value}")]),
            }
        }
        let variants = source.split(&path_to).skip(1);
        let variants =
            variants.filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next());
        said.words.extend(variants.map(str::to_owned));
    }
    Ok(said)
}

fn hold<T: Copy + Debug>(
    field: &str,
    kind: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> anyhow::Result<()> {
    let mut said = said(field, kind)?;
    ensure!(
        said.untyped.is_empty(),
        "{field} is neither a literal nor the word of a {kind}: {:?}",
        said.untyped
    );
    for one in all {
        let is_said = said.words.remove(word(*one)) | said.words.remove(&format!("{one:?}"));
        ensure!(is_said, "no program says {kind} {}", word(*one));
    }
    let not_variants = ["ALL", "as", "meaning"];
    said.words
        .retain(|word| !not_variants.contains(&word.as_str()));
    ensure!(
        said.words.is_empty(),
        "say in {LIST} what these mean, who mends them, and how: {:?}",
        said.words
    );
    Ok(())
}

#[test]
fn every_alarm_and_security_event_is_listed_and_said() -> anyhow::Result<()> {
    hold(
        "operator_alarm",
        "OperatorAlarm",
        OperatorAlarm::ALL,
        OperatorAlarm::as_str,
    )?;
    hold(
        "security_event",
        "SecurityEvent",
        SecurityEvent::ALL,
        SecurityEvent::as_str,
    )
}

#[test]
fn values_are_found() {
    let source = "error!(operator_alarm = \"gap\", x);\n operator_alarm = said.as_str(),\n operator_alarm = it,";
    let found: Vec<_> = values(source, "operator_alarm").collect();
    assert_eq!(found, ["\"gap\"", "said.as_str()", "it"]);
}

fn description(root: &Path, service: &str) -> anyhow::Result<Value> {
    let path = root.join("services").join(service).join("openapi.json");
    let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&text)?)
}

/// The codes in a description: error responses are described as "`code`: title; `code`: title".
fn codes(description: &Value, found: &mut BTreeSet<String>) {
    match description {
        Value::Object(members) => {
            let responses = members.get("responses").and_then(Value::as_object);
            for (status, response) in responses.into_iter().flatten() {
                if !status.starts_with(['4', '5']) {
                    continue;
                }
                let text = response["description"].as_str().unwrap_or_default();
                found.extend(text.split('`').skip(1).step_by(2).map(str::to_owned));
            }
            members.values().for_each(|member| codes(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| codes(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_code_of_the_apis_is_known() -> anyhow::Result<()> {
    let root = crate::metadata()?.workspace_root;
    let known: BTreeSet<_> = words::all()
        .filter(|told| told.status.is_some())
        .map(|told| told.word.to_owned())
        .collect();
    for service in SERVICES {
        let mut found = BTreeSet::new();
        codes(&description(&root, service)?, &mut found);
        ensure!(5 < found.len(), "{service} describes its errors: {found:?}");
        let unknown: Vec<_> = found.difference(&known).collect();
        ensure!(unknown.is_empty(), "{service}: {unknown:?}");
    }
    Ok(())
}

#[test]
fn every_state_and_reason_of_the_apis_is_known() -> anyhow::Result<()> {
    let root = crate::metadata()?.workspace_root;
    let all: Vec<Meaning> = words::all().collect();
    let mut kinds = BTreeSet::new();
    for service in SERVICES {
        let description = description(&root, service)?;
        let schemas = description["components"]["schemas"].as_object();
        for (name, schema) in schemas.context("there are schemas")? {
            let is_told = ["State", "Reason", "Approval"];
            // What the gateway calls a decision is a field of a form.
            let is_told = is_told.iter().any(|end| name.ends_with(end))
                || service == "login-hook" && name == "Decision";
            let Some(words) = schema["enum"].as_array().filter(|_| is_told) else {
                continue;
            };
            kinds.insert(name.clone());
            let words: BTreeSet<_> = words.iter().filter_map(Value::as_str).collect();
            let listed = all.iter().any(|told| {
                let of_kind = all.iter().filter(|other| other.kind == told.kind);
                of_kind.map(|other| other.word).collect::<BTreeSet<_>>() == words
            });
            ensure!(listed, "{service}: no kind of words is {name}: {words:?}");
        }
    }
    let expected = [
        "Approval",
        "Decision",
        "DecisionReason",
        "FlowState",
        "HandOffState",
        "MailboxState",
        "PermissionState",
    ];
    ensure!(kinds.iter().eq(expected), "{kinds:?}");
    Ok(())
}
