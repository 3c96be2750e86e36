//! `deploy/nats/nats-server.conf`, read: accounts, users, and what crosses which border.
//!
//! A key that is not known here fails the test that reads it: whatever somebody adds to the
//! configuration has to be thought about here too.

mod syntax;

use std::collections::BTreeMap;

use serde_json::Value;

/// The configuration as it is deployed.
pub(crate) const TEXT: &str = include_str!("../../../../deploy/nats/nats-server.conf");

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) has_jetstream: bool,
    pub(crate) users: Vec<User>,
    /// What a client says, and what the account makes of it.
    pub(crate) mappings: BTreeMap<String, String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) publish: Vec<String>,
    pub(crate) subscribe: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Service,
    Stream,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) kind: Kind,
    pub(crate) account: String,
    pub(crate) subject: String,
    /// What it is called in the importing account.
    pub(crate) local: String,
}

#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) kind: Kind,
    pub(crate) subject: String,
    pub(crate) accounts: Vec<String>,
}

pub(crate) fn accounts() -> Vec<Account> {
    let all = syntax::parse(TEXT);
    object(&all["accounts"])
        .map(|(name, it)| account(name, it))
        .collect()
}

/// Whether a pattern covers a subject or another pattern.
pub(crate) fn covers(pattern: &str, subject: &str) -> bool {
    let (mut wanted, mut found) = (pattern.split('.'), subject.split('.'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) | (Some(">"), Some(_)) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(wanted), Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
}

fn account(name: &str, it: &Value) -> Account {
    only(
        it,
        &[
            "jetstream",
            "default_permissions",
            "users",
            "mappings",
            "imports",
            "exports",
        ],
    );
    if let Some(default) = it.get("default_permissions") {
        let nothing =
            serde_json::json!({ "publish": { "deny": ">" }, "subscribe": { "deny": ">" } });
        assert_eq!(
            *default, nothing,
            "a user without permissions may do nothing"
        );
    }
    Account {
        name: name.to_owned(),
        has_jetstream: it.get("jetstream").is_some_and(|is| is != "disabled"),
        users: list(it, "users").iter().map(user).collect(),
        mappings: it.get("mappings").map_or_else(BTreeMap::new, |mappings| {
            object(mappings)
                .map(|(from, to)| (from.to_owned(), text(to)))
                .collect()
        }),
        imports: list(it, "imports").iter().map(import).collect(),
        exports: list(it, "exports").iter().map(export).collect(),
    }
}

fn user(it: &Value) -> User {
    only(it, &["user", "password", "permissions"]);
    let permissions = &it["permissions"];
    only(permissions, &["publish", "subscribe"]);
    let allowed = |what: &str| {
        only(&permissions[what], &["allow"]);
        list(&permissions[what], "allow").iter().map(text).collect()
    };
    User {
        name: text(&it["user"]),
        publish: allowed("publish"),
        subscribe: allowed("subscribe"),
    }
}

fn import(it: &Value) -> Import {
    only(it, &["service", "stream", "to"]);
    let (kind, from) = kind(it);
    only(from, &["account", "subject"]);
    let subject = text(&from["subject"]);
    Import {
        kind,
        account: text(&from["account"]),
        local: it.get("to").map_or_else(|| subject.clone(), text),
        subject,
    }
}

fn export(it: &Value) -> Export {
    only(
        it,
        &[
            "service",
            "stream",
            "accounts",
            "response_type",
            "threshold",
        ],
    );
    let (kind, subject) = kind(it);
    Export {
        kind,
        subject: text(subject),
        accounts: list(it, "accounts").iter().map(text).collect(),
    }
}

fn kind(it: &Value) -> (Kind, &Value) {
    match (it.get("service"), it.get("stream")) {
        (Some(service), None) => (Kind::Service, service),
        (None, Some(stream)) => (Kind::Stream, stream),
        _ => panic!("neither a service nor a stream, or both: {it}"),
    }
}

fn only(it: &Value, known: &[&str]) {
    for (key, _) in object(it) {
        assert!(
            known.contains(&key),
            "{key:?} is not known to this test: {it}"
        );
    }
}

fn object(it: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = it.as_object();
    let map = map.unwrap_or_else(|| panic!("there should be a map: {it}"));
    map.iter().map(|(key, value)| (key.as_str(), value))
}

fn list<'a>(it: &'a Value, key: &str) -> &'a [Value] {
    match it.get(key) {
        None => &[],
        Some(Value::Array(all)) => all,
        Some(other) => panic!("{key} should be a list: {other}"),
    }
}

fn text(it: &Value) -> String {
    it.as_str()
        .unwrap_or_else(|| panic!("there should be a text: {it}"))
        .to_owned()
}
