//! The rules that the configuration states for itself, and the table of who can do what in its README.

use std::collections::BTreeMap;
use std::path::Path;

use assent_dev_stack::NatsUser;

use crate::configuration::{Account, Kind, TEXT, accounts, covers};

#[test]
fn everybody_who_asks_lives_in_an_account_of_their_own() {
    let accounts = accounts();
    let mut users = Vec::new();
    for account in &accounts {
        let names: Vec<_> = account
            .users
            .iter()
            .map(|user| user.name.as_str())
            .collect();
        match account.name.as_str() {
            "SYS" => assert_eq!(names, Vec::<&str>::new(), "nobody logs in there"),
            "ASSENT" => assert_eq!(names, ["gateway"], "who asks there can delete the log"),
            "TOKENS" => assert_eq!(names, ["token-broker"], "who asks there can read tokens"),
            other => assert_eq!(names.len(), 1, "{other}"),
        }
        assert_eq!(
            account.has_jetstream,
            matches!(account.name.as_str(), "ASSENT" | "TOKENS"),
            "{}",
            account.name
        );
        users.extend(names);
    }
    users.sort_unstable();
    let mut known = NatsUser::ALL.map(NatsUser::name);
    known.sort_unstable();
    assert_eq!(users, known);
    assert!(!TEXT.contains("allow_responses:"));
}

/// Otherwise an answer that came back to the account could go on to where its user may not write.
#[test]
fn an_account_imports_nothing_that_its_user_may_not_use() {
    for account in accounts() {
        for import in &account.imports {
            let uses = account.users.iter().any(|user| {
                let allowed = match import.kind {
                    Kind::Service => &user.publish,
                    Kind::Stream => &user.subscribe,
                };
                // Of `$SRV.>` the operator may use three verbs.
                allowed
                    .iter()
                    .any(|pattern| covers(pattern, &import.local) || covers(&import.local, pattern))
            });
            assert!(uses, "{}: {}", account.name, import.local);
        }
        for (from, to) in &account.mappings {
            let import = account.imports.iter().find(|import| import.local == *to);
            assert_eq!(
                import.map(|import| &import.subject),
                Some(from),
                "{}",
                account.name
            );
        }
    }
}

#[test]
fn what_crosses_a_border_changes_nothing_and_is_exported_to_those_who_import_it() {
    let accounts = accounts();
    for account in &accounts {
        for export in &account.exports {
            assert!(
                !export.accounts.is_empty(),
                "{} is for anybody",
                export.subject
            );
            for forbidden in [
                "$JS.API.STREAM.DELETE.X",
                "$JS.API.STREAM.CREATE.X",
                "$JS.API.STREAM.UPDATE.X",
                "$JS.API.STREAM.PURGE.X",
                "$JS.API.STREAM.MSG.DELETE.X",
                "$JS.API.CONSUMER.CREATE.X",
                "$JS.API.CONSUMER.MSG.NEXT.X.c",
                "$JS.API.ACCOUNT.PURGE.ASSENT",
                "$JS.ACK.X.c.1",
                "$JS.FC.X.c.1",
                "$KV.X.key",
                "consent.events.v1.acme.company",
                "consent.operations.v1.x",
                "$SYS.REQ.SERVER.X.RELOAD",
                "$SYS.REQ.SERVER.X.KICK",
            ] {
                assert!(!covers(&export.subject, forbidden), "{forbidden}");
            }
            for importer in &export.accounts {
                let importing = accounts.iter().find(|it| it.name == *importer).unwrap();
                let imports = importing.imports.iter().any(|import| {
                    (import.kind, &import.account, &import.subject)
                        == (export.kind, &account.name, &export.subject)
                });
                assert!(imports, "{importer} does not import {}", export.subject);
            }
        }
    }
}

/// `UPDATE_README=1` writes it.
#[test]
fn the_readme_says_who_can_do_what() {
    const BEGIN: &str = "<!-- made from nats-server.conf: begin -->\n";
    const END: &str = "<!-- made from nats-server.conf: end -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nats/README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once(BEGIN).unwrap();
    let (found, tail) = rest.split_once(END).unwrap();

    let wanted = tables(&accounts());

    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{wanted}{END}{tail}")).unwrap();
    } else {
        assert_eq!(found, wanted, "run this test with UPDATE_README=1");
    }
}

fn tables(accounts: &[Account]) -> String {
    let mut rows = vec![
        String::new(),
        "| user | account | may send | may hear |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for account in accounts {
        for user in &account.users {
            let (sends, hears) = (in_words(&user.publish), in_words(&user.subscribe));
            let (user, account) = (&user.name, &account.name);
            rows.push(format!("| `{user}` | `{account}` | {sends} | {hears} |"));
        }
    }
    rows.extend([
        String::new(),
        "| from | to | requests that cross, and their answers back | messages that cross |"
            .to_owned(),
        "|---|---|---|---|".to_owned(),
    ]);
    for account in accounts {
        let mut by_exporter: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for import in &account.imports {
            let kinds = by_exporter.entry(&import.account).or_default();
            let (requests, messages) = kinds;
            match import.kind {
                Kind::Service => requests.push(import.subject.clone()),
                Kind::Stream => messages.push(import.subject.clone()),
            }
        }
        for (exporter, (requests, messages)) in by_exporter {
            let (requests, messages) = (in_words(&requests), in_words(&messages));
            let account = &account.name;
            rows.push(format!(
                "| `{account}` | `{exporter}` | {requests} | {messages} |"
            ));
        }
    }
    rows.extend([String::new(), String::new()]);
    rows.join("\n")
}

/// Subjects as a list; calls of JetStream's by what they are about.
fn in_words(subjects: &[String]) -> String {
    let mut words = Vec::new();
    let mut calls: Vec<(&str, Vec<&str>)> = Vec::new();
    for subject in subjects {
        let api = ["$JS.API.", "JS.ASSENT.API.", "JS.TOKENS.API."]
            .iter()
            .find_map(|api| subject.strip_prefix(api));
        let Some(call) = api else {
            words.push(format!("`{subject}`"));
            continue;
        };
        let about = [
            "STREAM.CREATE",
            "STREAM.INFO",
            "STREAM.MSG.GET",
            "DIRECT.GET",
        ];
        let (verb, stream) = about
            .iter()
            .find_map(|verb| Some((*verb, call.strip_prefix(verb)?.strip_prefix('.')?)))
            .unwrap_or((call, ""));
        // A direct get by subject is one of the same stream.
        let stream = stream.trim_end_matches(".>");
        match calls.iter_mut().find(|(known, _)| *known == verb) {
            Some((_, streams)) if streams.contains(&stream) => {}
            Some((_, streams)) => streams.push(stream),
            None => calls.push((verb, vec![stream])),
        }
    }
    for (verb, streams) in calls {
        let streams = streams.iter().map(|stream| format!("`{stream}`"));
        let streams = streams.collect::<Vec<_>>().join(", ");
        words.push(match streams.as_str() {
            "``" => format!("JetStream's `{verb}`"),
            streams => format!("JetStream's `{verb}` of {streams}"),
        });
    }
    words.join("; ")
}
