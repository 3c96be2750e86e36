//! `replay`: a view built offline. That its digest is the projection's is shown where projections run (journeys).

use std::fs::{self, File};
use std::path::Path;

use assent_domain::permissions::{Permission, PermissionSet};
use serde_json::Value;

use crate::fixture::{Fixture, Ran, SENDING, administered, auto_granted, granted, revoked};

async fn told() -> Fixture {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            granted("globex", "ana", PermissionSet::EVERYTHING),
            revoked("ana", Permission::Email),
        ])
        .await;
    fixture.record(administered()).await;
    fixture.record([auto_granted("ben", 1)]).await;
    fixture
}

async fn replay(fixture: &Fixture, to: &Path, more: &[&str]) -> Ran {
    let to = to.to_str().unwrap();
    fixture
        .run(&[&["replay", "--to", to, "--json"], more].concat())
        .await
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_events_come_to_the_same_digest_and_others_to_another() {
    let fixture = told().await;
    fixture.scribble("consent.events.v1.globex.company").await;
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);

    let whole = json(&replay(&fixture, &at("whole"), &[]).await);
    assert_eq!(whole["sequence"], 7, "{whole}");
    assert_eq!(whole["accounts"], 2, "{whole}");
    assert_eq!(whole["users"], 3, "{whole}");
    assert_eq!(whole["blocked"], 1, "{whole}");
    let again = json(&replay(&fixture, &at("again"), &[]).await);
    assert_eq!(again["digest"], whole["digest"]);

    // The sixth event is of 10:05; the message after it is no event, and has no time of its own.
    let by_sequence = json(&replay(&fixture, &at("3"), &["--until", "3"]).await);
    assert_eq!(by_sequence["sequence"], 3);
    let by_time = ["--until", "2026-11-23T10:02:59Z"];
    let by_time = json(&replay(&fixture, &at("10:02"), &by_time).await);
    assert_eq!(by_time["sequence"], 3);
    assert_eq!(by_time["digest"], by_sequence["digest"]);
    assert_ne!(by_time["digest"], whole["digest"]);
    let later = ["--until", "2030-01-01T00:00:00Z"];
    let later = json(&replay(&fixture, &at("later"), &later).await);
    assert_eq!(later["digest"], whole["digest"]);
    let before = ["--until", "2020-01-01T00:00:00Z"];
    let before = json(&replay(&fixture, &at("before"), &before).await);
    assert_eq!(
        (&before["sequence"], &before["users"]),
        (&0.into(), &0.into())
    );

    let text = fixture
        .run(&["replay", "--to", at("text").to_str().unwrap()])
        .await;
    assert_eq!(text.code, Some(0), "{text:?}");
    let digest = whole["digest"].as_str().unwrap();
    assert!(
        text.out.contains(&format!("digest     {digest}\n")),
        "{text:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_somebody_has_something_in_is_refused_by_name_and_left_alone() {
    let fixture = told().await;
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let refused = async |name: &str, why: &str| {
        let ran = replay(&fixture, &at(name), &[]).await;
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert!(ran.err.contains(why) && ran.err.contains(name), "{ran:?}");
    };

    fs::create_dir(at("photos")).unwrap();
    fs::write(at("photos").join("ana.jpg"), "x").unwrap();
    refused("photos", "is not empty (it holds ana.jpg)").await;
    fs::write(at("file"), "x").unwrap();
    refused("file", "is no directory").await;

    assert_eq!(replay(&fixture, &at("view"), &[]).await.code, Some(0));
    refused("view", "holds a view already").await;
    let lock = File::open(at("view").join("lock")).unwrap();
    lock.lock().unwrap();
    refused("view", "is in use by a projection").await;

    let left = fs::read_dir(at("photos")).unwrap().count();
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_unfinished_is_begun_anew() {
    let fixture = told().await;
    let place = tempfile::tempdir().unwrap();
    let (whole, killed) = (place.path().join("whole"), place.path().join("killed"));
    let expected = json(&replay(&fixture, &whole, &[]).await);

    // As a replay that was killed leaves it, be it before or after the view was complete.
    for complete in [false, true] {
        if complete {
            assert_eq!(
                replay(&fixture, &killed, &["--until", "2"]).await.code,
                Some(64)
            );
        } else {
            fs::create_dir_all(killed.join("generation-1")).unwrap();
            fs::write(killed.join("generation-1/db"), "torn").unwrap();
        }
        fs::write(killed.join("UNFINISHED"), "").unwrap();
        let ran = replay(&fixture, &killed, &[]).await;
        assert_eq!(json(&ran)["digest"], expected["digest"], "{ran:?}");
        assert!(!killed.join("UNFINISHED").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_there_is_said_to_be_so() {
    let fixture = Fixture::start().await;
    let place = tempfile::tempdir().unwrap();
    let empty = json(&replay(&fixture, &place.path().join("empty"), &[]).await);
    assert_eq!(empty["sequence"], 0);
    let nowhere = ["--nats-url", "nats://127.0.0.1:1"];
    let ran = replay(&fixture, &place.path().join("no"), &nowhere).await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(!place.path().join("no").exists());
}
