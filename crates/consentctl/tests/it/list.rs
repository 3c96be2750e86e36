//! `events list`.

use assent_domain::permissions::{Permission, PermissionSet};

use crate::fixture::{Fixture, SENDING, administered, auto_granted, granted, revoked};

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

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_a_line_that_says_what_happened() {
    let fixture = told().await;

    let ran = fixture.run(&["events", "list"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
    1  2026-11-23T10:00:00.000Z  UserScopeGranted     acme/ana              granted calendar, email (limited) by the user's own choice
    2  2026-11-23T10:01:00.000Z  UserScopeGranted     globex/ana            granted calendar, contacts, email (full) by the user's own choice
    3  2026-11-23T10:02:00.000Z  UserScopeRevoked     acme/ana              revoked email by ana
    4  2026-11-23T10:03:00.000Z  AdminConsentGranted  acme                  administrator 00000000-0000-0000-0000-0000000000ad consented to calendar, email (limited) for the whole company (consent 01934a2b-1c2d…), asked by boss, proved by role 00000000-0000-0000-0000-000000000062
    5  2026-11-23T10:04:00.000Z  ModeChanged          acme                  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
    6  2026-11-23T10:05:00.000Z  UserScopeGranted     acme/ben              granted calendar, email (limited) by administrator consent 01934a2b-1c2d…
    ");

    let ran = fixture.run(&["events", "list", "--json"]).await;
    let lines: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0]["sequence"], 1);
    assert_eq!(lines[0]["type"], "assent.consent.UserScopeGranted.v1");
    assert_eq!(lines[0]["account_id"], "acme");
    assert_eq!(lines[0]["user_id"], "ana");
    assert_eq!(lines[0]["event"]["permissions"]["email"], "limited");
    assert_eq!(lines[0]["time"], "2026-11-23T10:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_chosen_by_whose_they_are_by_type_and_by_place() {
    let fixture = told().await;
    let sequences = async |options: &[&str]| {
        let all = [&["events", "list", "--json"], options].concat();
        let ran = fixture.run(&all).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let lines = ran.out.lines();
        lines
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["sequence"].as_u64().unwrap()
            })
            .collect::<Vec<_>>()
    };

    assert_eq!(sequences(&["--account", "acme"]).await, [1, 3, 4, 5, 6]);
    assert_eq!(
        sequences(&["--account", "acme", "--user", "ana"]).await,
        [1, 3]
    );
    assert_eq!(sequences(&["--type", "ModeChanged"]).await, [5]);
    assert_eq!(sequences(&["--from", "2", "--to", "4"]).await, [2, 3, 4]);
    assert_eq!(sequences(&["--from", "7"]).await, [0; 0]);
    assert_eq!(sequences(&["--limit", "2"]).await, [1, 2]);
    assert_eq!(sequences(&["--limit", "0"]).await.len(), 6);

    let ran = fixture.run(&["events", "list", "--limit", "2"]).await;
    assert!(ran.err.contains("go on with --from 3"), "{ran:?}");
    let ran = fixture.run(&["events", "list", "--account", "acme"]).await;
    assert!(ran.err.contains("read 6 events of the log"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cant_be_read_is_shown_and_is_a_finding() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    fixture.scribble("consent.events.v1.acme.user.ana").await;

    for whose in [&[][..], &["--account", "acme", "--user", "ana"]] {
        let ran = fixture.run(&[&["events", "list"], whose].concat()).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(ran.out.lines().count(), 2, "{ran:?}");
        let unreadable = ran.out.lines().nth(1).unwrap();
        assert!(unreadable.contains("acme/ana"), "{ran:?}");
        assert!(unreadable.contains("CAN'T BE READ: the header"), "{ran:?}");
    }

    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("event 2 can't be read"), "{ran:?}");
    assert!(ran.out.contains("effective   nothing"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_range_is_said() {
    let fixture = told().await;
    let ran = fixture.run(&["events", "list", "--from", "7"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("the log ends with event 6"), "{ran:?}");
    let ran = fixture
        .run(&["events", "list", "--from", "4", "--to", "3"])
        .await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.err.contains("--from 4 is after --to 3"), "{ran:?}");
    let ran = fixture
        .run(&["events", "list", "--account", "nobody"])
        .await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.err.contains("to find those of nobody"), "{ran:?}");
    let whose = ["--account", "acme", "--user", "nobody"];
    let ran = fixture
        .run(&[&["events", "list"], &whose[..]].concat())
        .await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    // A program is told nothing but the events.
    for options in [&["--from", "7"][..], &["--account", "nobody"]] {
        let all = [&["events", "list", "--json"], options].concat();
        let ran = fixture.run(&all).await;
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{ran:?}");
    }
}
