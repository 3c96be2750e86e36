//! Whatever a user may ask for, and with what: taken from the configuration, so that a permission
//! which somebody adds is tried too. One of an unknown kind fails until it is known here.

use async_nats::HeaderMap;
use serde_json::{Value, json};

use crate::configuration::{Account, User};

/// A request, but for the subject of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// All of them, of one user.
pub(crate) fn requests(account: &Account, user: &User) -> Vec<Request> {
    let mut all = Vec::new();
    for pattern in &user.publish {
        let by_programs = account.mappings.iter().filter(|(_, to)| *to == pattern);
        let mut subjects = vec![pattern.clone()];
        subjects.extend(by_programs.map(|(from, _)| from.clone()));
        for subject in subjects {
            let mut requests = of_pattern(&subject, user);
            if subject.starts_with("JS.") {
                // It is the same call under its inner name: once is enough.
                requests.truncate(1);
            }
            all.extend(requests);
        }
    }
    all
}

fn of_pattern(pattern: &str, user: &User) -> Vec<Request> {
    let api = ["$JS.API.", "JS.ASSENT.API.", "JS.TOKENS.API."]
        .iter()
        .find_map(|api| pattern.strip_prefix(api));
    if let Some(call) = api {
        return of_jetstream(pattern, call);
    }
    let (subjects, bodies): (&[&str], Vec<String>) = match pattern {
        "consent.query.v1.>" => (
            &[
                "consent.query.v1.permissions",
                "consent.query.v1.nobody-there",
            ],
            of(
                &[json!({ "account_id": "acme", "user_id": "ana" }), json!({})],
                &["", "?"],
            ),
        ),
        "consent.command.v1.record-automatic-grant"
        | "consent.command.v1.begin-user-consent"
        | "consent.command.v1.begin-connection"
        | "consent.command.v1.record-withdrawal"
        | "consent.token.v1.get"
        | "consent.custody.v1.status"
        | "consent.custody.v1.deposit"
        | "consent.command.v1.void-message" => {
            return plain(pattern, of(&[json!({ "account_id": "acme" })], &["", "?"]));
        }
        "consent.projection.v1.digest.*"
        | "consent.projection.v1.rows.*"
        | "consent.projection.v1.check-log.*"
        | "consent.projection.v1.accept-log.*" => {
            let subject = pattern.replace('*', "instance");
            return plain(&subject, of(&[json!({ "at": 7 }), json!({})], &["", "?"]));
        }
        "consent.command.v1.rebuild-view.*" => {
            let subject = pattern.replace('*', "instance");
            return plain(
                &subject,
                of(&[json!({ "dry_run": true }), json!({})], &["", "?"]),
            );
        }
        // Refused by its headers: whatever is stored here is the projection's own word, or the token broker's.
        "consent.announce.v1.>" => return refused("consent.announce.v1.acme.company"),
        "$KV.CONSENT_TOKENS.>" => return refused("$KV.CONSENT_TOKENS.acme.ana"),
        "$KV.CONSENT_TOKEN_RECEIPTS.>" => return refused("$KV.CONSENT_TOKEN_RECEIPTS.acme.ana"),
        "$SRV.PING" | "$SRV.INFO" | "$SRV.STATS" => return plain(pattern, of(&[], &["", "?"])),
        "$SRV.PING.>" | "$SRV.INFO.>" | "$SRV.STATS.>" => {
            let verb = pattern.trim_end_matches(".>");
            let named = [
                "consent-gateway",
                "consent-projection",
                "consent-token-broker",
                "nobody",
            ];
            return named
                .iter()
                .flat_map(|name| plain(&format!("{verb}.{name}"), of(&[], &[""])))
                .collect();
        }
        "consent.projection.v1.status"
        | "consent.custody.v1.overview"
        | "$SYS.REQ.SERVER.PING"
        | "$SYS.REQ.SERVER.PING.HEALTHZ"
        | "$SYS.REQ.SERVER.PING.IDZ"
        | "$SYS.REQ.SERVER.PING.JSZ"
        | "$SYS.REQ.SERVER.PING.STATSZ"
        | "$SYS.REQ.SERVER.PING.VARZ" => return plain(pattern, of(&[json!({})], &["", "?"])),
        // Where answers are written to, by who serves. A guess is right for nobody.
        "_R_.>" => return plain("_R_.guess.guess", of(&[], &["", "?"])),
        other => panic!("what can {} do with {other:?}? Add it here", user.name),
    };
    subjects
        .iter()
        .flat_map(|subject| plain(subject, bodies.clone()))
        .collect()
}

pub(crate) fn refused(subject: &str) -> Vec<Request> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Sequence", "987654321");
    vec![Request {
        subject: subject.to_owned(),
        headers,
        body: "{}".to_owned(),
    }]
}

fn of_jetstream(subject: &str, call: &str) -> Vec<Request> {
    let bodies = match call.rsplit_once('.').map_or(call, |(call, _)| call) {
        "INFO" => of(&[], &["", "?"]),
        // Of what is there, otherwise than it is: that is refused.
        "STREAM.CREATE" | "STREAM.UPDATE" => of(&[json!({ "name": "other" })], &["", "?"]),
        "STREAM.INFO" => of(&[json!({ "subjects_filter": ">" })], &["", "?"]),
        // There, not there, malformed.
        "STREAM.MSG.GET" => of(
            &[
                json!({ "seq": 1 }),
                json!({ "seq": 99_999 }),
                json!({ "last_by_subj": "nothing.there" }),
                json!({ "seq": 1, "next_by_subj": ">" }),
            ],
            &["", "?"],
        ),
        "DIRECT.GET" => of(
            &[
                json!({ "seq": 1 }),
                json!({ "seq": 99_999 }),
                json!({ "seq": 1, "batch": 2 }),
                json!({ "multi_last": [">"] }),
                json!({ "multi_last": ["nothing.there"] }),
                json!({ "last_by_subj": "nothing.there" }),
            ],
            &["", "?"],
        ),
        other => panic!("what can be done with {other} ({subject})? Add it here"),
    };
    plain(subject, bodies)
}

fn of(values: &[Value], texts: &[&str]) -> Vec<String> {
    let values = values.iter().map(Value::to_string);
    values
        .chain(texts.iter().map(|text| (*text).to_owned()))
        .collect()
}

fn plain(subject: &str, bodies: Vec<String>) -> Vec<Request> {
    bodies
        .into_iter()
        .map(|body| Request {
            subject: subject.to_owned(),
            headers: HeaderMap::new(),
            body,
        })
        .collect()
}
