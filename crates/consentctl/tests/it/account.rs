//! `account`.

use assent_domain::permissions::PermissionSet;

use crate::fake_service::FakeService;
use crate::fixture::{CONSENT, Fixture, administered};

#[tokio::test(flavor = "multi_thread")]
async fn the_consent_in_force_who_gave_it_and_how_it_came_to_that() {
    let fixture = Fixture::start().await;
    fixture.record(administered()).await;

    let ran = fixture.run(&["account", "acme"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
    Account acme
      method       admin_configured
      email sync   full
      epoch        1
      users        not known: the projection is not reachable: no service listens on consent.query.v1.account

    Consent in force
      id           01934a2b-1c2d-7e3f-8a4b-000000000001
      given        2026-11-23T10:00:00.000Z (event 1)
      asked by     boss, who confirmed to be an administrator
      granted by   00000000-0000-0000-0000-0000000000ad at Microsoft
      proved by    role 00000000-0000-0000-0000-000000000062
      tenant       00000000-0000-0000-0000-000000000ace (worldwide)
      permissions  calendar, email (limited)
      scopes       Calendars.ReadWrite Mail.Send

    History
           1  2026-11-23T10:00:00.000Z  administrator 00000000-0000-0000-0000-0000000000ad consented to calendar, email (limited) for the whole company (consent 01934a2b-1c2d…), asked by boss, proved by role 00000000-0000-0000-0000-000000000062
           2  2026-11-23T10:01:00.000Z  boss changed the method from user_individual to admin_configured, resting on consent 01934a2b-1c2d…
    ");

    let json = fixture.json(&["account", "acme"]).await;
    assert_eq!(json["method"], "admin_configured");
    assert_eq!(json["consent"]["consent_id"], CONSENT);
    assert_eq!(json["history"].as_array().unwrap().len(), 2);
    assert!(json["projection"]["unanswered"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_events_is_in_its_default_state() {
    let fixture = Fixture::start().await;
    let _projection = FakeService::start(&fixture, PermissionSet::NOTHING).await;

    let ran = fixture.run(&["account", "acme"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("user_individual"), "{ran:?}");
    assert!(ran.out.contains("1 known to the projection"), "{ran:?}");
    assert!(ran.out.contains("this is the default state"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cant_be_read_is_a_finding() {
    let fixture = Fixture::start().await;
    fixture.record(administered()).await;
    fixture.scribble("consent.events.v1.acme.company").await;

    let ran = fixture.run(&["account", "acme"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("event 3 can't be read"), "{ran:?}");
}
