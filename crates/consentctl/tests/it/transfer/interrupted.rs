//! An import that is killed in the middle: what is there is never taken for the log, and the import goes on.

use std::process::Stdio;

use assent_contract::names::OBSERVATION_BUCKET;
use assent_contract::structured::LoggedMessage;
use assent_dev_stack::{NatsUser, wait_for};
use assent_event_log::{EventLog, StreamSettings};

use super::{Empty, export, export_to, told};
use crate::fixture::{Fixture, PATIENCE, SENDING, bucket, granted, program, run};

const MANY: u64 = 2500;

/// A log of many messages, written as an import writes them.
async fn many() -> Fixture {
    let fixture = Fixture::start().await;
    let sample = {
        let sampled = Fixture::start().await;
        sampled.record([granted("acme", "ana", SENDING)]).await;
        super::messages(&sampled.log).await.remove(0)
    };
    let mut batch = Vec::new();
    for sequence in 1..=MANY {
        // One body for all: what the messages say is not looked at here.
        let subject = format!("consent.events.v1.acme.user.u-{sequence}");
        batch.push(LoggedMessage {
            sequence,
            subject,
            ..sample.clone()
        });
        if batch.len() == assent_event_log::RESTORED_AT_ONCE {
            fixture.log.restore(&batch).await.unwrap();
            batch.clear();
        }
    }
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_import_left_is_gone_on_with() {
    let fixture = many().await;
    let export = export(&fixture, "log", &[]).await;
    let empty = Empty::start().await;
    let path = export.path.to_str().unwrap();
    let last = async || {
        let log = EventLog::open(&empty.gateway).await.ok()?;
        Some(log.status().await.ok()?.last_sequence.0)
    };
    let mut command = program(&["events", "import", path, "--yes"]);
    command.envs(empty.server.environment(NatsUser::Gateway));
    let mut importing = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = wait_for(PATIENCE, async || last().await.filter(|last| 0 < *last));
    begun.await.unwrap();
    importing.kill().unwrap();
    importing.wait().unwrap();
    let there = last().await.unwrap();
    assert!(there < MANY, "it was faster than the test: {there}");

    // A gateway holds the log against this, and does not start.
    let marks = bucket(&empty.gateway, OBSERVATION_BUCKET).await;
    let mark = marks
        .get(assent_event_log::Mark::KEY)
        .await
        .unwrap()
        .unwrap();
    let mark: assent_event_log::Mark = serde_json::from_slice(&mark.value).unwrap();
    assert_eq!(mark.sequence().0, MANY);

    let ran = empty.import(&export.path, &["--json"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let imported = super::json(&ran);
    // A batch may have been under way.
    let were_there = imported["were_there"].as_u64().unwrap();
    assert!(
        there <= were_there && were_there < MANY,
        "{there}: {imported}"
    );
    assert_eq!(last().await, Some(MANY));
    let log = EventLog::create_or_check(&empty.gateway, StreamSettings { replicas: 1 }).await;
    assert!(
        mark.is_of(
            log.unwrap()
                .entry(mark.sequence())
                .await
                .unwrap()
                .unwrap()
                .hash()
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_export_leaves_what_was_there() {
    let fixture = many().await;
    let export = export(&fixture, "log", &["--until", "10"]).await;
    let before = std::fs::read(export.path.join("events.ndjson")).unwrap();
    let (path, file) = (
        export.path.to_str().unwrap(),
        export.place.path().join("log.ndjson"),
    );
    for to in [path, file.to_str().unwrap()] {
        let mut command = fixture.command(&["events", "export", "--to", to]);
        let mut exporting = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = wait_for(PATIENCE, async || {
            let place = if to == path {
                export.path.as_path()
            } else {
                export.place.path()
            };
            let names = std::fs::read_dir(place).unwrap();
            let temporary =
                |name: std::ffi::OsString| name.to_string_lossy().starts_with(".assent-export-");
            names
                .flatten()
                .any(|entry| temporary(entry.file_name()))
                .then_some(())
        });
        begun.await.unwrap();
        exporting.kill().unwrap();
        exporting.wait().unwrap();
    }
    assert!(!file.exists());
    assert_eq!(
        std::fs::read(export.path.join("events.ndjson")).unwrap(),
        before
    );
    let mut command = fixture.command(&["events", "export", "--to", path, "--json"]);
    command.stdin(Stdio::null());
    let ran = run(command).await;
    assert_eq!(super::json(&ran)["sequence"], MANY, "{ran:?}");
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 2);
}

/// The manifest is in its place, and its signature is not yet: the one of the manifest before, or none.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_killed_before_it_was_signed_is_believed_by_nobody_and_signed_by_the_next()
 {
    let fixture = told().await;
    let (private, public) =
        assent_checkpoint::SigningKey::generate("log.example.com/consent").unwrap();
    let place = tempfile::tempdir().unwrap();
    let key = place.path().join("log.key");
    std::fs::write(&key, secrecy::ExposeSecret::expose_secret(&private)).unwrap();
    let signing = ["--key", key.to_str().unwrap()];
    let public = public.to_string();
    for is_first in [true, false] {
        let name = if is_first { "first" } else { "later" };
        let path = place.path().join(name);
        let signature = path.join("manifest.sig");
        if is_first {
            let signed = export_to(&fixture, &path, &signing).await;
            assert_eq!(signed.code, Some(0), "{signed:?}");
            std::fs::remove_file(&signature).unwrap();
        } else {
            let until = [&signing[..], &["--until", "5"]].concat();
            let signed = export_to(&fixture, &path, &until).await;
            assert_eq!(signed.code, Some(0), "{signed:?}");
            let before = std::fs::read(&signature).unwrap();
            let grown = export_to(&fixture, &path, &signing).await;
            assert_eq!(grown.code, Some(0), "{grown:?}");
            std::fs::write(&signature, before).unwrap();
        }

        let empty = Empty::start().await;
        let refused = empty.import(&path, &["--key", &public]).await;
        assert_eq!(refused.code, Some(1), "{name}: {refused:?}");
        assert_eq!(empty.messages().await, None, "{name}");

        let again = export_to(&fixture, &path, &signing).await;
        assert_eq!(again.code, Some(0), "{name}: {again:?}");
        let imported = empty.import(&path, &["--key", &public]).await;
        assert_eq!(imported.code, Some(0), "{name}: {imported:?}");
    }
}
