//! `events export` and `events import`: what comes back, what is refused, and what an interruption leaves.

mod bad_exports;
mod dry_run;
mod growing;
mod interrupted;
mod laws;
mod refused;

use std::path::{Path, PathBuf};

use assent_contract::structured::LoggedMessage;
use assent_dev_stack::{NatsServer, NatsUser};
use assent_domain::ids::Sequence;
use assent_domain::permissions::{Permission, PermissionSet};
use assent_event_log::{EventLog, LogEntry};
use assent_messaging::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{
    Fixture, Ran, SENDING, administered, auto_granted, connect, granted, program, revoked, run,
};

/// A log with all that one may hold: events, and two messages that are none, one of them void.
pub(crate) async fn told() -> Fixture {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            granted("globex", "ana", PermissionSet::EVERYTHING),
            revoked("ana", Permission::Email),
        ])
        .await;
    fixture.scribble("consent.events.v1.acme.company").await;
    let at = "2026-11-24T09:30:00Z".parse().unwrap();
    let void = fixture
        .log
        .declare_void(Sequence(4), "an answer of the server's", "kim", at);
    void.await.unwrap();
    fixture.record(administered()).await;
    fixture.record([auto_granted("ben", 1)]).await;
    fixture.scribble("consent.events.v1.globex.company").await;
    fixture
}

/// A server without anything, to import into.
pub(crate) struct Empty {
    pub(crate) server: NatsServer,
    pub(crate) gateway: Connection,
}

impl Empty {
    pub(crate) async fn start() -> Self {
        let server = NatsServer::start().await.unwrap();
        let gateway = connect(&server, NatsUser::Gateway).await;
        Self { server, gateway }
    }

    /// Runs the program as whoever may write.
    pub(crate) async fn as_gateway(&self, arguments: &[&str]) -> Ran {
        as_user(&self.server, NatsUser::Gateway, arguments).await
    }

    pub(crate) async fn import(&self, from: &Path, more: &[&str]) -> Ran {
        let from = from.to_str().unwrap();
        self.as_gateway(&[&["events", "import", from, "--yes"], more].concat())
            .await
    }

    /// The messages of the log, if there is one.
    pub(crate) async fn messages(&self) -> Option<Vec<LoggedMessage>> {
        match EventLog::open(&self.gateway).await {
            Ok(log) => Some(messages(&log).await),
            Err(assent_event_log::OpenError::NotThere) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn as_user(server: &NatsServer, user: NatsUser, arguments: &[&str]) -> Ran {
    let mut command = program(arguments);
    command.envs(server.environment(user));
    run(command).await
}

/// All that is in a log.
pub(crate) async fn messages(log: &EventLog) -> Vec<LoggedMessage> {
    let last = log.status().await.unwrap().last_sequence.0;
    let mut found = Vec::new();
    for sequence in 1..=last {
        let entry = log.entry(Sequence(sequence)).await.unwrap().unwrap();
        found.push(LogEntry::to_export(&entry));
    }
    found
}

/// An export that was just made.
pub(crate) struct Export {
    pub(crate) place: TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) async fn export(fixture: &Fixture, name: &str, more: &[&str]) -> Export {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join(name);
    let ran = export_to(fixture, &path, more).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    Export { place, path }
}

pub(crate) async fn export_to(fixture: &Fixture, path: &Path, more: &[&str]) -> Ran {
    let to = path.to_str().unwrap();
    fixture
        .run(&[&["events", "export", "--to", to, "--json"], more].concat())
        .await
}

pub(crate) fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_comes_back_with_what_was_void() {
    let fixture = told().await;
    let there = messages(&fixture.log).await;
    for name in ["log.ndjson", "log"] {
        let export = export(&fixture, name, &[]).await;
        let empty = Empty::start().await;
        let ran = empty.import(&export.path, &["--json"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let imported = json(&ran);
        assert_eq!(imported["sequence"], 8, "{imported}");
        assert_eq!(imported["void"], 1, "{imported}");
        assert_eq!(empty.messages().await.unwrap(), there);

        let log = EventLog::open(&empty.gateway).await.unwrap();
        let entry = |sequence| {
            let log = log.clone();
            async move { log.entry(Sequence(sequence)).await.unwrap().unwrap() }
        };
        let record = log.void_of(&entry(4).await).await.unwrap().unwrap();
        assert_eq!((record.operator.as_str(), record.sequence), ("kim", 4));
        assert_eq!(record.log, log.identity().as_str());
        assert!(log.void_of(&entry(8).await).await.unwrap().is_none());

        // What it adds up to is the same, from the server, from the export, and from what was imported.
        let digest = |ran: Ran| json(&ran)["digest"].clone();
        let at = |name: &str| export.place.path().join(name).to_str().unwrap().to_owned();
        let (from, a, b, c) = (export.path.to_str().unwrap(), at("a"), at("b"), at("c"));
        let first = digest(fixture.run(&["replay", "--to", &a, "--json"]).await);
        let second = digest(
            fixture
                .run(&["replay", "--to", &b, "--from", from, "--json"])
                .await,
        );
        let third = digest(empty.as_gateway(&["replay", "--to", &c, "--json"]).await);
        assert_eq!((&first, &first), (&second, &third));

        // Once more changes nothing.
        let again = empty.import(&export.path, &["--json"]).await;
        assert_eq!(json(&again)["were_there"], 8, "{again:?}");
        assert_eq!(empty.messages().await.unwrap(), there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_are_events_and_what_is_none_says_so() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let lines = std::fs::read_to_string(export.path.join("events.ndjson")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[0]["sequence"], "00000000000000000001");
    assert_eq!(lines[0]["data"]["user_id"], "ana");
    assert_eq!(lines[0]["prevhash"], "0".repeat(64));
    let foreign = &lines[3]["foreign"];
    assert_eq!(foreign["sequence"], 4, "{foreign}");
    assert_eq!(foreign["subject"], "consent.events.v1.acme.company");
    assert_eq!(foreign["headers"][0][0], "ce-specversion");
    assert_eq!(foreign["data_base64"], "e30=");

    let manifest = std::fs::read(export.path.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["stream"], "CONSENT_EVENTS");
    assert_eq!(manifest["created"], fixture.log.identity().as_str());
    assert_eq!(
        manifest["range"],
        serde_json::json!({"first": 1, "last": 8})
    );
    assert_eq!(manifest["void"]["4"]["operator"], "kim", "{manifest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_is_imported_and_what_was_declared_void_later_is_not() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let there = messages(&fixture.log).await;
    let empty = Empty::start().await;
    let before = empty
        .import(&export.path, &["--until", "2020-01-01T00:00:00Z"])
        .await;
    assert_eq!(before.code, Some(1), "{before:?}");
    assert_eq!(empty.messages().await, None);

    // Event 3 is of 10:02, message 4 has no time, event 5 is of 10:04.
    let ran = empty
        .import(&export.path, &["--until", "2026-11-23T10:03:00Z", "--json"])
        .await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(json(&ran)["sequence"], 4);
    assert_eq!(empty.messages().await.unwrap(), there[..4]);
    let three = Empty::start().await;
    let ran = three
        .import(&export.path, &["--until", "3", "--json"])
        .await;
    assert_eq!(
        (&json(&ran)["sequence"], &json(&ran)["void"]),
        (&3.into(), &0.into())
    );
    let point = self::export(&fixture, "point", &["--until", "3"]).await;
    let four = Empty::start().await;
    let ran = four.import(&point.path, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(four.messages().await, three.messages().await);
}
