//! `explain`.

use assent_domain::permissions::{Permission, PermissionSet};

use crate::fake_service::FakeService;
use crate::fixture::{
    Fixture, SENDING, administered, auto_granted, by_another_person, granted, revoked,
};

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
    insta::assert_snapshot!(ran.out, @r"
    User ana of account acme
      method      user_individual (email sync full, epoch 0)
      effective   calendar
      microsoft   00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)

    calendar  on, since 2026-11-23T10:00:00.000Z (event 1): granted by the user
           1  2026-11-23T10:00:00.000Z  granted calendar, email (limited) by the user's own choice
    contacts  off: the user has not granted it under the company's present method
    email     off, since 2026-11-23T10:01:00.000Z (event 2): the user took it back
           2  2026-11-23T10:01:00.000Z  revoked email by ana

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
    insta::assert_snapshot!(ran.out, @r"
    User ana of account acme
      method      admin_configured (email sync full, epoch 1)
      effective   calendar, email (limited)
      microsoft   00000000-0000-0000-0000-00000000000a in tenant 00000000-0000-0000-0000-000000000ace (worldwide)

    calendar  on, since 2026-11-23T10:03:00.000Z (event 4): granted by the company's administrator
           1  2026-11-23T10:00:00.000Z  administrator 00000000-0000-0000-0000-0000000000ad consented to calendar, email (limited) for the whole company (consent 01934a2b-1c2d…), asked by boss, proved by role 00000000-0000-0000-0000-000000000062
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
           4  2026-11-23T10:03:00.000Z  granted calendar, email (limited) by administrator consent 01934a2b-1c2d…
    contacts  off: the consent in force leaves it out
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
    email     on (limited), since 2026-11-23T10:03:00.000Z (event 4): granted by the company's administrator
           1  2026-11-23T10:00:00.000Z  administrator 00000000-0000-0000-0000-0000000000ad consented to calendar, email (limited) for the whole company (consent 01934a2b-1c2d…), asked by boss, proved by role 00000000-0000-0000-0000-000000000062
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
           4  2026-11-23T10:03:00.000Z  granted calendar, email (limited) by administrator consent 01934a2b-1c2d…

    Too late
           3  2026-11-23T10:02:00.000Z  granted calendar, contacts, email (full) by the user's own choice; came too late: the company had moved on, so it counts for nothing

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
    insta::assert_snapshot!(ran.out, @r"
    User ana of account acme
      method      user_individual (email sync full, epoch 0)
      effective   contacts
      microsoft   00000000-0000-0000-0000-00000000000b in tenant 00000000-0000-0000-0000-000000000ace (worldwide)

    calendar  off, since 2026-11-23T10:01:00.000Z (event 2): the user has not granted it as the Microsoft account of the present grants
           2  2026-11-23T10:01:00.000Z  granted contacts by the user's own choice; granted as another Microsoft account: what was granted before counts no more
    contacts  on, since 2026-11-23T10:01:00.000Z (event 2): granted by the user
           2  2026-11-23T10:01:00.000Z  granted contacts by the user's own choice; granted as another Microsoft account: what was granted before counts no more
    email     off, since 2026-11-23T10:01:00.000Z (event 2): the user has not granted it as the Microsoft account of the present grants
           2  2026-11-23T10:01:00.000Z  granted contacts by the user's own choice; granted as another Microsoft account: what was granted before counts no more

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
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_user_nobody_knows_the_default_is_said() {
    let fixture = Fixture::start().await;
    let ran = fixture.run(&["explain", "acme", "nobody"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
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
