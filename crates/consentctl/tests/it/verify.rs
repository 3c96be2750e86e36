//! `verify`: whether the log is whole and unchanged.

use assent_contract::event_hash::EventHash;
use assent_dev_stack::NatsUser;
use assent_domain::ids::Sequence;
use assent_domain::permissions::{Permission, PermissionSet};
use assent_event_log::{EventLog, LogEntry, StreamSettings};
use assent_messaging::{ChangeStream, Connection};
use serde_json::{Value, json};

use crate::fake_service::FakeService;
use crate::fixture::{
    Fixture, PATIENCE, Ran, SENDING, administered, connect, granted, program, revoked, run,
};

const STREAM: &str = "CONSENT_EVENTS";

/// Six messages: four of users, two of a company.
async fn recorded() -> Fixture {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            granted("acme", "ben", SENDING),
            granted("acme", "ana", PermissionSet::EVERYTHING),
            revoked("ana", Permission::Calendar),
        ])
        .await;
    fixture.record(administered()).await;
    fixture
}

/// A check of the answer.
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {report}"))
}

/// What the program says; the exit code fits it.
async fn verify(fixture: &Fixture, more: &[&str]) -> Value {
    let ran = fixture.run(&[&["verify", "--json"], more].concat()).await;
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let is_finding = report.get("ok") == Some(&false.into());
    assert_eq!(ran.code, Some(i32::from(is_finding)), "{ran:?}");
    report
}

async fn messages(fixture: &Fixture) -> Vec<LogEntry> {
    let last = fixture.log.status().await.unwrap().last_sequence.0;
    let mut messages = Vec::new();
    for sequence in 1..=last {
        let entry = fixture.log.entry(Sequence(sequence)).await;
        messages.push(entry.unwrap().unwrap());
    }
    messages
}

/// A message as it is published.
type Raw = (String, Vec<(String, String)>, Vec<u8>);

fn raw(entry: &LogEntry) -> Raw {
    // What is for the server alone would have it take no message twice.
    let headers = entry.headers().into_iter();
    let headers = headers.filter(|(name, _)| !name.starts_with("Nats-"));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (
        entry.subject().to_owned(),
        headers.collect(),
        entry.payload().to_vec(),
    )
}

/// The stream made anew, with these in it: what somebody can do who has the server's files.
async fn made_anew(fixture: &mut Fixture, messages: &[Raw]) {
    fixture.server.stop().await;
    fixture.server.remove_stream(STREAM).unwrap();
    fixture.server.restart().await.unwrap();
    fixture.gateway = connect(&fixture.server, NatsUser::Gateway).await;
    let settings = StreamSettings { replicas: 1 };
    let log = EventLog::create_or_check(&fixture.gateway, settings).await;
    fixture.log = log.unwrap();
    for (number, message) in (1_u64..).zip(messages) {
        publish(fixture, message).await;
        let stored =
            async { while fixture.log.status().await.unwrap().last_sequence.0 < number {} };
        tokio::time::timeout(PATIENCE, stored).await.unwrap();
    }
}

async fn publish(fixture: &Fixture, (subject, headers, body): &Raw) {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let published = fixture.gateway.publish(subject, &headers, body.clone());
    published.await.unwrap();
}

