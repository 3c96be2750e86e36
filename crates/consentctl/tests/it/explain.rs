//! `explain`.

use assent_contract::custody::{CustodyStatus, HandedOut, HeldToken};
use assent_contract::names::CUSTODY_STATUS;
use assent_contract::values::Permission as WirePermission;
use assent_dev_stack::NatsUser;
use assent_domain::permissions::{Permission, PermissionSet};
use assent_messaging::Endpoint;

use crate::fake_service::FakeService;
use crate::fixture::{
    Fixture, SENDING, administered, auto_granted, back_to_users, by_another_person, granted,
    identity, revoked, run,
};
use crate::proxy::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn on_and_off_and_since_when_and_because_of_what() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            revoked("ana", Permission::Email),
        ])
        .await;

    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(without_ids(&ran.out), @r"
    User ana of account acme
      method      user_individual (email sync full, epoch 0)
      effective   calendar
      microsoft   00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)

    calendar  on, since 2026-11-23T10:00:00.000Z (event 1): granted by the user
           1  2026-11-23T10:00:00.000Z  granted calendar, email (limited) by the user's own choice
    contacts  off: the user has not granted it under the company's present method
    email     off, since 2026-11-23T10:01:00.000Z (event 2): the user took it back
           2  2026-11-23T10:01:00.000Z  revoked email by ana

    Evidence
           1  event     ID
              done by   the user ana
              microsoft 00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)
              scopes    Calendars.ReadWrite Mail.Send
           2  event     ID
              done by   the user ana

    Not compared: the projection is not reachable: no service listens on consent.query.v1.permissions.
    ");

    let json = fixture.json(&["explain", "acme", "ana"]).await;
    assert_eq!(json["effective"]["calendar"], true);
    assert_eq!(json["permissions"][2]["permission"], "email");
    assert_eq!(json["permissions"][2]["on"], false);
    assert_eq!(json["permissions"][2]["since"]["sequence"], 2);
    assert_eq!(json["permissions"][2]["because"][0]["sequence"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_that_is_held_and_the_one_that_outlives_an_ending_are_told() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            revoked("ana", Permission::Email),
        ])
        .await;
    let broker = FakeService::serve(
        &fixture,
        NatsUser::TokenBroker,
        "consent-token-broker",
        vec![Endpoint::new("status", CUSTODY_STATUS, |_| async {
            let time = |text: &str| text.parse().unwrap();
            let last = |permission| HandedOut {
                permission,
                last_at: time("2026-11-23T09:59:00Z"),
                expires_at: time("2026-11-23T10:59:00Z"),
            };
            let status = CustodyStatus {
                held: Some(HeldToken {
                    microsoft_identity: identity().into(),
                    since: time("2026-11-23T09:00:00Z"),
                    verified_at: time("2026-11-23T09:59:00Z"),
                    reauthentication_required: false,
                }),
                handed_out: vec![last(WirePermission::Calendar), last(WirePermission::Email)],
            };
            Ok(serde_json::to_vec(&status).unwrap())
        })],
    );
    let broker = broker.await;

    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        told[4],
        "  token       held since 2026-11-23T09:00:00.000Z; Microsoft last said yes at 2026-11-23T09:59:00.000Z"
    );
    let tail = "         the last token was given out at 2026-11-23T09:59:00.000Z, and ends at 2026-11-23T10:59:00.000Z";
    // Of the calendar, which is on, nothing has ended.
    assert_eq!(told.iter().filter(|line| **line == tail).count(), 1);
    let email = told.iter().position(|line| line.starts_with("email"));
    assert_eq!(told[email.unwrap() + 2], tail);

    let json = fixture.json(&["explain", "acme", "ana"]).await;
    assert_eq!(json["held_token"]["verified_at"], "2026-11-23T09:59:00Z");
    let last = &json["permissions"][2]["last_token"];
    assert_eq!(last["expires_at"], "2026-11-23T10:59:00Z");
    let past = fixture.json(&["explain", "acme", "ana", "--at", "1"]).await;
    assert_eq!(past.get("held_token"), None);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_came_too_late_is_named() {
    let fixture = Fixture::start().await;
    fixture.record(administered()).await;
    // Decided before the company moved on, recorded after it.
    fixture
        .record([granted("acme", "ana", PermissionSet::EVERYTHING)])
        .await;
    fixture.record([auto_granted("ana", 1)]).await;

    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(without_ids(&ran.out), @r"
    User ana of account acme
      method      admin_configured (email sync full, epoch 1)
      effective   calendar, email (limited)
      microsoft   00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)

    calendar  on, since 2026-11-23T10:03:00.000Z (event 4): granted by the company's administrator
           1  2026-11-23T10:00:00.000Z  administrator 00000000-0000-0000-0000-0000000000ad consented to calendar, email (limited) for the whole company (consent 01934a2b-1c2d…), asked by boss, proved by role 00000000-0000-0000-0000-000000000062
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
           4  2026-11-23T10:03:00.000Z  granted calendar, email (limited) by administrator consent 01934a2b-1c2d…
    contacts  off: not in the administrator's consent
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
    email     on (limited), since 2026-11-23T10:03:00.000Z (event 4): granted by the company's administrator
           1  2026-11-23T10:00:00.000Z  administrator 00000000-0000-0000-0000-0000000000ad consented to calendar, email (limited) for the whole company (consent 01934a2b-1c2d…), asked by boss, proved by role 00000000-0000-0000-0000-000000000062
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
           4  2026-11-23T10:03:00.000Z  granted calendar, email (limited) by administrator consent 01934a2b-1c2d…

    Too late
           3  2026-11-23T10:02:00.000Z  granted calendar, contacts, email (full) by the user's own choice; came too late: the company had moved on, so it counts for nothing

    Evidence
           1  event     ID
              asked by  boss, who confirmed to be an administrator
              done by   an administrator at Microsoft
              microsoft 00000000-0000-0000-0000-0000000000ad in tenant 00000000-0000-0000-0000-000000000ace (worldwide)
              proved by role 00000000-0000-0000-0000-000000000062
              scopes    Calendars.ReadWrite Mail.Send
           2  event     ID
              done by   boss
              consent   01934a2b-1c2d-7e3f-8a4b-000000000001
           3  event     ID
              done by   the user ana
              microsoft 00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)
              scopes    Calendars.ReadWrite Mail.Send
           4  event     ID
              done by   a login of the user ana
              microsoft 00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)
              consent   01934a2b-1c2d-7e3f-8a4b-000000000001
              scopes    Calendars.ReadWrite Mail.Send

    Not compared: the projection is not reachable: no service listens on consent.query.v1.permissions.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_as_another_microsoft_account_is_named() {
    let fixture = Fixture::start().await;
    let contacts = PermissionSet {
        contacts: true,
        ..PermissionSet::NOTHING
    };
    fixture
        .record([
            granted("acme", "ana", SENDING),
            by_another_person(granted("acme", "ana", contacts)),
        ])
        .await;
    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(without_ids(&ran.out), @r"
    User ana of account acme
      method      user_individual (email sync full, epoch 0)
      effective   contacts
      microsoft   00000000-0000-0000-0000-00000000000b in tenant 00000000-0000-0000-0000-000000000ace (worldwide)

    calendar  off, since 2026-11-23T10:01:00.000Z (event 2): the user granted it for another Microsoft account than that of the present grants
           2  2026-11-23T10:01:00.000Z  granted contacts by the user's own choice; granted as another Microsoft account: what was granted before counts no more
    contacts  on, since 2026-11-23T10:01:00.000Z (event 2): granted by the user
           2  2026-11-23T10:01:00.000Z  granted contacts by the user's own choice; granted as another Microsoft account: what was granted before counts no more
    email     off, since 2026-11-23T10:01:00.000Z (event 2): the user granted it for another Microsoft account than that of the present grants
           2  2026-11-23T10:01:00.000Z  granted contacts by the user's own choice; granted as another Microsoft account: what was granted before counts no more

    Evidence
           2  event     ID
              done by   the user ana
              microsoft 00000000-0000-0000-0000-00000000000b in tenant 00000000-0000-0000-0000-000000000ace (worldwide)
              scopes    Calendars.ReadWrite Mail.Send

    Not compared: the projection is not reachable: no service listens on consent.query.v1.permissions.
    ");
    let json = fixture.json(&["explain", "acme", "ana"]).await;
    assert_eq!(
        json["permissions"][0]["because"][0]["another_account"],
        true
    );

    // A projection that folds by other rules is found out.
    let _of_the_old_mailbox = FakeService::start(&fixture, contacts).await;
    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("it says that the mailbox is that of"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_by_sequence_and_by_time() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            revoked("ana", Permission::Email),
        ])
        .await;

    // The first event is of 10:00, the second of 10:01.
    for at in ["1", "2026-11-23T10:00:59Z"] {
        let ran = fixture.run(&["explain", "acme", "ana", "--at", at]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(", as it was "), "{ran:?}");
        assert!(ran.out.contains("calendar, email (limited)"), "{ran:?}");
        assert!(!ran.out.contains("projection"), "{ran:?}");
    }
    for at in ["0", "2026-11-23T09:59:59Z"] {
        let ran = fixture.run(&["explain", "acme", "ana", "--at", at]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains("effective   nothing"), "{ran:?}");
        let says = "Nothing was recorded of the user or the company yet";
        assert!(ran.out.contains(says), "{ran:?}");
        let json = fixture.json(&["explain", "acme", "ana", "--at", at]).await;
        assert_eq!(json["recorded"], false);
    }
    // At the very time of an event it counts.
    let second = "2026-11-23T10:01:00Z";
    let ran = fixture
        .run(&["explain", "acme", "ana", "--at", second])
        .await;
    assert!(ran.out.contains("the user took it back"), "{ran:?}");
    // An event of somebody else is a moment as well.
    fixture.record([granted("globex", "ben", SENDING)]).await;
    let ran = fixture.run(&["explain", "acme", "ana", "--at", "3"]).await;
    assert!(ran.out.contains("the user took it back"), "{ran:?}");
    let ran = fixture
        .run(&["explain", "globex", "ben", "--at", "2"])
        .await;
    assert!(
        ran.out
            .contains("Nothing was recorded of the user or the company yet"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_company_that_was_there_before_the_user_that_is_said() {
    let fixture = Fixture::start().await;
    fixture.record(administered()).await;
    fixture.record([auto_granted("ana", 1)]).await;
    let ran = fixture.run(&["explain", "acme", "ana", "--at", "2"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("Nothing was recorded of the user yet"),
        "{ran:?}"
    );
    let why = "the user has not signed in through Microsoft since";
    assert!(ran.out.contains(why), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_come_yet_is_answered_as_of_now_and_compared() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;
    let _honest = FakeService::start(&fixture, SENDING).await;
    for (at, says) in [
        ("2", "The log ends with event 1, so this is as of now."),
        ("18446744073709551615", "The log ends with event 1"),
        (
            "3026-11-23T10:00:00Z",
            "3026-11-23T10:00:00.000Z has not come yet, so this is as of now.",
        ),
    ] {
        let ran = fixture.run(&["explain", "acme", "ana", "--at", at]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(says), "{ran:?}");
        assert!(!ran.out.contains("as it was"), "{ran:?}");
        assert!(ran.out.contains("The projection says the same"), "{ran:?}");
        let json = fixture.json(&["explain", "acme", "ana", "--at", at]).await;
        assert!(
            json["remark"].as_str().unwrap().contains("as of now"),
            "{json}"
        );
        assert_eq!(json["up_to"], serde_json::Value::Null);
    }
}

/// The company went back to its users while a login was granting: the grant is on the log, and counts for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_grant_that_came_too_late_is_why_it_is_off() {
    let fixture = Fixture::start().await;
    fixture.record(administered()).await;
    fixture.record([back_to_users()]).await;
    fixture.record([auto_granted("ana", 1)]).await;

    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let line = ran.out.lines().find(|line| line.starts_with("calendar"));
    assert_eq!(
        line,
        Some("calendar  off: the grant came too late: the company had moved on by then"),
        "{ran:?}"
    );
    let line = ran.out.lines().find(|line| line.starts_with("contacts"));
    assert_eq!(
        line,
        Some("contacts  off: the user has not granted it under the company's present method"),
        "{ran:?}"
    );
    let (_, late) = ran.out.split_once("\nToo late\n").unwrap();
    assert!(late.trim_start().starts_with("4 "), "{ran:?}");
    let json = fixture.json(&["explain", "acme", "ana"]).await;
    assert_eq!(json["late"][0]["sequence"], 4);
    assert_eq!(json["permissions"][0]["state"], "never_granted");
}

/// What is not believed any more was believed before, and can be explained as it was then.
#[tokio::test(flavor = "multi_thread")]
async fn before_what_cant_be_read_the_past_is_as_it_was() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            revoked("ana", Permission::Email),
        ])
        .await;
    fixture.scribble("consent.events.v1.acme.user.ana").await;
    fixture.scribble("consent.events.v1.acme.company").await;

    for (at, effective) in [
        ("1", "calendar, email (limited)"),
        ("2", "calendar"),
        ("2026-11-23T10:01:30Z", "calendar"),
    ] {
        let ran = fixture.run(&["explain", "acme", "ana", "--at", at]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let line = format!("  effective   {effective}\n");
        assert!(ran.out.contains(&line), "{at}: {ran:?}");
    }
    let ran = fixture.run(&["explain", "acme", "ana", "--at", "3"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("the user: event 3 can't be read"),
        "{ran:?}"
    );
    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for says in ["the user: event 3", "the company: event 4"] {
        assert!(ran.out.contains(says), "{ran:?}");
    }
}

/// How much the server says, until `explain` has its answer, does not depend on what else is on the log.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_not_read_but_for_whom_it_is_about() {
    let fixture = Fixture::start().await;
    fixture
        .record([
            granted("acme", "ana", SENDING),
            revoked("ana", Permission::Email),
        ])
        .await;
    let told = async |at: &[&str]| {
        let proxy = Proxy::before(&fixture.server, None).await;
        let mut command = fixture.command(&[&["explain", "acme", "ana"], at].concat());
        command.env("ASSENT_NATS_URL", proxy.url());
        let ran = run(command).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains("calendar  on"), "{ran:?}");
        proxy.told()
    };
    let moments: [&[&str]; 3] = [&[], &["--at", "2"], &["--at", "2026-11-23T10:01:30Z"]];
    let mut before = Vec::new();
    for at in moments {
        before.push(told(at).await);
    }
    let others = (0..500).map(|number| granted("globex", &format!("user-{number}"), SENDING));
    fixture.record(others).await;
    for (at, before) in moments.into_iter().zip(before) {
        let after = told(at).await;
        // A sequence has some digits more.
        assert!(after < before + 200, "{at:?}: {before} bytes, then {after}");
    }
}

/// Ids of events differ from run to run.
fn without_ids(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once("  event     ") {
            Some((before, _)) => format!("{before}  event     ID\n"),
            None => format!("{line}\n"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_user_nobody_knows_the_default_is_said() {
    let fixture = Fixture::start().await;
    let ran = fixture.run(&["explain", "acme", "nobody"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(without_ids(&ran.out), @r"
    User nobody of account acme
      method      user_individual (email sync full, epoch 0)
      effective   nothing
      Nothing was ever recorded of the user: this is the default state, and nothing is allowed.

    calendar  off: the user has not granted it under the company's present method
    contacts  off: the user has not granted it under the company's present method
    email     off: the user has not granted it under the company's present method

    Not compared: the projection is not reachable: no service listens on consent.query.v1.permissions.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_says_the_same_or_something_else() {
    let fixture = Fixture::start().await;
    fixture.record([granted("acme", "ana", SENDING)]).await;

    let honest = FakeService::start(&fixture, SENDING).await;
    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("The projection says the same"), "{ran:?}");
    honest.stop().await;

    let _lying = FakeService::start(&fixture, PermissionSet::EVERYTHING).await;
    let ran = fixture.run(&["explain", "acme", "ana"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains(
            "the projection differs from the log: it says calendar, contacts, email (full)"
        ),
        "{ran:?}"
    );
}
