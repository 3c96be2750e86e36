//! `--dry-run`: what would be gone, and whose permission would change.

use assent_domain::permissions::{Permission, PermissionSet};

use super::{export, told};
use crate::fixture::{Fixture, SENDING, granted, revoked};

fn without_digests(text: &str) -> String {
    let lines = text.lines().map(|line| match line.get(..11) {
        Some(name @ ("digest     " | "root       ")) => format!("{name}..."),
        Some("import     ") => line.split(" created ").next().unwrap().to_owned(),
        Some(_) | None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_since_would_be_on_again() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            granted("acme", "cleo", PermissionSet::EVERYTHING),
        ])
        .await;
    let export = export(&fixture, "log", &[]).await;
    fixture
        .record([
            revoked("ana", Permission::Calendar),
            granted("acme", "ben", PermissionSet::EVERYTHING),
        ])
        .await;
    let path = export.path.to_str().unwrap();
    let dry_run = ["events", "import", path, "--dry-run"];
    let ran = fixture.run(&dry_run).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(without_digests(&ran.out), @r"
    acme/ana                 calendar would be on again
    acme/ben                 calendar, contacts, email (full) would be off

    import     2 messages of the log that was
    digest     ...
    root       ...
    then       2 users, 0 companies with events of their own, 0 blocked
    now        3 users, 0 companies with events of their own, 0 blocked, as of message 4
    gone       2 messages, from 3 to 4
    on again   1 user, of whom something would be on that is off now
    off        1 user, of whom something would be off that is on now
    companies  0 with another method
    Nothing was written. The import itself needs every gateway and projection stopped, and a log that is empty or not there.
    ");

    let few = fixture
        .run(&[&dry_run[..], &["--limit", "1"]].concat())
        .await;
    assert!(few.out.contains("1 of the differences; 1 more"), "{few:?}");
    let whole = fixture.run(&[&dry_run[..], &["--json"]].concat()).await;
    let lines: Vec<serde_json::Value> = whole
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0]["user_id"], "ana");
    assert_eq!(lines[0]["now"]["effective"]["calendar"], false);
    assert_eq!(lines[0]["import"]["effective"]["calendar"], true);
    assert_eq!(lines[2]["gone"], 2);
    assert_eq!(lines[2]["users_on_again"], 1);
    assert_eq!(lines[2]["users_off"], 1);
    // The digest is the one that the log would have.
    let view = export.place.path().join("view");
    let view = fixture
        .run(&[
            "replay",
            "--to",
            view.to_str().unwrap(),
            "--until",
            "2",
            "--json",
        ])
        .await;
    assert_eq!(super::json(&view)["digest"], lines[2]["import"]["digest"]);
    assert_eq!(fixture.log.status().await.unwrap().last_sequence.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn against_another_log_and_against_none() {
    let export = export(&told().await, "log", &[]).await;
    let path = export.path.to_str().unwrap();
    let dry_run = ["events", "import", path, "--dry-run"];
    let other = Fixture::start().await;
    let none = other.run(&dry_run).await;
    assert!(
        none.out.contains("there is nothing to compare with"),
        "{none:?}"
    );
    other.record([granted("acme", "zoe", SENDING)]).await;
    let ran = other.run(&dry_run).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "it is not the one that this is an export of",
        "acme                     the method would be admin_configured, and is user_individual now",
        "acme/zoe",
        "would be off",
        "would be on again",
    ] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
}