fn hash_of((subject, headers, body): &Raw) -> EventHash {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    EventHash::compute(subject, headers, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_whole_log_it_is_said_what_cant_be_known_without_a_checkpoint() {
    let fixture = recorded().await;
    let _projection = FakeService::start(&fixture, PermissionSet::NOTHING).await;
    let ran = fixture.run(&["verify"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told: Vec<_> = ran
        .out
        .lines()
        .filter(|line| !line.contains("root"))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    ok       messages       6 messages, each is there
    ok       chains         6 events on 3 subjects, each names the one before it
    unknown  checkpoint     none was given: without one nobody can tell whether the end was cut off everywhere at once, or the whole log written anew (see consentctl checkpoint --help)
    ok       changes        none told yet
    ok       projection     has applied event 6 of 6
    unknown  view           no projection tells of its view: nothing can be read: the projection is not reachable: no service listens on consent.projection.v1.status
    ");
    assert_eq!(ran.err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_is_whole() {
    let fixture = Fixture::start().await;
    let report = verify(&fixture, &[]).await;
    assert_eq!(report["ok"], true, "{report}");
    // The SHA-256 of nothing.
    let root = "0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(check(&report, "root")["says"], root);
    assert_eq!(check(&report, "projection")["verdict"], "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_changed_on_the_disk_is_named() {
    let mut fixture = recorded().await;
    fixture.server.stop().await;
    for sequence in [2, 5] {
        fixture.server.flip_bit(STREAM, sequence).unwrap();
    }
    fixture.server.restart().await.unwrap();
    let report = verify(&fixture, &[]).await;
    let missing = check(&report, "messages");
    assert_eq!(missing["verdict"], "finding", "{report}");
    let named: Vec<_> = missing["findings"].as_array().unwrap().iter().collect();
    let sequences: Vec<_> = named
        .iter()
        .map(|found| found["sequence"].clone())
        .collect();
    assert_eq!(sequences, [json!(2), json!(5)], "{report}");
    assert_eq!(check(&report, "root")["verdict"], "unknown", "{report}");
    // The event after the damaged one names what can't be read.
    let chains = &check(&report, "chains")["findings"][0];
    assert_eq!(chains["sequence"], 6, "{report}");
    assert_eq!(chains["account_id"], "acme", "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_is_found_where_somebody_knows_of_more() {
    let mut fixture = recorded().await;
    let key = tempfile::tempdir().unwrap();
    let private = key.path().join("key").to_str().unwrap().to_owned();
    let made = run(program(&["checkpoint", "keygen", "log", "--to", &private])).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let signed = fixture
        .run(&["checkpoint", "sign", "--key", &private])
        .await;
    let checkpoint = key.path().join("checkpoint").to_str().unwrap().to_owned();
    std::fs::write(&checkpoint, &signed.out).unwrap();
    let public = format!("{private}.pub");
    let since = ["--since", &checkpoint, "--key", &public];
    let report = verify(&fixture, &since).await;
    assert_eq!(check(&report, "checkpoint")["verdict"], "ok", "{report}");
    tell(&fixture, 6).await;
    let report = verify(&fixture, &since).await;
    assert_eq!(check(&report, "changes")["says"], "told up to event 6");
    let whole = messages(&fixture).await;

    fixture.server.stop().await;
    fixture.server.flip_bit(STREAM, 5).unwrap();
    fixture.server.remove_index(STREAM).unwrap();
    fixture.server.restart().await.unwrap();
    // By itself it is whole: that is all that can be said of it.
    let report = verify(&fixture, &[]).await;
    for name in ["messages", "chains", "root"] {
        assert_eq!(check(&report, name)["verdict"], "ok", "{report}");
    }
    let says = check(&report, "changes")["says"].as_str().unwrap();
    assert_eq!(says, "told up to event 6, and the log ends with event 4");
    let report = verify(&fixture, &since).await;
    let says = check(&report, "checkpoint")["says"].as_str().unwrap();
    assert_eq!(
        says,
        "6 messages were there, and the log ends with message 4"
    );

    // A subject without its last event, everywhere: the rest is whole. Only the root tells.
    let mut cut: Vec<_> = whole.iter().map(raw).collect();
    cut.remove(3);
    made_anew(&mut fixture, &cut).await;
    fixture.server.stop().await;
    fixture.server.remove_stream("CONSENT_CHANGES").unwrap();
    fixture.server.restart().await.unwrap();
    let gateway = connect(&fixture.server, NatsUser::Gateway).await;
    let settings = assent_messaging::ChangeStreamSettings::consent_changes(1);
    ChangeStream::create_or_check(&gateway, settings)
        .await
        .unwrap();
    let report = verify(&fixture, &[]).await;
    assert_eq!(report["ok"], true, "{report}");
    let says = check(&report, "checkpoint")["says"].as_str().unwrap();
    assert!(says.contains("without one nobody can tell"), "{says}");
    let report = verify(&fixture, &since).await;
    assert_eq!(
        check(&report, "checkpoint")["verdict"],
        "finding",
        "{report}"
    );

    // As it was, in another stream: the same root.
    let restored: Vec<_> = whole.iter().map(raw).collect();
    made_anew(&mut fixture, &restored).await;
    let report = verify(&fixture, &since).await;
    assert_eq!(check(&report, "checkpoint")["verdict"], "ok", "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_dropped_or_slipped_in_breaks_a_chain() {
    let whole: Vec<_> = {
        let fixture = recorded().await;
        messages(&fixture).await.iter().map(raw).collect()
    };
    let mut changed = whole.clone();
    changed[0].2 = String::from_utf8(changed[0].2.clone())
        .unwrap()
        .replace("\"limited\"", "\"full\"")
        .into_bytes();
    assert_ne!(changed, whole);
    let mut dropped = whole.clone();
    dropped.remove(0);
    let mut slipped_in = whole.clone();
    slipped_in.insert(2, whole[2].clone());
    let mut swapped = whole.clone();
    swapped.swap(0, 2);
    for (what, log, sequence) in [
        ("changed", &changed, 3),
        ("dropped", &dropped, 2),
        ("slipped in", &slipped_in, 4),
        ("swapped", &swapped, 1),
    ] {
        let mut fixture = Fixture::start().await;
        made_anew(&mut fixture, log).await;
        let report = verify(&fixture, &[]).await;
        let first = &check(&report, "chains")["findings"][0];
        assert_eq!(first["sequence"], sequence, "{what} {report}");
        assert_eq!(first["account_id"], "acme", "{what} {report}");
        assert_eq!(first["user_id"], "ana", "{what} {report}");
        assert_eq!(
            check(&report, "messages")["verdict"],
            "ok",
            "{what} {report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_was_recorded_past_damage_breaks_no_chain() {
    let mut fixture = recorded().await;
    fixture.server.stop().await;
    fixture.server.flip_bit(STREAM, 3).unwrap();
    fixture.server.restart().await.unwrap();
    fixture.gateway = connect(&fixture.server, NatsUser::Gateway).await;
    fixture.log = EventLog::open(&fixture.gateway).await.unwrap();
    // Two revocations of ana's that name event 1, and not the ones before them.
    let all = [1, 2, 4, 5, 6];
    let mut first = None;
    for sequence in all {
        let entry = fixture
            .log
            .entry(Sequence(sequence))
            .await
            .unwrap()
            .unwrap();
        first.get_or_insert(raw(&entry));
    }
    let named = hash_of(&first.unwrap()).to_string();
    let revocation = fixture.log.entry(Sequence(4)).await.unwrap().unwrap();
    for number in 0_u8..2 {
        let (subject, mut headers, body) = raw(&revocation);
        for (name, value) in &mut headers {
            match name.as_str() {
                "ce-prevhash" => value.clone_from(&named),
                "ce-id" => *value = uuid::Uuid::now_v7().to_string(),
                "ce-time" => *value = format!("2026-11-23T11:00:0{number}Z"),
                _ => {}
            }
        }
        publish(&fixture, &(subject, headers, body)).await;
    }
    let stored = async { while fixture.log.status().await.unwrap().last_sequence.0 < 8 {} };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    fixture.server.stop().await;
    fixture.server.flip_bit(STREAM, 3).unwrap();
    fixture.server.restart().await.unwrap();

    let report = verify(&fixture, &[]).await;
    let chains = check(&report, "chains");
    assert_eq!(chains["verdict"], "ok", "{report}");
    let says = chains["says"].as_str().unwrap();
    assert!(
        says.ends_with("; 2 revocations recorded while the log was damaged"),
        "{says}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_be_read_is_named_until_it_is_void() {
    let fixture = recorded().await;
    fixture.scribble("consent.events.v1.acme.user.ana").await;
    let report = verify(&fixture, &[]).await;
    let found = &check(&report, "chains")["findings"][0];
    assert_eq!(
        (&found["sequence"], &found["user_id"]),
        (&json!(7), &json!("ana"))
    );
    let at = "2026-11-23T12:00:00Z".parse().unwrap();
    let void = fixture.log.declare_void(Sequence(7), "junk", "kim", at);
    void.await.unwrap();
    let report = verify(&fixture, &[]).await;
    assert_eq!(report["ok"], true, "{report}");
    let says = check(&report, "chains")["says"].as_str().unwrap();
    assert!(says.ends_with("; 1 message void"), "{says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_gone_or_another_is_found() {
    let mut fixture = recorded().await;
    let _projection = FakeService::start(&fixture, PermissionSet::NOTHING).await;
    tell(&fixture, 6).await;
    let others = [granted("other", "eve", SENDING)];
    made_anew(&mut fixture, &[]).await;
    fixture.record(others).await;
    let report = found(&fixture, "projection").await;
    let says = check(&report, "changes")["says"].as_str().unwrap();
    assert!(says.starts_with("told of another log"), "{report}");
    let says = check(&report, "projection")["says"].as_str().unwrap();
    assert_eq!(says, "has applied event 6, and the log ends with event 1");

    fixture.server.stop().await;
    fixture.server.remove_stream(STREAM).unwrap();
    fixture.server.restart().await.unwrap();
    let report = found(&fixture, "projection").await;
    let says = check(&report, "messages")["says"].as_str().unwrap();
    assert_eq!(says, "the stream CONSENT_EVENTS is not there");
    let says = check(&report, "changes")["says"].as_str().unwrap();
    assert_eq!(says, "told up to event 6 of the log");
}

/// The stand-in has to find the server again first.
async fn found(fixture: &Fixture, name: &str) -> Value {
    let finding = async {
        loop {
            let report = verify(fixture, &[]).await;
            if check(&report, name)["verdict"] == "finding" {
                return report;
            }
        }
    };
    tokio::time::timeout(PATIENCE, finding).await.unwrap()
}

/// Has the stream of changes say that it was told up to this event.
async fn tell(fixture: &Fixture, sequence: u64) {
    let projection: Connection = connect(&fixture.server, NatsUser::Projection).await;
    let stream = ChangeStream::open(&fixture.gateway).await.unwrap();
    let before = stream.end().await.unwrap();
    let log = format!("{STREAM}@{}", fixture.log.identity());
    let entry = fixture
        .log
        .entry(Sequence(sequence))
        .await
        .unwrap()
        .unwrap();
    let (number, hash) = (sequence.to_string(), entry.hash().to_string());
    let headers = [
        ("Assent-Source", log.as_str()),
        ("Assent-Sequence", &number),
        ("Assent-Told-Through", &number),
        ("Assent-Told-Hash", &hash),
    ];
    let body = json!({"account_id": "acme", "user_id": "ana", "method": "user_individual",
        "effective": {"calendar": true, "contacts": false, "email": "limited"},
        "sequence": sequence, "log": log});
    let subject = "consent.announce.v1.acme.user.ana";
    let told = projection.publish(subject, &headers, body.to_string());
    told.await.unwrap();
    let stored = async { while stream.end().await.unwrap() == before {} };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_of_a_log_that_cant_be_reached() {
    let mut fixture = Fixture::start().await;
    let away = fixture.command(&["verify"]);
    fixture.server.stop().await;
    let ran: Ran = run(away).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
}
